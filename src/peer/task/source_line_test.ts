/** Downloads that go to the source before they are told to: seed peers, and those whose scheduler does not answer. */
import assert from "node:assert/strict";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { piecePlan } from "../../core/piece.ts";
import type { Decision } from "../control/control.ts";
import { UNLIMITED } from "../piece/bandwidth_limit.ts";
import { SourceRequests } from "./source_requests.ts";
import { Wanted } from "./wanted.ts";
import { fetchFromSource, type SourceStage } from "./source_stage.ts";
import { blob, FakeSource, NEVER, PIECE, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(20 * PIECE + 500);
const TRIGGERED = requestFor(CONTENT, { needBackToSource: true });
const TO_SOURCE: Decision = { kind: "back_to_source", description: "" };

async function until(isSo: () => boolean, clock?: VirtualClock): Promise<void> {
  while (!isSo()) await (clock === undefined ? settle() : clock.advance(10));
}

/** A source that stops before a position until its gate opens. */
function stoppingSource(at: number) {
  const gate = Promise.withResolvers<void>();
  const source = new FakeSource(CONTENT);
  source.onBlock = (position, signal) => {
    if (position < at) return;
    const left = new Promise<void>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return Promise.race([gate.promise, left]);
  };
  return { source, gate };
}

/** What a fetch works with whose source has begun to send all of it. */
async function begunStage(node: SwarmNode, source: FakeSource): Promise<SourceStage> {
  const { taskId, source: request, digest } = TRIGGERED;
  const plan = piecePlan(CONTENT.length, PIECE);
  return {
    ...node.runtime,
    source,
    sourceLimit: UNLIMITED,
    stored: await node.storage.open({ taskId, url: request.url, plan, digest, responseHeaders: {} }),
    requests: new SourceRequests(request),
    begun: (await source.begin(request, NEVER)).body,
    acceptsRanges: true,
    wanted: new Wanted(undefined),
    onPiece: () => {},
  };
}

async function swarmWithParent() {
  const swarm = new Swarm();
  const parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await parent.pull(requestFor(CONTENT));
  const decision: Decision = { kind: "from_parents", parents: [swarm.peer(parent)] };
  return { swarm, parent, decision };
}

Deno.test("a triggered seed peer asks its source once, and takes the bytes before the scheduler has answered", async () => {
  const source = new FakeSource(CONTENT);
  const decision = Promise.withResolvers<Decision>();
  const { source: slow, gate } = stoppingSource(10 * PIECE);
  await using node = await SwarmNode.start(new Swarm(), { source: slow, decide: () => decision.promise });
  await using handle = await node.tasks.open(TRIGGERED, NEVER);
  assert.deepEqual(await readAll(handle, { start: 0, end: 5 * PIECE }), CONTENT.subarray(0, 5 * PIECE));
  assert.deepEqual(node.control.kinds(), ["register"]);
  decision.resolve(TO_SOURCE);
  gate.resolve();
  assert.deepEqual(await readAll(handle), CONTENT);
  await handle.sealed;
  await node.tasks[Symbol.asyncDispose]();
  assert.deepEqual([slow.stats.length, slow.reads.length, slow.openBodies, source.reads.length], [0, 1, 0, 0]);
  const kinds = node.control.kinds();
  assert.deepEqual(kinds.slice(0, 3), ["register", "back_to_source_started", "piece_back_to_source_finished"]);
  assert.deepEqual([kinds.length, kinds.at(-1)], [24, "back_to_source_finished"]);
});

Deno.test("a seed peer that has some of it asks for the rest only", async () => {
  const source = new FakeSource(CONTENT);
  let hangUps = 1;
  source.onBlock = (position) => {
    if (position >= 5 * PIECE && hangUps-- > 0) throw sourceError({ status: 403 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => TO_SOURCE });
  await assert.rejects(node.pull(TRIGGERED));
  assert.deepEqual(await node.pull(TRIGGERED), CONTENT);
  assert.deepEqual(source.reads.map(({ range }) => range.start), [0, 5 * PIECE]);
});

Deno.test("what the source answers a seed peer is what its requester is told", async () => {
  const source = new FakeSource(CONTENT);
  source.onRead = () => {
    throw sourceError({ status: 404 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => TO_SOURCE });
  const error = await node.tasks.open(TRIGGERED, NEVER).catch((error) => error);
  assert.equal(error.details.status, 404);
  assert.equal(node.control.events.length, 0);
});

Deno.test("a transfer that was begun for a task that cannot be stored is ended", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => TO_SOURCE });
  await assert.rejects(node.tasks.open({ ...TRIGGERED, taskId: "no hex" }, NEVER));
  assert.equal(source.openBodies, 0);
});

