/** Peers that cut a content differently, in one swarm. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { pieceLengthOf, piecePlan } from "../../core/piece.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import { type FakeControl, FakeSource, NEVER, readAll, requestFor, Swarm, SwarmNode } from "./harness_test.ts";
import { SplitSwarms } from "./split_swarms.ts";
import type { TaskRequest } from "./task.ts";

const MIB = 1024 * 1024;
/** Three pieces by the stock rule, eighteen by ours. */
const CONTENT = new Uint8Array(9 * MIB - 1).map((_, index) => (index * 31 + (index >> 16)) & 0xff);
const { pieceLength: _, ...REQUEST } = requestFor(CONTENT);
const OWN = pieceLengthOf(CONTENT.length, "damselfly");
const STOCK = pieceLengthOf(CONTENT.length, "dragonfly");

/** A source that gives large blocks. */
class FastSource extends FakeSource {
  override blockBytes = MIB;
}

async function holder(swarm: Swarm, rule: "damselfly" | "dragonfly", cutsAsAsked: boolean): Promise<SwarmNode> {
  const node = await SwarmNode.start(swarm, { source: new FastSource(CONTENT), options: { pieceLengthRule: rule } });
  node.behaviour.cutsAsAsked = cutsAsAsked;
  await node.pull(REQUEST);
  return node;
}

function child(swarm: Swarm, source: FakeSource, ...decisions: (() => Decision)[]): Promise<SwarmNode> {
  return SwarmNode.start(swarm, { source, decide: () => decisions.shift()?.() });
}

function from(swarm: Swarm, ...parents: SwarmNode[]): () => Decision {
  return () => ({ kind: "from_parents", parents: parents.map((parent) => swarm.peer(parent)) });
}

/** The lengths of the pieces that were reported, and how often. */
function reported({ events }: FakeControl): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    if (event.kind !== "piece_finished") continue;
    counts[event.piece.length] = (counts[event.piece.length] ?? 0) + 1;
  }
  return counts;
}

Deno.test("a child without a piece cuts as its parents do, and the source gives nothing", async () => {
  const swarm = new Swarm();
  await using stock = await holder(swarm, "dragonfly", false);
  const source = new FastSource(CONTENT);
  await using node = await child(swarm, source, from(swarm, stock));
  await using handle = await node.tasks.open(REQUEST, NEVER);
  assert.deepEqual(await readAll(handle), CONTENT);
  await handle.sealed;
  assert.deepEqual([source.reads.length, handle.pieceLength], [0, STOCK]);
  assert.deepEqual(reported(node.control), { [STOCK]: 2, [MIB - 1]: 1 });
});

Deno.test("a reader that came before the cut was taken over reads on, a range too", async () => {
  const swarm = new Swarm();
  await using stock = await holder(swarm, "dragonfly", false);
  const gate = Promise.withResolvers<void>();
  stock.behaviour.onSync = () => gate.promise;
  await using node = await child(swarm, new FastSource(CONTENT), from(swarm, stock));
  await using handle = await node.tasks.open(REQUEST, NEVER);
  const range = { start: 3 * MIB, end: 5 * MIB };
  const reading = [readAll(handle), readAll(handle, range)];
  await settle();
  gate.resolve();
  assert.deepEqual(await Promise.all(reading), [CONTENT, CONTENT.slice(range.start, range.end)]);
});

Deno.test("a cut that no rule gives is learnt from what a parent has, and taken over", async () => {
  const swarm = new Swarm();
  await using odd = await SwarmNode.start(swarm, { source: new FastSource(CONTENT) });
  await odd.pull({ ...REQUEST, pieceLength: 3 * MIB });
  odd.behaviour.cutsAsAsked = false;
  const source = new FastSource(CONTENT);
  await using node = await child(swarm, source, from(swarm, odd));
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.deepEqual([source.reads.length, reported(node.control)], [0, { [3 * MIB]: 2, [3 * MIB - 1]: 1 }]);
});

Deno.test("parents of our own make are asked for pieces in the child's own cut", async () => {
  const swarm = new Swarm();
  await using ours = await holder(swarm, "dragonfly", true);
  await using node = await child(swarm, new FastSource(CONTENT), from(swarm, ours));
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.equal(reported(node.control)[OWN], 17);
});

