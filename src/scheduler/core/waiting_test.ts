import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { apply, hasMore } from "./apply.ts";

const WAITERS = 1_000;

/** Peers that wait for one that was sent to the source. */
function waitingSwarm(): Swarm {
  const swarm = new Swarm(seededRandom(1));
  for (let index = 0; index <= WAITERS; index++) swarm.register(`p${index}`);
  return swarm;
}

Deno.test("a step answers a part of those who wait, the longest first, and the steps that follow answer all", () => {
  const { state, nowMs } = waitingSwarm();
  const streamId = state.peers.get("p0")?.streamId ?? 0;
  const answered: string[] = [];
  let event: Parameters<typeof apply>[1] = { type: "back_to_source_started", nowMs, peerId: "p0", streamId };
  let mostInAStep = 0;
  do {
    const effects = apply(state, event, seededRandom(1));
    mostInAStep = Math.max(mostInAStep, effects.length);
    for (const effect of effects) if (effect.type === "send") answered.push(effect.peer.id);
    event = { type: "carry_on", nowMs };
  } while (hasMore(state));
  assert.deepEqual(answered, Array.from({ length: WAITERS }, (_, index) => `p${index + 1}`));
  assert.ok(mostInAStep <= 100, `${mostInAStep} in one step`);
});

Deno.test("whoever waits behind very many that nobody can serve is answered all the same", () => {
  const swarm = new Swarm(seededRandom(1), { noParentTimeoutMs: 10_000 });
  const coarse = { pieceLength: 64 << 20, disableBackToSource: true };
  for (let index = 0; index < WAITERS; index++) swarm.register(`coarse${index}`, coarse);
  swarm.register("fine", { disableBackToSource: true });
  let roots = 0;
  for (; swarm.heard("fine").length === 0; roots++) {
    swarm.register(`root${roots}`, { needBackToSource: true });
    swarm.say(`root${roots}`, "back_to_source_started");
  }
  assert.ok(roots <= WAITERS / 16, `it took ${roots} roots`);
  assert.match(swarm.heard("fine").join(), /^from root/);
});

Deno.test("a change that helps nobody costs six steps at most, however many wait", () => {
  const swarm = new Swarm(seededRandom(1), { noParentTimeoutMs: 10_000 });
  const coarse = { pieceLength: 64 << 20, disableBackToSource: true };
  for (let index = 0; index < WAITERS; index++) swarm.register(`coarse${index}`, coarse);
  swarm.register("root", { needBackToSource: true });
  const { state, nowMs } = swarm;
  const streamId = swarm.peer("root").streamId ?? 0;
  apply(state, { type: "back_to_source_started", nowMs, peerId: "root", streamId }, seededRandom(1));
  for (let step = 0; step < 5; step++) apply(state, { type: "carry_on", nowMs }, seededRandom(1));
  assert.equal(hasMore(state), false);
  assert.equal(state.waiters, WAITERS);
});

Deno.test("one task with very many who wait does not keep another waiting", () => {
  const swarm = waitingSwarm();
  const { state, nowMs } = swarm;
  swarm.register("q0", {}, { task: "other" });
  swarm.register("q1", {}, { task: "other" });
  const say = (peerId: string) => {
    const streamId = state.peers.get(peerId)?.streamId ?? 0;
    return apply(state, { type: "back_to_source_started", nowMs, peerId, streamId }, seededRandom(1));
  };
  say("p0");
  const effects = [...say("q0"), ...apply(state, { type: "carry_on", nowMs }, seededRandom(1))];
  assert.ok(effects.some((effect) => effect.type === "send" && effect.peer.id === "q1"));
  assert.ok(hasMore(state));
});

Deno.test("whoever asks again and again while it waits holds up nobody behind it, and gains no time", () => {
  const swarm = new Swarm(seededRandom(1), { noParentTimeoutMs: 2_000 });
  for (const id of ["restless", "patient"]) swarm.register(id, { disableBackToSource: true });
  for (let times = 0; times < 5; times++) {
    swarm.wait(500);
    swarm.message("restless", { type: "reschedule", failedParentIds: [] });
  }
  for (const id of ["patient", "restless"]) assert.deepEqual(swarm.heard(id), ["failed_precondition"], id);
});
