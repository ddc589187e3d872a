/** Downloads of which only a part is read: what becomes of the rest. */
import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { ByteRange } from "../../core/byte_range.ts";
import { limitBandwidth, UNLIMITED } from "../piece/bandwidth_limit.ts";
import { blob, FakeSource, NEVER, type NodeOptions, readAll, requestFor, Swarm, SwarmNode } from "./harness_test.ts";
import { Wanted } from "./wanted.ts";

const MIB = 1024 * 1024;
const CONTENT = blob(40 * MIB + 5);
const PIECES = 41;
const LEFT = requestFor(CONTENT, { pieceLength: MIB, rest: "left" });
const PREFETCHED = { ...LEFT, rest: "prefetched" } as const;
const { rest: _, ...ALL } = LEFT;

function blocks(source = new FakeSource(CONTENT)): FakeSource {
  source.blockBytes = 256 * 1024;
  return source;
}

async function started(swarm: Swarm, options: Partial<NodeOptions> = {}) {
  const clock = new VirtualClock();
  const source = blocks();
  const node = await SwarmNode.start(swarm, { source, clock, ...options });
  /** Reads a range while virtual time passes. */
  const read = async (range: ByteRange, request = LEFT as typeof ALL): Promise<void> => {
    await using handle = await node.tasks.open(request, NEVER);
    const bytes = await passing(clock, readAll(handle, range));
    assert.equal(Buffer.compare(bytes, CONTENT.subarray(range.start, range.end)), 0);
  };
  const stored = () => node.storage.find(LEFT.taskId);
  return { clock, source, node, read, stored, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

/** Lets virtual time pass until something is done. */
async function passing<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => isDone = true);
  done.catch(() => {});
  for (let step = 0; !isDone && step < 2_000; step++) await clock.advance(10);
  assert.equal(isDone, true, "it was not done after 20 s");
  return await done;
}

Deno.test("only the pieces that are read are fetched from the source, each range by one request", async () => {
  await using it = await started(new Swarm());
  await it.read({ start: 20 * MIB + 1, end: 23 * MIB });
  await it.read({ start: 5 * MIB, end: 5 * MIB + 10 });
  await it.read({ start: 21 * MIB, end: 24 * MIB });
  assert.deepEqual(it.source.reads.map(({ range }) => range), [
    { start: 20 * MIB, end: 23 * MIB },
    { start: 5 * MIB, end: 6 * MIB },
    { start: 23 * MIB, end: 24 * MIB },
  ]);
  assert.equal(it.stored()?.finishedPieceCount, 5);
  assert.equal(it.source.openBodies, 0);
});

Deno.test("the end of a content is given to who reads only that, and all of it not before it is sealed", async () => {
  await using it = await started(new Swarm());
  await it.read({ start: CONTENT.length - 3, end: CONTENT.length });
  assert.deepEqual([it.stored()?.finishedPieceCount, it.stored()?.record.isSealed], [1, false]);
  await it.read({ start: 0, end: CONTENT.length });
  await passing(it.clock, settle());
  assert.equal(it.stored()?.record.isSealed, true);
});

Deno.test("a reader who leaves in the middle leaves what he did not read", async () => {
  await using it = await started(new Swarm());
  it.source.onBlock = (position) => position < 3 * MIB ? undefined : it.clock.sleep(10, NEVER);
  {
    await using handle = await it.node.tasks.open(LEFT, NEVER);
    const reader = handle.read({ start: 0, end: CONTENT.length }).getReader();
    for (let bytes = 0; bytes < 3 * MIB;) bytes += (await passing(it.clock, reader.read())).value?.length ?? 0;
    await reader.cancel();
  }
  await it.clock.advance(4_000);
  const { finishedPieceCount = 0 } = it.stored() ?? {};
  assert.equal(finishedPieceCount >= 3 && finishedPieceCount < PIECES, true, String(finishedPieceCount));
  assert.equal(it.source.openBodies, 0);
});

Deno.test("what nobody reads any more ends after a while without a failure, and goes on with the next reader", async () => {
  const swarm = new Swarm();
  await using it = await started(swarm, { decide: () => ({ kind: "back_to_source", description: "" }) });
  await it.read({ start: 0, end: MIB });
  await it.clock.advance(4_000);
  await it.read({ start: MIB, end: 2 * MIB });
  assert.deepEqual([it.node.control.kinds()[0], it.node.control.openSessions], ["register", 1]);
  await it.clock.advance(4_999);
  assert.equal(it.node.control.openSessions, 1);
  await it.clock.advance(1);
  assert.equal(it.node.control.openSessions, 0);
  assert.equal(it.clock.pendingTimers, 0);
  assert.deepEqual(it.node.runtime.log.lines.filter(({ level }) => level === "warn" || level === "error"), []);
  assert.equal(it.node.control.kinds().some((kind) => kind.includes("failed")), false);
  await it.read({ start: MIB, end: 3 * MIB });
  assert.deepEqual(it.source.reads.map(({ range }) => range.start), [0, MIB, 2 * MIB]);
});

