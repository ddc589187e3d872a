/** Downloads that our own limits hold: slower, and nobody is blamed for it. */
import assert from "node:assert/strict";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { limitBandwidth, UNLIMITED } from "../piece/bandwidth_limit.ts";
import { blob, FakeSource, NEVER, readAll, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const MIB = 1024 * 1024;
const CONTENT = blob(3 * MIB);
const REQUEST = requestFor(CONTENT, { pieceLength: MIB });

/** Runs virtual time until a download is done; the milliseconds that it took. */
async function timed(clock: VirtualClock, download: Promise<unknown>): Promise<number> {
  const startedAt = clock.now();
  let isDone = false;
  const done = download.finally(() => isDone = true);
  done.catch(() => {});
  while (!isDone && clock.now() - startedAt < 600_000) await clock.advance(100);
  await done;
  return clock.now() - startedAt;
}

Deno.test("the limit of what comes from parents holds, and no parent is given up for it", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const parents: SwarmNode[] = [];
  for (let i = 0; i < 2; i++) {
    const parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), clock });
    await timed(clock, parent.pull(REQUEST));
    parents.push(parent);
  }
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, {
    ...{ source, clock, decide: () => ({ kind: "from_parents", parents: parents.map((one) => swarm.peer(one)) }) },
    limits: { parents: limitBandwidth(MIB / 8, clock), source: UNLIMITED, prefetch: UNLIMITED },
  });
  const tookMs = await timed(clock, child.pull(REQUEST));
  assert.ok(tookMs > 22_000 && tookMs < 28_000, `${tookMs} ms for 24 s`);
  assert.equal(source.reads.length, 0);
  assert.deepEqual(child.runtime.log.lines.filter(({ message }) => message.includes("given up")), []);
  assert.equal(swarm.fetches, 3);
  for (const parent of parents) await parent[Symbol.asyncDispose]();
});

Deno.test("what the limit held is no cost of a piece, by which parents are judged", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), clock });
  await timed(clock, parent.pull(REQUEST));
  parent.behaviour.onFetch = (_, signal) => clock.sleep(200, signal);
  await using child = await SwarmNode.start(swarm, {
    ...{ source: new FakeSource(CONTENT), clock },
    decide: () => ({ kind: "from_parents", parents: [swarm.peer(parent)] }),
    limits: { parents: limitBandwidth(MIB, clock), source: UNLIMITED, prefetch: UNLIMITED },
  });
  await using handle = await child.tasks.open(REQUEST, NEVER);
  await timed(clock, readAll(handle));
  const costs = child.control.events.flatMap((event) => event.kind === "piece_finished" ? [event.piece.cost] : []);
  assert.equal(costs.length, 3);
  for (const cost of costs) {
    assert.ok(Number(cost?.seconds ?? 0) === 0 && (cost?.nanos ?? 0) < 400e6, JSON.stringify(cost));
  }
});

Deno.test("the limit of what comes from sources holds, and a source is not slow for it", async () => {
  const clock = new VirtualClock();
  const [first, second] = [new FakeSource(CONTENT), new FakeSource(CONTENT)];
  for (const source of [first, second]) {
    source.blockBytes = MIB / 4;
    source.onBlock = (_, signal) => clock.sleep(10, signal);
  }
  const source: FakeSource = Object.assign(new FakeSource(CONTENT), {
    read: (request: Parameters<FakeSource["read"]>[0], ...rest: [never, never, never]) =>
      (request.url.includes("//a/") ? first : second).read(request, ...rest),
  });
  await using node = await SwarmNode.start(new Swarm(), {
    ...{ source, clock, limits: { parents: UNLIMITED, source: limitBandwidth(MIB / 4, clock), prefetch: UNLIMITED } },
  });
  const at = (host: string) => ({ ...REQUEST, source: { url: `http://${host}/v2/r/blobs/x`, headers: {} } });
  await using handle = await node.tasks.open(at("a"), NEVER);
  await using _other = await node.tasks.open(at("b"), NEVER);
  const tookMs = await timed(clock, readAll(handle));
  assert.ok(tookMs > 11_000 && tookMs < 14_000, `${tookMs} ms for 12 s`);
  assert.deepEqual([first.reads.length, second.reads.length], [1, 0]);
});

Deno.test("a source that is slow under a limit is slow all the same", async () => {
  const clock = new VirtualClock();
  const [slow, fast] = [new FakeSource(CONTENT), new FakeSource(CONTENT)];
  slow.blockBytes = fast.blockBytes = MIB / 4;
  slow.onBlock = (_, signal) => clock.sleep(5_000, signal);
  const source: FakeSource = Object.assign(new FakeSource(CONTENT), {
    read: (request: Parameters<FakeSource["read"]>[0], ...rest: [never, never, never]) =>
      (request.url.includes("//a/") ? slow : fast).read(request, ...rest),
  });
  await using node = await SwarmNode.start(new Swarm(), {
    ...{ source, clock, limits: { parents: UNLIMITED, source: limitBandwidth(2 * MIB, clock), prefetch: UNLIMITED } },
  });
  const at = (host: string) => ({ ...REQUEST, source: { url: `http://${host}/v2/r/blobs/x`, headers: {} } });
  await using handle = await node.tasks.open(at("a"), NEVER);
  await using _other = await node.tasks.open(at("b"), NEVER);
  await timed(clock, readAll(handle));
  assert.equal(fast.reads.length, 1);
});

Deno.test("tasks share the limit, whatever one of them has under way", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const other = blob(3 * MIB, 2);
  const otherRequest = requestFor(other, { pieceLength: 3 * MIB });
  await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), clock });
  await using second = await SwarmNode.start(swarm, { source: new FakeSource(other), clock });
  await timed(clock, parent.pull(REQUEST));
  await timed(clock, second.pull(otherRequest));
  await using child = await SwarmNode.start(swarm, {
    ...{ source: new FakeSource(CONTENT), clock },
    decide: (_, { taskId }) => ({
      kind: "from_parents",
      parents: [swarm.peer(taskId === REQUEST.taskId ? parent : second)],
    }),
    limits: { parents: limitBandwidth(MIB, clock), source: UNLIMITED, prefetch: UNLIMITED },
  });
  // Three pieces at a time against one.
  const times = await Promise.all([REQUEST, otherRequest].map((request) => timed(clock, child.pull(request))));
  for (const ms of times) assert.ok(ms > 5_000 && ms < 7_000, `${times} ms`);
});
