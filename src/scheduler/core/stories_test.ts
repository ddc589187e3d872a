import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { SEED_START_TIMEOUT_MS, WAIT_TIMEOUT_MS } from "./schedule.ts";
import type { Settings } from "./settings.ts";
import { DEFAULT_LIMITS, type Limits } from "./state.ts";

const swarmOf = (settings: Partial<Settings> = {}, limits?: Limits) => new Swarm(seededRandom(1), settings, limits);
const names = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);

Deno.test("the first peer triggers the seed peer, and everybody who waits is answered in the step in which it begins", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a");
  swarm.register("b");
  assert.deepEqual(swarm.log, ["seed-host: trigger download of a"]);
  swarm.wait(3_000);
  swarm.register("seed", { needBackToSource: true });
  assert.deepEqual(swarm.heard("seed"), ["back_to_source"]);
  swarm.say("seed", "back_to_source_started");
  assert.equal(swarm.effects.length, 2);
  assert.deepEqual(swarm.heard("a"), ["from seed"]);
  assert.deepEqual(swarm.heard("b"), ["from a seed"]);
});

Deno.test("a cold burst of 200 peers sends only the seed peer to the source, even one that needs 3 s to begin", () => {
  const swarm = swarmOf();
  swarm.seed();
  for (const name of names(200)) swarm.register(name);
  swarm.wait(3_000);
  swarm.register("seed", { needBackToSource: true });
  swarm.say("seed", "back_to_source_started");
  assert.deepEqual(swarm.told("back_to_source"), ["seed"]);
  assert.equal(swarm.log.filter((line) => line.includes(": trigger")).length, 1);
  for (const name of names(200)) assert.match(swarm.heard(name).join(), /^from /);
  assert.ok(swarm.peer("seed").children.size < 100, "the seed peer is not the parent of everybody");
});

Deno.test("a cold burst of 200 peers without a seed peer sends the first one to the source and no other", () => {
  const swarm = swarmOf();
  for (const name of names(200)) swarm.register(name);
  assert.deepEqual(swarm.log, ["p0: back_to_source"]);
  swarm.wait(1_000);
  swarm.say("p0", "back_to_source_started");
  assert.deepEqual(swarm.told("back_to_source"), ["p0"]);
  for (const name of names(200).slice(1)) assert.match(swarm.heard(name).join(), /^from /);
});

Deno.test("a peer on its way with parents of its own is a parent for others", () => {
  const swarm = swarmOf();
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  swarm.register("child");
  swarm.say("child", "started");
  swarm.register("grandchild", {}, { host: "root-host" });
  assert.deepEqual(swarm.heard("grandchild"), ["from child"]);
});

Deno.test("when the only fetcher dies, one peer that waits takes its place in the same step", () => {
  const swarm = swarmOf();
  for (const name of names(5)) swarm.register(name);
  swarm.say("p0", "stream_closed");
  assert.deepEqual(swarm.told("back_to_source"), ["p0", "p1"]);
  swarm.say("p1", "back_to_source_started");
  assert.deepEqual(swarm.told("back_to_source"), ["p0", "p1"]);
  assert.equal(swarm.state.waitingTasks.size, 0);
});

Deno.test("a fetcher that does not begin in time is made up for by one peer that waits", () => {
  const swarm = swarmOf({ sourceStartTimeoutMs: 2_000 });
  for (const name of names(5)) swarm.register(name);
  const waitedMs = swarm.wait(5_000, () => swarm.told("back_to_source").length > 1);
  assert.equal(waitedMs, 2_000);
  assert.deepEqual(swarm.told("back_to_source"), ["p0", "p1"]);
});

Deno.test("a source that refuses its callers holds up 100 peers for rounds whose number is a logarithm", () => {
  const swarm = swarmOf();
  for (const name of names(100)) swarm.register(name);
  let rounds = 0;
  for (let done = 0; done < 100; rounds++) {
    const sent = swarm.told("back_to_source").slice(done);
    assert.notEqual(sent.length, 0);
    done += sent.length;
    for (const name of sent) swarm.say(name, "back_to_source_failed");
  }
  assert.ok(rounds < 10, `it took ${rounds} rounds`);
});

