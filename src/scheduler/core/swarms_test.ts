import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { OTHER_PLACES, PLACES_MAX, SOURCE, TOLD_PER_TASK_MAX, type Trace } from "./swarms.ts";

const MINUTE_MS = 60_000;

function swarmOf(swarm: Swarm, task = "task") {
  const known = swarm.state.tasks.get(task);
  assert.ok(known);
  return known.swarm;
}

function traceOf(swarm: Swarm, peerId: string): Trace {
  const trace = swarmOf(swarm).told.find((one) => one.peerId === peerId);
  assert.ok(trace, `${peerId} is not told of`);
  return trace;
}

/** `root` has begun at the source, and `child` gets from it. */
function family(): Swarm {
  const swarm = new Swarm(seededRandom(1));
  swarm.register("root");
  swarm.nowMs = 100;
  swarm.say("root", "back_to_source_started");
  swarm.nowMs = 200;
  swarm.register("child");
  swarm.say("child", "started");
  return swarm;
}

function piece(swarm: Swarm, peerId: string, number: number, parentId: string | undefined): void {
  const lengthBytes = 4 << 20;
  const report = { number, offset: number * lengthBytes, lengthBytes, costMs: 5, parentId };
  swarm.message(peerId, { type: "piece_finished", piece: report });
}

Deno.test("of each peer is told when it began, from whom it got how much until when, and when each tenth was there", () => {
  const swarm = family();
  swarm.nowMs = 300;
  piece(swarm, "root", 0, undefined);
  for (let number = 0; number < 20; number++) {
    swarm.nowMs = 1_000 + number;
    piece(swarm, "child", number, "root");
  }
  const [root, child] = [traceOf(swarm, "root"), traceOf(swarm, "child")];
  assert.deepEqual([root.begunAtMs, root.startedAtMs, root.atSourceAtMs, root.endedAtMs], [
    0,
    undefined,
    100,
    undefined,
  ]);
  assert.deepEqual([...root.feeds], [[SOURCE, { sinceMs: 300, untilMs: 300, pieces: 1 }]]);
  assert.deepEqual([child.begunAtMs, child.startedAtMs, child.pieces, child.pieceCount], [200, 200, 20, 100]);
  // It was told of its parent before the first piece came.
  assert.deepEqual([...child.feeds], [["root", { sinceMs: 200, untilMs: 1_019, pieces: 20 }]]);
  assert.deepEqual(child.tenthsAtMs, [1_009, 1_019]);
  swarm.nowMs = 2_000;
  swarm.say("child", "finished");
  swarm.nowMs = 3_000;
  swarm.apply({ type: "delete_peer", nowMs: 3_000, peerId: "child" });
  const ended = traceOf(swarm, "child");
  assert.deepEqual([ended.endedAtMs, ended.isFailed], [2_000, false], "who leaves later has not failed");
  swarm.say("root", "failed");
  assert.equal(traceOf(swarm, "root").isFailed, true);
});

Deno.test("a task moves while a peer of it waits or fetches, and is one that stopped from then on", () => {
  const swarm = family();
  const { swarms, tasks } = swarm.state;
  const task = tasks.get("task");
  assert.ok(task);
  assert.deepEqual([[...swarms.moving], [...swarms.stopped]], [[task], []]);
  assert.equal(task.swarm.sinceMs, 0);
  swarm.nowMs = 500;
  swarm.say("root", "back_to_source_finished");
  assert.ok(swarms.moving.has(task));
  assert.equal(task.swarm.sinceMs, 0, "one that goes on has not begun anew");
  swarm.say("child", "finished");
  assert.deepEqual([[...swarms.moving], [...swarms.stopped], task.swarm.sinceMs], [[], [task], 500]);
  swarm.register("holder", { metadataOnly: true }, { task: "held" });
  assert.equal(swarms.moving.size, 0, "who only tells what it holds does not move");
});

Deno.test("who joins a task that has stood still begins a new burst, and the old one is told no more", () => {
  const swarm = family();
  swarm.say("child", "finished");
  swarm.say("root", "back_to_source_finished");
  swarm.nowMs = MINUTE_MS;
  swarm.register("soon");
  assert.deepEqual(swarmOf(swarm).told.map(({ peerId }) => peerId), ["root", "child", "soon"]);
  swarm.say("soon", "finished");
  swarm.nowMs = 3 * MINUTE_MS;
  swarm.register("later");
  assert.deepEqual(swarmOf(swarm).told.map(({ peerId }) => peerId), ["later"]);
  assert.equal(swarmOf(swarm).counts.done, 3);
  swarm.nowMs = 9 * MINUTE_MS;
  swarm.register("much later");
  assert.deepEqual(swarmOf(swarm).told.map(({ peerId }) => peerId), ["later", "much later"], "it has not stood still");
});

