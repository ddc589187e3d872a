import assert from "node:assert/strict";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import type { StoredTask } from "../storage/storage.ts";
import { blob, FakeSource, NEVER, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(20 * PIECE + 500);

/** First the parents, then the source. */
function fromParents(...parents: Peer[]): () => Decision {
  const decisions: Decision[] = [{ kind: "from_parents", parents }];
  return () => decisions.shift() ?? { kind: "back_to_source", description: "" };
}

/** A node that has all of the content. */
async function seed(swarm: Swarm): Promise<SwarmNode> {
  const node = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await node.pull(requestFor(CONTENT));
  return node;
}

/** A node that has three pieces, and gets no more for a minute. */
async function beginner(swarm: Swarm, clock: VirtualClock): Promise<SwarmNode> {
  const source = new FakeSource(CONTENT);
  source.onBlock = (position, signal) => position >= 3 * PIECE ? clock.sleep(60_000, signal) : undefined;
  const node = await SwarmNode.start(swarm, { source, clock });
  void node.tasks.open(requestFor(CONTENT), NEVER);
  return node;
}

Deno.test("a piece is asked for when it is told of, though the parent has more to tell", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using parent = await beginner(swarm, clock);
  const decide = fromParents(swarm.peer(parent));
  await using child = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), clock, decide });
  void child.tasks.open(requestFor(CONTENT), NEVER);
  await clock.advance(400);
  assert.equal(child.storage.find(requestFor(CONTENT).taskId)?.finishedPieceCount, 3);
});

Deno.test("what a parent says that it has is known of its host as long as it can be heard", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using dies = await beginner(swarm, clock);
  await using lives = await seed(swarm);
  const decide = fromParents(swarm.peer(dies), swarm.peer(lives));
  await using child = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), clock, decide });
  for (const { behaviour } of [dies, lives]) behaviour.onFetch = (_, signal) => clock.sleep(3_000, signal);
  const pull = child.pull(requestFor(CONTENT));
  await clock.advance(100);
  const { holders } = child.storage.find(requestFor(CONTENT).taskId) as StoredTask;
  const known = () => [dies, lives].map(({ control }) => [0, 3].map((number) => holders.has(control.hostId, number)));
  assert.deepEqual(known(), [[true, false], [true, true]]);
  await dies[Symbol.asyncDispose]();
  await clock.advance(100);
  assert.deepEqual(known(), [[false, false], [true, true]]);
  await clock.advance(120_000);
  assert.deepEqual(await pull, CONTENT);
  assert.deepEqual(known(), [[false, false], [false, false]]);
});

Deno.test("the last pieces are not waited for from one that is slow when another one has them", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using stalls = await seed(swarm);
  await using lives = await seed(swarm);
  let left = 3;
  stalls.behaviour.onFetch = (_, signal) => left-- > 0 ? undefined : clock.sleep(60_000, signal);
  const decide = fromParents(swarm.peer(stalls), swarm.peer(lives));
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, clock, decide });
  const pull = child.pull(requestFor(CONTENT));
  await clock.advance(2_000);
  assert.deepEqual(await pull, CONTENT);
  assert.equal(source.reads.length, 0);
});