Deno.test("a failed trigger asks the next seed peer, and with none left sends one peer to the source at once", () => {
  const swarm = swarmOf();
  swarm.seed("s1");
  swarm.seed("s2");
  swarm.register("a");
  swarm.register("b");
  const [first = "", second = ""] = swarm.log[0]?.startsWith("s1") ? ["s1-host", "s2-host"] : ["s2-host", "s1-host"];
  swarm.triggerFails(first);
  assert.deepEqual(swarm.log, [`${first}: trigger download of a`, `${second}: trigger download again`]);
  swarm.triggerFails(second);
  assert.deepEqual(swarm.log.slice(2), ["a: back_to_source"]);
  swarm.register("c", {}, { task: "other" });
  assert.deepEqual(swarm.log.slice(3), ["c: back_to_source"], "seed peers that cannot be reached are left alone");
});

Deno.test("a restored seed peer that nobody reaches is forgotten, and the next one is asked", () => {
  const swarm = swarmOf();
  swarm.host("dead-host", { isSeed: true }, true);
  swarm.register("a");
  swarm.seed("s");
  swarm.triggerFails("dead-host", { isUnreachable: true });
  assert.deepEqual(swarm.log, ["dead-host: trigger download of a", "s-host: trigger download again"]);
  assert.deepEqual([...swarm.state.hosts.keys()], ["a-host", "s-host"]);
});

Deno.test("a restored seed peer that answers, or has said something since, is not forgotten for a failure", () => {
  const signs: ((swarm: Swarm) => void)[] = [
    (swarm) => swarm.triggerFails("s-host"),
    (swarm) => {
      swarm.seed("s");
      swarm.triggerFails("s-host", { isUnreachable: true });
    },
    (swarm) => {
      swarm.register("s", { needBackToSource: true });
      swarm.triggerFails("s-host", { isUnreachable: true });
    },
  ];
  for (const sign of signs) {
    const swarm = swarmOf();
    swarm.host("s-host", { isSeed: true }, true);
    swarm.register("a");
    sign(swarm);
    assert.ok(swarm.state.hosts.has("s-host"));
  }
});

Deno.test("a restored host may register peers at once, and is forgotten when it is silent for two intervals", () => {
  const swarm = swarmOf();
  swarm.host("a-host", {}, true);
  swarm.host("b-host", {}, true);
  swarm.register("a");
  assert.deepEqual(swarm.heard("a"), ["back_to_source"]);
  swarm.wait(400_000);
  swarm.host("a-host");
  swarm.wait(600_000);
  assert.deepEqual([...swarm.state.hosts.keys()], ["a-host"]);
});

Deno.test("a seed peer that fails at the source is not replaced by another one", () => {
  const swarm = swarmOf();
  swarm.seed("s1");
  swarm.seed("s2");
  swarm.register("a");
  swarm.triggerFails(swarm.log[0]?.split(":")[0] ?? "", { atSource: true });
  assert.deepEqual(swarm.log.slice(1), ["a: back_to_source"]);
});

Deno.test("a triggered seed peer that never registers costs one wait and one peer at the source", () => {
  const swarm = swarmOf();
  swarm.seed();
  for (const name of names(20)) swarm.register(name);
  const waitedMs = swarm.wait(WAIT_TIMEOUT_MS, () => swarm.told("back_to_source").length > 0);
  assert.ok(waitedMs <= 5_000 && waitedMs >= SEED_START_TIMEOUT_MS);
  assert.deepEqual(swarm.told("back_to_source"), ["p0"]);
});

Deno.test("a triggered seed peer that had the content all along serves it", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a");
  swarm.apply({ type: "seed_trigger_ended", nowMs: swarm.nowMs, taskId: "task", hostId: "seed-host" });
  swarm.wait(400);
  swarm.register("seed", { metadataOnly: true });
  assert.deepEqual(swarm.log.slice(1).toSorted(), ["a: from seed", "seed: metadata_only"]);
  swarm.say("seed", "started", "finished");
  assert.equal(swarm.peer("seed").state, "Succeeded");
  assert.deepEqual(swarm.heard("seed"), ["metadata_only", "closed"]);
});

Deno.test("a seed host that leaves before it begins is not waited for", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a");
  swarm.apply({ type: "host_deleted", nowMs: 0, hostId: "seed-host" });
  assert.deepEqual(swarm.heard("a"), ["back_to_source"]);
});

