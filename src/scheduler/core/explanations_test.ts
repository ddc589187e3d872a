import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { type Considered, type Explanation, Explanations, type Outcome } from "./explanations.ts";
import type { Settings } from "./settings.ts";

/** A swarm in which `root` has the task. */
function swarmWithRoot(settings: Partial<Settings> = {}): Swarm {
  const swarm = new Swarm(seededRandom(1), settings);
  hold(swarm, "root");
  return swarm;
}

function hold(swarm: Swarm, peerId: string, wish = {}): void {
  swarm.register(peerId, { ...wish, metadataOnly: true });
  swarm.say(peerId, "finished");
}

function explained(swarm: Swarm, peerId: string): Explanation | undefined {
  const task = swarm.state.tasks.get("task");
  if (task === undefined) return undefined;
  return swarm.state.explanations.of(task).findLast((explanation) => explanation.peerId === peerId);
}

function verdictOn(swarm: Swarm, other: string, peerId = "child"): Considered | undefined {
  return explained(swarm, peerId)?.considered.find((one) => one.peerId === other);
}

Deno.test("of each peer that was looked at it is told whether it became a parent, and why not", () => {
  const cases: Record<string, (swarm: Swarm) => void> = {
    same_host: (swarm) => swarm.register("other", { metadataOnly: true }, { host: "child-host" }),
    blocked: (swarm) => {
      hold(swarm, "other");
      swarm.register("child", {});
      swarm.message("child", { type: "reschedule", failedParentIds: ["other"] });
    },
    other_content: (swarm) => hold(swarm, "other", { contentLength: 7 }),
    other_cut: (swarm) => hold(swarm, "other", { pieceLength: 64 << 20 }),
    farther_away: (swarm) => {
      for (const name of ["root", "child"]) swarm.host(`${name}-host`, { idc: "fra" });
      swarm.host("other-host", { idc: "ber" });
      hold(swarm, "other");
    },
    slow_last_piece: (swarm) => {
      swarm.register("other", { needBackToSource: true });
      swarm.say("other", "back_to_source_started");
      for (const costMs of [10, 10, 1_000]) {
        const piece = { number: 1, offset: 4 << 20, lengthBytes: 4 << 20, costMs, parentId: undefined };
        swarm.message("other", { type: "piece_finished", piece });
      }
      swarm.settings({ candidateParentsMax: 1 });
    },
    ranked_lower: (swarm) => {
      hold(swarm, "other");
      swarm.peer("other").host.uploads = 9;
      swarm.settings({ candidateParentsMax: 1 });
    },
    no_free_slot: (swarm) => {
      hold(swarm, "other");
      swarm.peer("other").host.uploads = 9;
      swarm.settings({ candidateParentsMax: 1, hostUploadsMax: 9 });
    },
    would_close_cycle: (swarm) => {
      swarm.register("child", {});
      swarm.register("other", {});
      swarm.message("child", { type: "reschedule", failedParentIds: [] });
    },
  };
  for (const [rejection, prepare] of Object.entries(cases)) {
    const swarm = swarmWithRoot();
    prepare(swarm);
    if (!swarm.state.peers.has("child")) swarm.register("child");
    assert.equal(verdictOn(swarm, "other")?.rejection, rejection, rejection);
    assert.equal(verdictOn(swarm, "root")?.rejection, undefined, rejection);
    const named = explained(swarm, "child")?.considered.map(({ peerId }) => peerId) ?? [];
    assert.equal(
      new Set(named).size,
      named.length,
      `${rejection}: nobody is named twice, though found in several samples`,
    );
    assert.deepEqual([explained(swarm, "child")?.outcome, explained(swarm, "child")?.reason], ["from_parents", ""]);
  }
});

Deno.test("a parent of which many speak ill, or to which no pieces can come, is told as such", () => {
  const swarm = swarmWithRoot({ candidateParentsMax: 9 });
  hold(swarm, "liar");
  for (const name of ["a", "b", "c"]) {
    swarm.register(name, {});
    swarm.message(name, { type: "piece_failed", parentId: "liar", temporary: true });
  }
  swarm.settings({ candidateParentsMax: 1 });
  swarm.register("child");
  assert.equal(verdictOn(swarm, "liar")?.rejection, "unreliable");

  const stranded = new Swarm(seededRandom(1), { candidateParentsMax: 1 });
  for (const [root, wish] of [["fine", {}], ["coarse", { pieceLength: 64 << 20 }]] as const) {
    stranded.register(root, { ...wish, needBackToSource: true });
    stranded.say(root, "back_to_source_started");
  }
  for (const name of ["a", "b"]) stranded.register(name, { disableBackToSource: true });
  stranded.say("fine", "stream_closed");
  stranded.register("child", { disableBackToSource: true });
  const verdicts = ["a", "b"].map((name) => verdictOn(stranded, name)?.rejection);
  assert.ok(verdicts.includes("not_supplied"), verdicts.join());
});