Deno.test("of very many peers the first are told of as long as they run, and then the last; all are counted", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.register("p0", { metadataOnly: true });
  for (let index = 1; index <= TOLD_PER_TASK_MAX + 10; index++) swarm.register(`p${index}`);
  const told = () => swarmOf(swarm).told.map(({ peerId }) => peerId);
  assert.equal(told().length, TOLD_PER_TASK_MAX);
  // The holder had ended, so that it made way for one.
  assert.deepEqual([told()[0], told().at(-1)], ["p1", `p${TOLD_PER_TASK_MAX}`]);
  assert.equal(swarmOf(swarm).counts.waiting, TOLD_PER_TASK_MAX + 10);
  swarm.say("p1", "started", "finished");
  swarm.register("last");
  assert.deepEqual([told()[0], told().at(-1), told().length], ["p2", "last", TOLD_PER_TASK_MAX]);
  const dropped = swarm.peer("p1").trace;
  assert.deepEqual([dropped.isTold, dropped.feeds.size], [false, 0]);
});

Deno.test("peers are counted by location, or IDC; places that are too many are one", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.host("a-host", { location: "eu|rack1", idc: "fra" });
  swarm.register("a", { metadataOnly: true });
  swarm.host("b-host", { idc: "fra" });
  swarm.register("b");
  swarm.say("b", "started");
  piece(swarm, "b", 0, "a");
  const { places } = swarmOf(swarm);
  assert.deepEqual([...places.keys()], ["eu|rack1", "fra"]);
  assert.deepEqual([...places.get("fra")?.flows ?? []], [[places.get("eu|rack1"), 1]]);
  for (let index = 0; index < PLACES_MAX; index++) {
    swarm.host(`h${index}`, { location: `rack ${index}` });
    swarm.register(`of rack ${index}`, {}, { host: `h${index}` });
  }
  assert.equal(places.size, PLACES_MAX + 1);
  assert.equal(places.get(OTHER_PLACES)?.counts.waiting, 2);
});

Deno.test("where all tasks together have too many peers, those that nobody joined for longest are told of no more", () => {
  const swarm = new Swarm(seededRandom(1));
  for (let task = 0; task < 45; task++) {
    for (let peer = 0; peer < TOLD_PER_TASK_MAX; peer++) {
      swarm.register(`${task} ${peer}`, { metadataOnly: true }, { task: `t${task}`, host: `h${peer}` });
    }
  }
  const told = Array.from({ length: 45 }, (_, task) => swarmOf(swarm, `t${task}`).told.length);
  assert.equal(told.reduce((sum, count) => sum + count, 0), 20_000);
  assert.deepEqual([told[0], told[4], told[5], told[44]], [0, 0, TOLD_PER_TASK_MAX, TOLD_PER_TASK_MAX]);
});

Deno.test("of very many who give to one peer the first are told of, and of tasks that stopped the last", () => {
  const swarm = family();
  for (let index = 0; index < 20; index++) {
    swarm.register(`giver ${index}`, { metadataOnly: true });
    swarm.peer("child").assigned.add(`giver ${index}`);
    piece(swarm, "child", index, `giver ${index}`);
  }
  const { feeds, pieces } = traceOf(swarm, "child");
  assert.deepEqual([feeds.size, pieces, feeds.has("giver 14"), feeds.has("giver 15")], [16, 20, true, false]);
  for (let index = 0; index < 510; index++) {
    swarm.register(`of ${index}`, {}, { task: `t${index}`, host: "h" });
    swarm.say(`of ${index}`, "failed");
  }
  const { stopped } = swarm.state.swarms;
  assert.deepEqual([stopped.size, [...stopped][0]?.facts.id], [500, "t10"]);
});

Deno.test("who wants a part of a content is done with the pieces of that part", () => {
  const swarm = family();
  swarm.register("part", { range: { start: 0, length: 8 << 20 } });
  swarm.say("part", "started");
  piece(swarm, "part", 0, "root");
  const { pieceCount, tenthsAtMs } = traceOf(swarm, "part");
  assert.deepEqual([pieceCount, tenthsAtMs.length], [2, 5]);
});

Deno.test("a task that is forgotten is listed no more", () => {
  const swarm = family();
  const { swarms } = swarm.state;
  for (const id of ["root", "child"]) swarm.apply({ type: "delete_peer", nowMs: swarm.nowMs, peerId: id });
  assert.equal(swarms.stopped.size, 1);
  swarm.wait(40 * MINUTE_MS, () => swarm.state.tasks.size === 0);
  assert.deepEqual([swarm.state.tasks.size, swarms.stopped.size, swarms.moving.size], [0, 0, 0]);
});

Deno.test("a task that somebody joined just now is told of longer than one that was new after it", () => {
  const swarm = new Swarm(seededRandom(1));
  const join = (task: number, from: number, to: number) => {
    for (let peer = from; peer < to; peer++) {
      swarm.register(`${task} ${peer}`, { metadataOnly: true }, { task: `t${task}`, host: `h${peer}` });
    }
  };
  join(0, 0, TOLD_PER_TASK_MAX - 1);
  for (let task = 1; task < 40; task++) join(task, 0, TOLD_PER_TASK_MAX);
  join(0, TOLD_PER_TASK_MAX - 1, TOLD_PER_TASK_MAX);
  join(40, 0, 1);
  const told = (task: number) => swarmOf(swarm, `t${task}`).told.length;
  assert.deepEqual([told(0), told(1), told(2)], [TOLD_PER_TASK_MAX, 0, TOLD_PER_TASK_MAX]);
});