Deno.test("a peer whose parent failed gets others and never that one again", () => {
  const swarm = swarmOf();
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  for (const name of ["a", "b"]) {
    swarm.register(name);
    swarm.say(name, "started");
  }
  swarm.message("b", { type: "reschedule", failedParentIds: ["root", "nobody"] });
  assert.deepEqual(swarm.heard("b").slice(1), ["from a"]);
  swarm.message("b", { type: "reschedule", failedParentIds: ["a"] });
  assert.deepEqual([...swarm.peer("b").blocked], ["root", "a"]);
  assert.deepEqual(swarm.heard("b").slice(2), ["back_to_source"], "nobody else is there, and nobody is on the way");
});

Deno.test("after the death of the root, its children send one of them to the source and get that one as parent", () => {
  const swarm = swarmOf();
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  for (const name of names(10)) {
    swarm.register(name);
    swarm.say(name, "started");
  }
  swarm.say("root", "stream_closed");
  for (const name of names(10)) {
    swarm.message(name, { type: "reschedule", failedParentIds: ["root"] });
  }
  const sent = swarm.told("back_to_source").slice(1);
  assert.equal(sent.length, 1);
  swarm.say(sent[0] ?? "", "back_to_source_started");
  assert.equal(swarm.state.waitingTasks.size, 0);
  for (const name of names(10).filter((name) => name !== sent[0])) {
    assert.match(swarm.heard(name).at(-1) ?? "", /^from /);
  }
});

Deno.test("peers that all wait for a dead root are no parents, although they have parents", () => {
  const swarm = swarmOf({ candidateParentsMax: 1 });
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  swarm.register("child");
  swarm.register("grandchild", {}, { host: "root-host" });
  assert.deepEqual(swarm.heard("grandchild"), ["from child"]);
  swarm.say("root", "stream_closed");
  swarm.register("late");
  assert.deepEqual(swarm.heard("late"), ["back_to_source"]);
});

Deno.test("nobody waits for a fetcher that could not serve him", () => {
  const swarm = swarmOf();
  swarm.register("coarse", { pieceLength: 64 << 20 });
  swarm.register("fine");
  swarm.register("same host", {}, { host: "fine-host" });
  assert.deepEqual(swarm.told("back_to_source"), ["coarse", "fine", "same host"]);
});

Deno.test("a triggered seed peer that registers and fails is not waited for", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a");
  swarm.register("seed", { needBackToSource: true });
  swarm.say("seed", "back_to_source_failed");
  assert.deepEqual(swarm.heard("a"), ["back_to_source"]);
  swarm.say("a", "failed");
  swarm.register("b");
  assert.deepEqual(swarm.heard("b"), ["back_to_source"], "the seed peer would fail again");
  swarm.register("c", {}, { task: "other" });
  assert.deepEqual(swarm.log.at(-1), "seed-host: trigger download of c", "the failure counts for that task only");
});

Deno.test("no wait is longer than its limit, even when there is always somebody to hope for", () => {
  const swarm = swarmOf();
  const piece = { number: 1, offset: 1, lengthBytes: 1, costMs: 1, parentId: undefined };
  swarm.register("part", { range: { start: 0, length: 10 } });
  swarm.say("part", "back_to_source_started");
  swarm.register("hope0", { needBackToSource: true });
  swarm.register("free");
  swarm.register("bound", { disableBackToSource: true });
  for (let i = 1; swarm.nowMs < WAIT_TIMEOUT_MS; i++) {
    assert.deepEqual([swarm.heard("free"), swarm.heard("bound")], [[], []]);
    swarm.message("part", { type: "piece_finished", piece });
    swarm.wait(1_800);
    swarm.register(`hope${i}`, { needBackToSource: true });
  }
  assert.deepEqual([swarm.heard("free"), swarm.heard("bound")], [["back_to_source"], ["failed_precondition"]]);
});

Deno.test("a seed peer that was asked and still has time is not asked again", () => {
  const swarm = swarmOf();
  for (const name of names(6)) swarm.register(name);
  for (const name of ["p0", "p1", "p2", "p3"]) swarm.say(name, "stream_closed");
  swarm.seed();
  for (const name of ["a", "b"]) {
    swarm.register(name);
    assert.deepEqual(swarm.heard(name), ["back_to_source"], "after so many failures nobody waits for one alone");
  }
  assert.deepEqual(swarm.heard("seed-host"), ["trigger download of a"]);
});

Deno.test("failures do not count any more when a task starts anew", () => {
  const swarm = swarmOf();
  for (const name of names(4)) {
    swarm.register(name);
    swarm.say(name, "failed");
  }
  swarm.register("a");
  swarm.register("b");
  assert.deepEqual([swarm.heard("a"), swarm.heard("b")], [["back_to_source"], []]);
});

