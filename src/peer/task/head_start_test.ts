import assert from "node:assert/strict";
import { piecePlan } from "../../core/piece.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { UNLIMITED } from "../piece/bandwidth_limit.ts";
import { blob, FakeSource, NEVER, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";
import type { StoredTask } from "../storage/storage.ts";
import { HeadStarts } from "./head_start.ts";
import { SourceRequests } from "./source_requests.ts";
import { fetchFromSource } from "./source_stage.ts";
import { Wanted } from "./wanted.ts";

const CONTENT = blob(5 * PIECE);

/** A transfer that gives others a head start. */
async function transfer(node: SwarmNode, clock: VirtualClock, content = CONTENT) {
  const { taskId, source: request, digest } = requestFor(content);
  const plan = piecePlan(content.length, PIECE);
  const stored = await node.storage.open({ taskId, url: request.url, plan, digest, responseHeaders: {} });
  const headStarts = new HeadStarts(clock);
  const left = new AbortController();
  const fetched = fetchFromSource({
    ...node.runtime,
    source: new FakeSource(content),
    sourceLimit: UNLIMITED,
    stored,
    requests: new SourceRequests(request),
    acceptsRanges: true,
    wanted: new Wanted(undefined),
    onPiece: () => {},
    headStart: (signal) => headStarts.give(stored, signal),
  }, AbortSignal.any([NEVER, left.signal]));
  fetched.catch(() => {});
  for (let turn = 0; turn < 50; turn++) await settle();
  return { stored, headStarts, left, fetched };
}

Deno.test("the second piece of what is fetched for others waits until a child has the first, and no other does", async () => {
  const clock = new VirtualClock();
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT), clock });
  const { stored, headStarts, fetched } = await transfer(node, clock);
  assert.deepEqual(stored.finishedPieces(), [0]);
  headStarts.given(stored);
  await fetched;
  assert.equal(stored.finishedPieces().length, 5);
  assert.equal(clock.now(), 0);
});

Deno.test("a child that does not come costs a transfer 25 ms, once", async () => {
  const clock = new VirtualClock();
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT), clock });
  const { stored, fetched } = await transfer(node, clock);
  await clock.advance(24);
  assert.deepEqual(stored.finishedPieces(), [0]);
  await clock.advance(1);
  await fetched;
  assert.equal(stored.finishedPieces().length, 5);
});

Deno.test("nobody waits for a child where no second piece is to come, nor when the transfer is left", async () => {
  const clock = new VirtualClock();
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT), clock });
  const short = await transfer(node, clock, blob(PIECE, 2));
  await short.fetched;
  const { left, fetched } = await transfer(node, clock);
  left.abort(new Error("left"));
  await assert.rejects(fetched, /left/);
});

Deno.test("a head start that is over leaves no timer behind", async () => {
  const clock = new VirtualClock();
  const headStarts = new HeadStarts(clock);
  const [task, left] = [{} as StoredTask, new AbortController()];
  for (const end of [() => headStarts.given(task), () => left.abort()]) {
    const given = headStarts.give(task, left.signal);
    end();
    await given;
    assert.equal(clock.pendingTimers, 0);
  }
});