Deno.test("near, score, children and speed are those of the moment of the choice", () => {
  const swarm = swarmWithRoot();
  Object.assign(swarm.peer("root").host, { uploads: 3, bytesPerMs: 50 });
  swarm.register("child");
  Object.assign(swarm.peer("root").host, { uploads: 0, bytesPerMs: 0 });
  const { score = 0, ...root } = verdictOn(swarm, "root") ?? {};
  assert.ok(score > 0);
  const rest = { peerId: "root", hostId: "root-host", rejection: undefined, near: 0, uploads: 3, bytesPerMs: 50 };
  assert.deepEqual(root, rest);
});

Deno.test("whoever waits, goes to the source or is refused has the reason told, and waiting on is told once", () => {
  const swarm = new Swarm(seededRandom(1), { sourcePeersMax: 1 });
  swarm.seed();
  const told = (peerId: string): [Outcome, string] | undefined => {
    const explanation = explained(swarm, peerId);
    return explanation && [explanation.outcome, explanation.reason];
  };
  swarm.register("a");
  swarm.register("b", { disableBackToSource: true });
  assert.deepEqual(told("a"), ["waits", "seed peer seed-host is asked to fetch the task"]);
  swarm.wait(1_000);
  const [task] = swarm.state.tasks.values();
  assert.ok(task);
  assert.equal(swarm.state.explanations.of(task).length, 2);
  swarm.triggerFails("seed-host", { atSource: true });
  assert.deepEqual(told("a"), ["back_to_source", "nobody brought the task into the swarm"]);
  swarm.say("a", "failed");
  swarm.wait(20_000);
  assert.equal(told("b")?.[0], "refused");
  assert.match(told("b")?.[1] ?? "", /Cannot find a parent for peer b/);
  swarm.register("c");
  swarm.register("d");
  assert.deepEqual(told("c"), ["back_to_source", "no parent is available"]);
  assert.deepEqual(told("d"), ["waits", "1 peers are about to begin at the source"]);
});

Deno.test("of a task only the last answers are kept, and of each only some who were looked at", () => {
  const swarm = swarmWithRoot({ filterParentsMax: 50, candidateParentsMax: 2 });
  for (let index = 0; index < 100; index++) swarm.register(`p${index}`);
  const [task] = swarm.state.tasks.values();
  assert.ok(task);
  const kept = swarm.state.explanations.of(task);
  assert.deepEqual([kept.length, kept[0]?.peerId, kept.at(-1)?.peerId], [50, "p50", "p99"]);
  const { considered, others } = kept.at(-1) ?? { considered: [], others: 0 };
  assert.deepEqual(considered.slice(0, 3).map(({ rejection }) => rejection === undefined), [true, true, false]);
  assert.equal(considered.length, 10);
  assert.equal(others, 0);
});

Deno.test("over all tasks so much is kept and no more: the task that is silent for the longest makes way", () => {
  const swarm = new Swarm(seededRandom(1));
  const ask = (peerId: string, task: string) => swarm.register(peerId, {}, { task });
  for (let index = 0; index < 9_999; index++) ask(`p${index}`, `t${index}`);
  ask("other", "t0");
  ask("last", "last");
  const kept = (name: string) => {
    const task = swarm.state.tasks.get(name);
    return task && swarm.state.explanations.of(task).length;
  };
  assert.deepEqual([kept("t0"), kept("t1"), kept("t2"), kept("last")], [2, 0, 1, 1]);
});

Deno.test("a task that is forgotten is not explained any more", () => {
  const swarm = swarmWithRoot();
  swarm.register("child");
  const [task] = swarm.state.tasks.values();
  assert.ok(task);
  for (const id of ["child", "root"]) swarm.apply({ type: "delete_peer", nowMs: swarm.nowMs, peerId: id });
  swarm.wait(swarm.state.settings.gc.taskIntervalMs + 1_000);
  assert.equal(swarm.state.tasks.size, 0);
  assert.deepEqual(swarm.state.explanations.of(task), []);
});

Deno.test("a task that is asked for again and again takes no room from the others", () => {
  const { state } = swarmWithRoot();
  const [task] = state.tasks.values();
  assert.ok(task);
  const explanations = new Explanations();
  const said = { atMs: 0, peerId: "p", hostId: "h", outcome: "waits", reason: "", considered: [], others: 0 } as const;
  for (let times = 0; times < 10_100; times++) explanations.add(task, said);
  assert.equal(explanations.of(task).length, 50);
});