Deno.test("among parents of both kinds the cut is that of those who have only one", async () => {
  const swarm = new Swarm();
  await using ours = await holder(swarm, "damselfly", true);
  await using stock = await holder(swarm, "dragonfly", false);
  // It says nothing, so that the cut can only come from what is known of it beforehand.
  stock.behaviour.onSync = (signal) => once(signal, "abort").then(() => signal.throwIfAborted());
  await using node = await child(swarm, new FastSource(CONTENT), from(swarm, ours, stock));
  await using handle = await node.tasks.open(REQUEST, NEVER);
  await handle.sealed;
  assert.equal(handle.pieceLength, STOCK);
});

Deno.test("an explicit piece length stays; parents that have another are given up, and the source is asked", async () => {
  const swarm = new Swarm();
  await using stock = await holder(swarm, "dragonfly", false);
  const source = new FastSource(CONTENT);
  await using node = await child(swarm, source, from(swarm, stock));
  const request: TaskRequest = { ...REQUEST, pieceLength: 2 * MIB };
  assert.deepEqual(await node.pull(request), CONTENT);
  assert.equal(node.storage.find(REQUEST.taskId)?.record.plan.pieceLength, 2 * MIB);
  assert.equal(source.reads.length, 1);
  await node.tasks.delete(REQUEST.taskId, NEVER);
  await node.pull({ ...REQUEST, pieceLength: OWN });
  assert.equal(node.storage.find(REQUEST.taskId)?.record.isOwnCut, false, "others were told the same length");
});

/** A host that has the first of its pieces already, from a download that broke off. */
async function torn(swarm: Swarm, source: FakeSource, ...decisions: (() => Decision)[]): Promise<SwarmNode> {
  const node = await child(swarm, source, ...decisions);
  const { taskId, digest } = REQUEST;
  const plan = piecePlan(CONTENT.length, OWN);
  const stored = await node.storage.open({
    taskId,
    url: "http://r/",
    plan,
    isOwnCut: true,
    digest,
    responseHeaders: {},
  });
  using writer = stored.openPiece(0);
  await writer?.write(CONTENT.subarray(0, OWN));
  await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1 });
  return node;
}

Deno.test("what is there in another cut is kept; that parents are of no use for it is said once, with the remedy", async () => {
  const swarm = new Swarm();
  await using stock = await holder(swarm, "dragonfly", false);
  const source = new FastSource(CONTENT);
  await using node = await torn(swarm, source, from(swarm, stock), () => ({ kind: "back_to_source", description: "" }));
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.deepEqual(source.reads.map(({ range }) => range), [{ start: OWN, end: CONTENT.length }]);
  const warnings = node.runtime.log.lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
  assert.ok(node.runtime.log.lines.some(({ message }) => message === "A parent is given up"));
  assert.match(warnings[0]?.message ?? "", /download\.pieceLength: dragonfly/);
  assert.equal(node.runtime.metrics.value("dragonfly_client_split_swarm_total"), 1);
});

Deno.test("however many downloads a difference sends to the source, one line a minute says so, and a counter how many", async () => {
  const clock = new VirtualClock();
  const runtime = testRuntime({ clock });
  const splits = new SplitSwarms(runtime);
  for (let seconds = 0; seconds <= 60; seconds += 20) {
    splits.add("task", OWN, STOCK);
    await clock.advance(20_000);
  }
  assert.equal(runtime.log.lines.length, 2);
  assert.equal(runtime.metrics.value("dragonfly_client_split_swarm_total"), 4);
});

Deno.test("nothing is said while other parents have the pieces", async () => {
  const swarm = new Swarm();
  await using stock = await holder(swarm, "dragonfly", false);
  await using ours = await holder(swarm, "damselfly", true);
  const source = new FastSource(CONTENT);
  await using node = await torn(swarm, source, from(swarm, stock, ours));
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.equal(source.reads.length, 0);
  assert.deepEqual(node.runtime.log.lines.filter(({ level }) => level === "warn"), []);
  assert.equal(node.runtime.metrics.value("dragonfly_client_split_swarm_total"), 0);
});

Deno.test("a seed peer cuts as the peer that it is triggered for, but never by a length that is out of bounds", async () => {
  for (const [swarmPieceLength, expected] of [[STOCK, STOCK], [3 * MIB, 3 * MIB], [1, OWN], [65 * MIB, OWN]] as const) {
    await using node = await SwarmNode.start(new Swarm(), { source: new FastSource(CONTENT) });
    await using handle = await node.tasks.open({ ...REQUEST, needBackToSource: true, swarmPieceLength }, NEVER);
    await handle.sealed;
    assert.equal(handle.pieceLength, expected);
    const isOwn = node.storage.find(REQUEST.taskId)?.record.isOwnCut;
    assert.equal(isOwn, expected === OWN);
  }
});
