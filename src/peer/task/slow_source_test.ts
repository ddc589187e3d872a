/** A digest that is at several registries, of which one is slow, down, or wrong. */
import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { Source } from "../source/source.ts";
import { blob, FakeSource, NEVER, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";

const MIB = 1024 * 1024;
const CONTENT = blob(8 * MIB);
const REQUEST = requestFor(CONTENT, { pieceLength: MIB });

/** The two registries as one source. */
function sourceOf(registries: Readonly<Record<string, FakeSource>>): Source {
  const at = (url: string) => registries[new URL(url).hostname] ?? new FakeSource(new Uint8Array(0));
  return {
    stat: (request, signal) => at(request.url).stat(request, signal),
    begin: (request, signal) => at(request.url).begin(request, signal),
    read: (request, ...rest) => at(request.url).read(request, ...rest),
  };
}

/** A registry that gives 256 KiB every so many milliseconds. */
function registry(clock: VirtualClock, pauseMs: number, content = CONTENT): FakeSource {
  const source = new FakeSource(content);
  source.blockBytes = MIB / 4;
  source.onBlock = (_, signal) => clock.sleep(pauseMs, signal);
  return source;
}

function requestAt(hostname: string) {
  return { ...REQUEST, source: { url: `http://${hostname}/v2/r/blobs/x`, headers: {} } };
}

/** What a node gets whose first requester knows registry `a`, and another one `b`; and how long it takes. */
async function pull(clock: VirtualClock, a: FakeSource, b: FakeSource) {
  await using node = await SwarmNode.start(new Swarm(), { source: sourceOf({ a, b }), clock });
  await using first = await node.tasks.open(requestAt("a"), NEVER);
  await using second = await node.tasks.open(requestAt("b"), NEVER);
  const startedAt = clock.now();
  let isDone = false;
  const both = Promise.all([readAll(first), readAll(second)]).finally(() => isDone = true);
  both.catch(() => {});
  while (!isDone && clock.now() - startedAt < 600_000) await clock.advance(100);
  const bytes = await both;
  return { bytes, tookMs: clock.now() - startedAt, lines: node.runtime.log.lines };
}

Deno.test("nobody waits for a registry that trickles while another requester knows a fast one", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 5_000), registry(clock, 10)];
  const { bytes: [first, second], tookMs } = await pull(clock, a, b);
  assert.deepEqual([first, second], [CONTENT, CONTENT]);
  assert.ok(tookMs < 4_000, `${tookMs} ms`);
  assert.deepEqual([a.reads.length, b.reads.length], [1, 1]);
});

Deno.test("of two slow registries the clearly faster one is kept, and each is asked a few times only", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 400), registry(clock, 4_000)];
  const { bytes: [first], tookMs } = await pull(clock, a, b);
  assert.deepEqual(first, CONTENT);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
  assert.deepEqual([a.reads.length, b.reads.length], [2, 1]);
});

Deno.test("a registry that is fast enough is not left, whoever else is there", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 200), registry(clock, 1)];
  const { bytes: [first] } = await pull(clock, a, b);
  assert.deepEqual(first, CONTENT);
  assert.deepEqual([a.reads.length, b.reads.length], [1, 0]);
});

Deno.test("a registry that fails gives way to the one of another requester, and that is told", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 1), registry(clock, 1)];
  a.onRead = () => {
    throw sourceError({ status: 503 });
  };
  const { bytes: [first], lines } = await pull(clock, a, b);
  assert.deepEqual(first, CONTENT);
  assert.ok(lines.some(({ level, message }) => level === "warn" && message.startsWith("The source fails")));
});

Deno.test("a registry with wrong bytes costs a second copy, not the pull", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 1_000), registry(clock, 10, blob(8 * MIB, 2))];
  await using node = await SwarmNode.start(new Swarm(), { source: sourceOf({ a, b }), clock });
  await using first = await node.tasks.open(requestAt("a"), NEVER);
  await using _second = await node.tasks.open(requestAt("b"), NEVER);
  let isDone = false;
  const sealed = first.sealed.finally(() => isDone = true);
  while (!isDone) await clock.advance(500);
  await sealed;
  assert.deepEqual(a.reads.map(({ range }) => range.start), [0, 0]);
});

Deno.test("a content without a digest stays at its source, however slow that is", async () => {
  const clock = new VirtualClock();
  const [a, b] = [registry(clock, 1_000), registry(clock, 1)];
  await using node = await SwarmNode.start(new Swarm(), { source: sourceOf({ a, b }), clock });
  const unnamed = { digest: undefined, isBlobDigestTaskId: false };
  await using first = await node.tasks.open({ ...requestAt("a"), ...unnamed }, NEVER);
  await using _second = await node.tasks.open({ ...requestAt("b"), ...unnamed }, NEVER);
  let isDone = false;
  const sealed = first.sealed.finally(() => isDone = true);
  while (!isDone) await clock.advance(500);
  await sealed;
  assert.deepEqual([a.reads.length, b.reads.length], [1, 0]);
});