Deno.test("a transfer that was begun brings nothing to a download that is over already", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const stage = await begunStage(node, source);
  await assert.rejects(fetchFromSource(stage, AbortSignal.abort(new Error("over"))), { message: "over" });
  assert.deepEqual([stage.stored.finishedPieceCount, source.openBodies], [0, 0]);
});

Deno.test("a transfer that was begun is not kept open for a reader who is elsewhere", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const stage = await begunStage(node, source);
  // All that was begun besides is open, at most.
  source.onBlock = () => assert.ok(source.openBodies < source.reads.length);
  stage.wanted.readers.add({ position: 5 * PIECE, end: 7 * PIECE });
  await fetchFromSource(stage, NEVER);
  assert.deepEqual([stage.stored.finishedPieceCount, source.openBodies], [21, 0]);
});

Deno.test("a seed peer that is sent to parents after all leaves its source, and keeps what it has", async () => {
  const { swarm, parent, decision } = await swarmWithParent();
  await using _parent = parent;
  const { source } = stoppingSource(5 * PIECE);
  const asked = Promise.withResolvers<Decision>();
  await using node = await SwarmNode.start(swarm, { source, decide: () => asked.promise });
  await using handle = await node.tasks.open(TRIGGERED, NEVER);
  await until(() => node.storage.find(TRIGGERED.taskId)?.finishedPieceCount === 5);
  asked.resolve(decision);
  assert.deepEqual(await readAll(handle), CONTENT);
  assert.deepEqual(await handle.sealed, { backToSource: 5 * PIECE, remotePeer: 15 * PIECE + 500, localPeer: 0 });
  assert.equal(source.openBodies, 0);
  assert.deepEqual(node.control.kinds().slice(0, 3), ["register", "started", "piece_back_to_source_finished"]);
});

Deno.test("a scheduler that does not even say that it lives is waited for 300 ms", async () => {
  const clock = new VirtualClock();
  const source = new FakeSource(CONTENT);
  const decide = () => new Promise<never>(() => {});
  await using node = await SwarmNode.start(new Swarm(), { source, clock, decide });
  node.control.isAlive = false;
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  await clock.advance(299);
  assert.equal(source.reads.length, 0);
  await clock.advance(1);
  assert.deepEqual(await readAll(handle), CONTENT);
  await handle.sealed;
});

Deno.test("a scheduler that lives is waited for, and the source gives no second copy meanwhile", async () => {
  const clock = new VirtualClock();
  const { swarm, parent, decision } = await swarmWithParent();
  await using _parent = parent;
  const source = new FakeSource(CONTENT);
  const asked = Promise.withResolvers<Decision>();
  await using node = await SwarmNode.start(swarm, { source, clock, decide: () => asked.promise });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  await clock.advance(4_000);
  asked.resolve(decision);
  assert.deepEqual(await readAll(handle), CONTENT);
  assert.equal(source.reads.length, 0);
});

Deno.test("a decision for parents that comes after all ends the transfer from the source", async () => {
  const clock = new VirtualClock();
  const { swarm, parent, decision } = await swarmWithParent();
  await using _parent = parent;
  const { source } = stoppingSource(5 * PIECE);
  const asked = Promise.withResolvers<Decision>();
  await using node = await SwarmNode.start(swarm, { source, clock, decide: () => asked.promise });
  node.control.isAlive = false;
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  await until(() => node.storage.find(handle.taskId)?.finishedPieceCount === 5, clock);
  asked.resolve(decision);
  assert.deepEqual(await readAll(handle), CONTENT);
  assert.deepEqual([(await handle.sealed).backToSource, source.openBodies], [5 * PIECE, 0]);
});

Deno.test("without back-to-source a scheduler that hangs is waited for all the same", async () => {
  const clock = new VirtualClock();
  const source = new FakeSource(CONTENT);
  const asked = Promise.withResolvers<Decision>();
  await using node = await SwarmNode.start(new Swarm(), { source, clock, decide: () => asked.promise });
  node.control.isAlive = false;
  await using handle = await node.tasks.open(requestFor(CONTENT, { disableBackToSource: true }), NEVER);
  await clock.advance(1_000);
  asked.resolve(TO_SOURCE);
  await assert.rejects(handle.sealed, { code: "failed_precondition" });
  assert.equal(source.reads.length, 0);
});
