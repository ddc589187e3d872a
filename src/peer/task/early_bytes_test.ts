/** Bytes of the source that are read before their piece is complete. */
import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import { blob, FakeSource, NEVER, PIECE, readAll, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(20 * PIECE + 500);
const REQUEST = requestFor(CONTENT);
/** The end of a block, in the middle of a piece. */
const STOP = 4_200;

/** A source that gives nothing from a position on until its gate opens. */
function stoppingSource(content = CONTENT, stop = STOP) {
  const gate = Promise.withResolvers<void>();
  const source = new FakeSource(content);
  source.onBlock = (position, signal) => {
    if (position < stop) return;
    const left = new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return Promise.race([gate.promise, left]);
  };
  return { source, gate };
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Reads until there are `count` bytes, or to the end. */
async function take(reader: ReadableStreamDefaultReader<Uint8Array>, count: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < count;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A reader who has so much of what a source gave that stopped, while the scheduler hangs; then a parent has the rest. */
async function movedToParent(ofSource: Uint8Array, count = STOP): Promise<Uint8Array> {
  const [clock, swarm] = [new VirtualClock(), new Swarm()];
  await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await parent.pull(REQUEST);
  const fetching = Promise.withResolvers<void>();
  parent.behaviour.onFetch = () => fetching.promise;
  const { source } = stoppingSource(Uint8Array.from(ofSource));
  const decision = Promise.withResolvers<Decision>();
  await using node = await SwarmNode.start(swarm, { source, clock, decide: () => decision.promise });
  node.control.isAlive = false;
  await using handle = await node.tasks.open(REQUEST, NEVER);
  const body: Body = handle.read({ start: 0, end: CONTENT.length });
  await clock.advance(1_000);
  const bytes = body.getReader({ mode: "byob" });
  const early = (await bytes.read(new Uint8Array(count), { min: count })).value ?? new Uint8Array(0);
  bytes.releaseLock();
  const reader = body.getReader();
  decision.resolve({ kind: "from_parents", parents: [swarm.peer(parent)] });
  while (node.storage.find(REQUEST.taskId)?.coming(4) !== undefined) await clock.advance(10);
  let isDone = false;
  const rest = take(reader, Infinity).finally(() => isDone = true);
  rest.catch(() => {});
  await settle();
  fetching.resolve();
  while (!isDone) await clock.advance(10);
  return Uint8Array.from([...early, ...await rest]);
}

Deno.test("what the source has sent is read before its piece is complete, by everybody who stands there", async () => {
  const { source, gate } = stoppingSource();
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(REQUEST, NEVER);
  const readers = [0, 4 * PIECE + 50].map((start) => {
    const body: Body = handle.read({ start, end: CONTENT.length });
    return { start, reader: body.getReader() };
  });
  for (const { start, reader } of readers) {
    assert.deepEqual(await take(reader, STOP - start), CONTENT.slice(start, STOP));
  }
  gate.resolve();
  for (const { reader } of readers) assert.deepEqual(await take(reader, Infinity), CONTENT.slice(STOP));
});

Deno.test("a part that ends within a piece is given without the rest of that", async () => {
  const { source, gate } = stoppingSource();
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(REQUEST, NEVER);
  assert.deepEqual(await readAll(handle, { start: 10, end: STOP - 10 }), CONTENT.slice(10, STOP - 10));
  gate.resolve();
  await handle.sealed;
});

Deno.test("a reader goes on where the source was left within a piece, when parents have the same bytes", async () => {
  assert.deepEqual(await movedToParent(CONTENT), CONTENT);
});

Deno.test("a reader learns that the source gave him wrong bytes of a piece that others made good", async () => {
  const wrong = CONTENT.slice();
  wrong[4 * PIECE + 100] = (wrong[4 * PIECE + 100] ?? 0) ^ 1;
  await assert.rejects(movedToParent(wrong), { code: "data_loss" });
});

Deno.test("a reader who was given none of the wrong bytes gets the right ones", async () => {
  const wrong = CONTENT.slice();
  wrong[STOP - 10] = (wrong[STOP - 10] ?? 0) ^ 1;
  assert.deepEqual(await movedToParent(wrong, STOP - 20), CONTENT);
});

Deno.test("the last byte is not among those that are given before their piece is complete", async () => {
  const wrong = CONTENT.slice();
  wrong[3] = (wrong[3] ?? 0) ^ 1;
  const lastBlock = 20_400;
  const { source, gate } = stoppingSource(wrong, lastBlock);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(REQUEST, NEVER);
  const body: Body = handle.read({ start: 0, end: CONTENT.length });
  const reader = body.getReader();
  let given = (await take(reader, lastBlock)).length;
  const next = reader.read();
  gate.resolve();
  given += (await next).value?.length ?? 0;
  assert.equal(given, CONTENT.length - 1);
  await assert.rejects(reader.read(), { code: "data_loss" });
});

Deno.test("what comes from parents is only given piece by piece", async () => {
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await parent.pull(REQUEST);
  const gate = Promise.withResolvers<void>();
  let slices = 0;
  parent.behaviour.onSlice = () => ++slices === 3 ? gate.promise : Promise.resolve();
  const decide = (): Decision => ({ kind: "from_parents", parents: [swarm.peer(parent)] });
  const options = { concurrentPieceCount: 1 };
  await using node = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), decide, options });
  await using handle = await node.tasks.open(REQUEST, NEVER);
  const body: Body = handle.read({ start: 0, end: CONTENT.length });
  const reader = body.getReader();
  let given = 0;
  const first = reader.read().then(({ value }) => given = value?.length ?? 0);
  while (slices < 3) await settle();
  for (let turn = 0; turn < 10; turn++) await settle();
  assert.equal(given, 0);
  gate.resolve();
  await first;
  await reader.cancel();
  await handle.sealed;
});