Deno.test("who asks for all, or for the rest to be fetched, gets it also where others left it", async () => {
  for (const request of [ALL, PREFETCHED]) {
    await using it = await started(new Swarm());
    await using handle = await it.node.tasks.open(LEFT, NEVER);
    await passing(it.clock, readAll(handle, { start: 10 * MIB, end: 11 * MIB }));
    await using all = await it.node.tasks.open(request, NEVER);
    await passing(it.clock, all.sealed);
    assert.equal(it.stored()?.record.isSealed, true);
  }
});

Deno.test("from parents too only what is read is fetched, with one decision of the scheduler", async () => {
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: blocks() });
  await parent.pull(ALL);
  let decisions = 0;
  await using it = await started(swarm, {
    decide: () => (decisions++, { kind: "from_parents", parents: [swarm.peer(parent)] }),
  });
  await it.read({ start: 30 * MIB, end: 33 * MIB });
  assert.equal(swarm.fetches, 3);
  await it.read({ start: 5 * MIB, end: 5 * MIB + 1 });
  await Promise.all([it.read({ start: 0, end: 2 * MIB }), it.read({ start: 39 * MIB, end: CONTENT.length })]);
  await it.clock.advance(4_000);
  assert.deepEqual([swarm.fetches, it.stored()?.finishedPieceCount, decisions], [8, 8, 1]);
  assert.equal(it.source.reads.length, 0);
  await it.read({ start: 0, end: CONTENT.length });
  assert.deepEqual([swarm.fetches, decisions], [PIECES, 1]);
});

Deno.test("what is prefetched comes no faster than its limit, and who reads it waits for no limit", async () => {
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: blocks() });
  await parent.pull(ALL);
  for (const decide of [undefined, () => ({ kind: "from_parents", parents: [swarm.peer(parent)] }) as const]) {
    const clock = new VirtualClock();
    const limits = { parents: UNLIMITED, source: UNLIMITED, prefetch: limitBandwidth(8 * MIB, clock) };
    await using it = await started(swarm, { clock, limits, ...(decide !== undefined && { decide }) });
    const handle = await it.node.tasks.open(PREFETCHED, NEVER);
    const read = async (start: number, end: number) => {
      const startedAt = clock.now();
      await passing(clock, readAll(handle, { start, end }));
      return clock.now() - startedAt;
    };
    assert.ok(await read(8 * MIB, 12 * MIB) < 200);
    await clock.advance(1_000);
    const early = it.stored()?.finishedPieceCount ?? 0;
    assert.ok(early >= 8 && early <= 18, `${early} pieces after 1 s at 8 MiB/s`);
    assert.ok(await read(30 * MIB, 34 * MIB) < 200, "a reader waits for no limit");
    await handle[Symbol.asyncDispose]();
    await clock.advance(5_000);
    assert.equal(it.stored()?.record.isSealed, true, "it goes on without readers");
  }
});

Deno.test("tasks share the limit of what is prefetched", async () => {
  const clock = new VirtualClock();
  const limits = { parents: UNLIMITED, source: UNLIMITED, prefetch: limitBandwidth(16 * MIB, clock) };
  await using it = await started(new Swarm(), { clock, limits });
  const other = { ...PREFETCHED, digest: undefined, taskId: "e".repeat(64), isBlobDigestTaskId: false };
  const handles = [await it.node.tasks.open(PREFETCHED, NEVER), await it.node.tasks.open(other, NEVER)];
  await clock.advance(1_000);
  const counts = [PREFETCHED, other].map(({ taskId }) => it.node.storage.find(taskId)?.finishedPieceCount ?? 0);
  for (const count of counts) assert.ok(count >= 4 && count <= 13, String(counts));
  for (const handle of handles) await handle[Symbol.asyncDispose]();
});

Deno.test("who joins widens what is wanted and never narrows it, and what is prefetched is so once", () => {
  const wanted = new Wanted("left");
  assert.deepEqual([wanted.join("left"), wanted.isOnlyRead], [false, true]);
  assert.deepEqual([wanted.join("prefetched"), wanted.isOnlyRead, wanted.isAll], [true, false, false]);
  assert.deepEqual([wanted.join("prefetched"), wanted.join("left"), wanted.isAll], [false, false, false]);
  assert.deepEqual([wanted.join("none"), wanted.isAll], [false, true]);
  assert.deepEqual([wanted.join("prefetched"), wanted.join("left"), wanted.isAll], [false, false, true]);
  for (const rest of [undefined, "none"] as const) assert.equal(new Wanted(rest).isAll, true);
});