Deno.test("once a piece came from the source, former failures do not count", () => {
  const swarm = swarmOf();
  for (const name of names(6)) swarm.register(name);
  swarm.say("p0", "stream_closed");
  swarm.say("p1", "stream_closed");
  const sent = swarm.told("back_to_source");
  assert.deepEqual(sent, ["p0", "p1", "p2", "p3"], "after the second failure two go");
  swarm.say("p2", "back_to_source_started");
  swarm.say("p3", "failed");
  const piece = { number: 1, offset: 1, lengthBytes: 1, costMs: 1, parentId: undefined };
  swarm.message("p2", { type: "piece_finished", piece });
  swarm.say("p2", "stream_closed");
  for (const name of ["p4", "p5"]) swarm.message(name, { type: "reschedule", failedParentIds: ["p2"] });
  assert.equal(swarm.told("back_to_source").length, sent.length + 1);
});

Deno.test("of a task that very many have, idle finished peers are forgotten down to 300", () => {
  const swarm = swarmOf();
  for (const name of names(310)) {
    swarm.register(name, { metadataOnly: true });
    swarm.say(name, "finished");
  }
  swarm.register("child");
  const parents = [...swarm.peer("child").parents];
  swarm.wait(11_000);
  assert.equal(swarm.state.peers.size, 300);
  assert.deepEqual([...swarm.peer("child").parents], parents);
});

Deno.test("the sixth answer on a stream is refused", () => {
  const swarm = swarmOf();
  for (const name of names(8)) {
    swarm.register(name);
    swarm.say(name, "back_to_source_started");
  }
  swarm.register("child", { needBackToSource: false });
  for (let i = 0; i < 5; i++) swarm.message("child", { type: "reschedule", failedParentIds: [] });
  assert.equal(swarm.heard("child").filter((line) => line.startsWith("from")).length, 5);
  assert.equal(swarm.heard("child").at(-1), "failed_precondition");
});

Deno.test("a peer that must not use the source waits for others, within limits", () => {
  const swarm = swarmOf({ noParentTimeoutMs: 2_500 });
  swarm.register("a", { disableBackToSource: true });
  assert.deepEqual(swarm.heard("a"), []);
  const waitedMs = swarm.wait(WAIT_TIMEOUT_MS, () => swarm.heard("a").length > 0);
  assert.deepEqual([waitedMs <= 2_600, swarm.heard("a")], [true, ["failed_precondition"]]);
});

Deno.test("when as many as may be are at the source, further peers are refused in the end", () => {
  const swarm = swarmOf({ sourcePeersMax: 1 });
  swarm.register("a", { range: { start: 0, length: 10 } });
  swarm.say("a", "back_to_source_started");
  swarm.register("b");
  swarm.wait(WAIT_TIMEOUT_MS);
  assert.deepEqual(swarm.heard("b"), ["failed_precondition"]);
});

Deno.test("priorities 1 to 3 refuse, forbid the source, and leave the seed peer alone", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a", { priority: 1 });
  swarm.register("b", { priority: 2 });
  swarm.register("c", { priority: 3 });
  swarm.register("d", { priority: 6 }, { task: "other" });
  assert.deepEqual(swarm.log, [
    "a: failed_precondition",
    "b: not_found",
    "c: back_to_source",
    "seed-host: trigger download of d",
  ]);
});

Deno.test("an empty task is said to be empty, a task of unknown length is not", () => {
  const swarm = swarmOf();
  swarm.register("a", { contentLength: 0 });
  swarm.say("a", "started", "finished");
  swarm.register("b", { contentLength: undefined }, { task: "other" });
  assert.deepEqual(swarm.log, ["a: empty_task", "a: closed", "b: back_to_source"]);
});

Deno.test("a parent is never one that holds another range, other pieces or another content", () => {
  const swarm = swarmOf();
  swarm.register("ranged", { range: { start: 0, length: 10 } });
  swarm.register("coarse", { pieceLength: 64 << 20 });
  swarm.register("changed", { contentLength: 1 });
  swarm.register("hidden", {}, { host: "hidden-host" });
  swarm.host("hidden-host", { isShared: false });
  for (const name of ["ranged", "coarse", "changed", "hidden"]) swarm.say(name, "back_to_source_started");
  swarm.register("child");
  assert.deepEqual(swarm.heard("child"), ["split", "back_to_source"]);
  swarm.register("same range", { range: { start: 0, length: 10 } });
  assert.deepEqual(swarm.heard("same range"), ["from ranged"]);
});

const OURS = { cutsAsAsked: true };
const FINE = { pieceLength: 512 << 10 };

/** A report of piece 1, cut by `pieceLength`. */
function secondPiece(pieceLength: number, parentId?: string) {
  return {
    type: "piece_finished",
    piece: { number: 1, offset: pieceLength, lengthBytes: pieceLength, costMs: 1, parentId },
  } as const;
}

Deno.test("a host of our make is a parent for everybody, however it cut the content itself", () => {
  const swarm = swarmOf();
  swarm.host("ours-host", OURS);
  swarm.register("ours", FINE);
  swarm.say("ours", "back_to_source_started");
  swarm.register("stock");
  swarm.register("coarse", { pieceLength: 64 << 20 });
  assert.deepEqual([swarm.heard("stock"), swarm.heard("coarse")], [["from ours"], ["from ours"]]);
});

Deno.test("a peer of our make without a piece takes any parent, and then only those of the cut that its pieces have", () => {
  const swarm = swarmOf();
  for (const name of ["fresh", "torn"]) swarm.host(`${name}-host`, OURS);
  swarm.register("stock");
  swarm.say("stock", "back_to_source_started");
  swarm.register("fresh", FINE);
  swarm.register("torn", FINE);
  assert.deepEqual([swarm.heard("fresh"), swarm.heard("torn")], [["from stock"], ["from fresh stock"]]);
  swarm.message("fresh", secondPiece(4 << 20, "stock"));
  swarm.message("torn", secondPiece(512 << 10));
  assert.deepEqual([swarm.peer("fresh").pieceLength, swarm.peer("torn").pieceLength], [4 << 20, 512 << 10]);
  for (const name of ["fresh", "torn"]) {
    swarm.say(name, "started");
    swarm.message(name, { type: "reschedule", failedParentIds: [] });
  }
  assert.deepEqual(swarm.heard("fresh").at(-1), "from stock");
  assert.deepEqual(swarm.heard("torn").at(-1), "from fresh");
});

Deno.test("that peers of a task cannot share is told once", () => {
  const swarm = swarmOf();
  swarm.register("stock");
  swarm.say("stock", "back_to_source_started");
  for (const [name, mib] of [["a", 8], ["b", 16]] as const) swarm.register(name, { pieceLength: mib << 20 });
  assert.deepEqual(swarm.told("back_to_source"), ["stock", "a", "b"]);
  assert.deepEqual(swarm.told("split"), ["a"]);
  assert.deepEqual(swarm.heard("a"), ["split", "back_to_source"]);
});

Deno.test("a peer that was asked to fetch from the source is no sign of a split", () => {
  const swarm = swarmOf();
  swarm.register("stock");
  swarm.say("stock", "back_to_source_started");
  swarm.register("asked", { pieceLength: 8 << 20, needBackToSource: true });
  assert.deepEqual(swarm.told("split"), []);
});

Deno.test("among equal parents those are taken that cut as most holders of the task do", () => {
  const swarm = swarmOf({ candidateParentsMax: 2 });
  for (const name of ["o1", "o2", "child"]) swarm.host(`${name}-host`, OURS);
  for (const name of ["s1", "s2", "s3"]) swarm.register(name, { needBackToSource: true });
  for (const name of ["o1", "o2"]) swarm.register(name, { ...FINE, needBackToSource: true });
  for (const name of ["o1", "o2", "s1", "s2", "s3"]) {
    swarm.say(name, "back_to_source_started", "back_to_source_finished");
  }
  swarm.register("child", FINE);
  assert.match(swarm.heard("child")[0] ?? "", /^from s\d s\d$/);
  swarm.register("stock");
  assert.match(swarm.heard("stock")[0] ?? "", /^from s\d s\d$/);
});

Deno.test("a host whose upload slots are taken is a parent only when there is no other", () => {
  const swarm = swarmOf({ hostUploadsMax: 1, candidateParentsMax: 1 });
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  for (const name of names(4)) swarm.register(name);
  assert.deepEqual(names(4).map((name) => swarm.heard(name)[0]), ["from root", "from p0", "from p1", "from p2"]);
});

Deno.test("a host that fails several children is a parent only when there is no other", () => {
  const swarm = swarmOf({ candidateParentsMax: 2 });
  for (const name of ["liar", "good"]) {
    swarm.register(name, { needBackToSource: true });
    swarm.say(name, "back_to_source_started", "back_to_source_finished");
  }
  for (const name of names(3)) {
    swarm.register(name);
    swarm.message(name, { type: "piece_failed", parentId: "liar", temporary: true });
    swarm.say(name, "failed");
  }
  swarm.settings({ candidateParentsMax: 1 });
  for (let i = 0; i < 20; i++) {
    swarm.register(`late${i}`);
    assert.deepEqual(swarm.heard(`late${i}`), ["from good"]);
    swarm.say(`late${i}`, "failed");
  }
  swarm.say("good", "stream_closed");
  swarm.apply({ type: "delete_peer", nowMs: 0, peerId: "good" });
  swarm.register("last");
  assert.deepEqual(swarm.heard("last"), ["from liar"]);
});

Deno.test("a register of an unknown host is answered with not_found, and works once the host is announced", () => {
  const swarm = swarmOf();
  swarm.register("a");
  swarm.apply({ type: "host_deleted", nowMs: 0, hostId: "a-host" });
  assert.deepEqual(swarm.heard("a"), ["back_to_source", "unavailable"]);
  assert.equal(swarm.state.peers.size, 0);
  const lost = swarmOf();
  lost.apply({ ...registerEvent("a"), hostId: "nobody" });
  assert.deepEqual(lost.log, ["?: not_found"]);
  assert.equal(lost.state.tasks.size, 0);
});

function registerEvent(peerId: string) {
  const swarm = swarmOf();
  swarm.register(peerId);
  const { task, wish } = swarm.peer(peerId);
  return {
    type: "register" as const,
    nowMs: 0,
    streamId: 99,
    peerId,
    hostId: "",
    task: task.facts,
    wish,
    download: "",
  };
}

Deno.test("a peer id in use is refused to another stream, and free again once its stream is gone", () => {
  const swarm = swarmOf();
  swarm.register("a");
  swarm.apply({ ...registerEvent("a"), hostId: "a-host" });
  assert.equal(swarm.log.at(-1), "?: already_exists");
  swarm.say("a", "stream_closed");
  swarm.register("a");
  assert.deepEqual(swarm.heard("a"), ["back_to_source", "back_to_source"]);
});

Deno.test("the state does not grow beyond its limits, and what is over makes room", () => {
  const swarm = swarmOf({}, { ...DEFAULT_LIMITS, hostsMax: 4, tasksMax: 2, peersPerTaskMax: 2 });
  swarm.register("a");
  swarm.register("b");
  swarm.register("c");
  assert.deepEqual(swarm.heard("c"), ["resource_exhausted"]);
  swarm.register("d", {}, { task: "t2" });
  swarm.register("d2", {}, { task: "t3", host: "d-host" });
  assert.deepEqual(swarm.heard("d2"), ["resource_exhausted"]);
  swarm.host("e-host");
  assert.equal(swarm.state.hosts.has("e-host"), false);
  swarm.say("a", "failed");
  swarm.nowMs += 2_000;
  swarm.register("c");
  assert.equal(swarm.peer("c").task.peers.has("a"), false);
});

Deno.test("silent hosts, silent downloads and failed peers are forgotten", () => {
  const swarm = swarmOf();
  swarm.register("silent");
  swarm.say("silent", "back_to_source_started");
  swarm.register("failed", {}, { task: "t2" });
  swarm.say("failed", "failed");
  swarm.wait(11_000);
  assert.deepEqual([...swarm.state.peers.keys()], ["silent"]);
  for (let minute = 0; minute < 35; minute += 5) {
    assert.equal(swarm.state.peers.size, minute >= 30 ? 0 : 1);
    swarm.host("silent-host");
    swarm.wait(5 * 60_000);
  }
  assert.deepEqual([swarm.state.peers.size, swarm.state.hosts.size], [0, 1]);
  swarm.wait(30 * 60_000);
  assert.deepEqual([swarm.state.tasks.size, swarm.state.hosts.size], [0, 0]);
});

Deno.test("credentials of a registration are nowhere in the state", () => {
  const swarm = swarmOf();
  swarm.seed();
  swarm.register("a");
  const seen = new Set<unknown>();
  const search = (value: unknown): boolean => {
    if (value === "download of a") return true;
    if (typeof value !== "object" || value === null || seen.has(value)) return false;
    seen.add(value);
    const parts = value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
    return parts.some(search);
  };
  assert.equal(search(swarm.state), false);
  assert.ok(seen.size > 5);
});
