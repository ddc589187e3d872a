import assert from "node:assert/strict";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import { pullVerdict } from "../../core/pull_story.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import type { PieceRecord, TaskRecord } from "../storage/storage.ts";
import type { TaskRequest } from "../task/task.ts";
import { EVENTS_MAX, TEXT_CHARACTERS_MAX } from "./pull_record.ts";
import { Recorder } from "./recorder.ts";
import { RecordStore } from "./record_store.ts";

const URL_TEXT = "https://r.io/v2/team/app/blobs/sha256:aa";

function taskRecord(taskId = "t1"): TaskRecord {
  return {
    ...{ taskId, url: URL_TEXT, plan: piecePlan(1_000, 100), digest: parseDigest(`sha256:${"a".repeat(64)}`) },
    ...{ responseHeaders: {}, otherIds: [], isSealed: true, createdAtMs: 0, updatedAtMs: 0, finishedAtMs: 0 },
  };
}

function requestOf(taskId = "t1", userAgent = "containerd/2.1.0 (linux)"): TaskRequest {
  return {
    ...{ taskId, digest: undefined, priority: 6, filteredQueryParams: [], isBlobDigestTaskId: true },
    ...{ needBackToSource: false, disableBackToSource: false, application: "batch" },
    source: { url: `${URL_TEXT}?token=secret`, headers: { "user-agent": userAgent, authorization: "Basic secret" } },
  };
}

function opened() {
  const [clock, log] = [new VirtualClock(), new MemoryLog()];
  const store = new RecordStore(":memory:", "sender");
  const recorder = new Recorder({ clock, log, store });
  const journal = recorder.journal(() => undefined);
  const begin = (taskId = "t1") => {
    return journal.began({ peerId: "p1", request: requestOf(taskId), record: taskRecord(taskId), localBytes: 0 });
  };
  const dispose = () => {
    recorder[Symbol.dispose]();
    store[Symbol.dispose]();
  };
  return { clock, log, store, recorder, journal, begin, [Symbol.dispose]: dispose };
}

Deno.test("a record names who asked for what, and no secret of it", () => {
  using it = opened();
  it.begin().ended();
  it.recorder.flush();
  const [record] = it.store.pulls({}, 1);
  assert.deepEqual([record?.requester, record?.application, record?.registry, record?.repository], [
    ...["containerd/2.1.0", "batch", "r.io", "team/app"],
  ]);
  assert.doesNotMatch(JSON.stringify(record), /secret/);
});

Deno.test("what a source said just before a pull is a part of it, and what it said long before is not", async () => {
  using it = opened();
  it.recorder.atSource(URL_TEXT, "source_busy", { detail: "long ago" });
  await it.clock.advance(40_000);
  it.recorder.atSource(`${URL_TEXT}?x=1`, "source_busy", { ms: 100, detail: "HTTP 429" });
  await it.clock.advance(2_000);
  const notes = it.begin();
  await it.clock.advance(500);
  notes.ended();
  const [record] = (it.recorder.flush(), it.store.pulls({}, 1));
  assert.deepEqual(record?.events.map(({ kind, atMs, detail }) => [kind, atMs, detail]), [[
    "source_busy",
    100,
    "HTTP 429",
  ]]);
  assert.equal(record?.durationMs, 2_600, "the requester waited since then");
  assert.deepEqual(it.begin("t2") && it.recorder.running()[0]?.events, [], "it belongs to one pull");
});

Deno.test("what a registry said of a repository is a part of the first pull from there, and of no other repository's", async () => {
  using it = opened();
  const other = "https://r.io/v2/team/other/manifests/v1";
  for (const url of [other, "https://r.io/v2/team/app/manifests/v1"]) {
    it.recorder.atRepository(url, "source_denied", { ms: 100, detail: "HTTP 401" });
  }
  await it.clock.advance(2_000);
  it.begin().ended();
  it.begin("t2").ended();
  it.recorder.flush();
  const pulls = it.store.pulls({}, 10).toReversed();
  assert.deepEqual(pulls.map(({ events, durationMs }) => [events.map(({ kind }) => kind), durationMs]), [
    [["source_denied"], 2_100],
    [[], 0],
  ]);
});

Deno.test("a pull is after the answer to its tag, though it began with the wait for that", async () => {
  using it = opened();
  it.recorder.atRepository("https://r.io/v2/team/app/manifests/v1", "source_denied", { ms: 100 });
  await it.clock.advance(8_000);
  it.recorder.tagAnswered({ registry: "r.io", repository: "team/app", tag: "v1", digest: "sha256:aa" });
  it.begin().ended();
  it.recorder.flush();
  const [pull] = it.store.pulls({}, 1);
  const [answered] = it.store.tagAnswers({ repository: "team/app", tag: "v1" }, 1);
  assert.ok(pull !== undefined && answered !== undefined);
  assert.equal(pull.startedAtMs, answered.answeredAtMs);
});

Deno.test("what could not even begin is a record too, with the reason", () => {
  using it = opened();
  it.journal.failed(requestOf(), taskRecord(), new DamselflyError("no_space", "The disk is full"));
  it.recorder.flush();
  const [record] = it.store.pulls({}, 1);
  assert.deepEqual([record?.error, record?.isHit, record?.originBytes, record?.contentLength], [
    ...["The disk is full", false, 0, 1_000],
  ]);
});

Deno.test("what a parent waited for itself is one sum, and no part of the wait for its first piece", async () => {
  using it = opened();
  const notes = it.begin();
  notes.offered([{ id: "parent", host: { id: "h", ip: "10.0.0.9", type: 1 } } as Peer]);
  await it.clock.advance(3_000);
  notes.parentWaited("parent", 2_500);
  notes.received({ parentId: "parent", trafficType: "remote_peer" } as PieceRecord, 100);
  await it.clock.advance(1_000);
  notes.parentWaited("parent", 700);
  const [record] = it.recorder.running();
  const told = record?.events.map(({ kind, ms, subject }) => `${kind} ${ms} ${subject}`);
  assert.deepEqual(told?.slice(1), ["first_piece 500 10.0.0.9", "parents_waiting 3200 10.0.0.9"]);
});

Deno.test("a source that was asked again and again makes no pull begin long before it did", async () => {
  using it = opened();
  for (let n = 0; n < 10; n++) {
    it.recorder.atSource(URL_TEXT, "source_answer", { ms: 10 });
    await it.clock.advance(20_000);
  }
  it.begin().ended();
  const [record] = (it.recorder.flush(), it.store.pulls({}, 1));
  assert.deepEqual([record?.events.length, record?.durationMs], [1, 20_010]);
});

Deno.test("what a limit holds at the same time is one wait, and no pull waits longer than it takes", async () => {
  using it = opened();
  const notes = it.begin();
  await it.clock.advance(1_000);
  for (let n = 0; n < 4; n++) it.recorder.held("t1", 900, "download.bandwidthLimit");
  await it.clock.advance(500);
  it.recorder.held("t1", 300, "download.bandwidthLimit");
  it.recorder.diskWaited(5_000);
  notes.ended();
  const [record] = (it.recorder.flush(), it.store.pulls({}, 1));
  assert.deepEqual(record?.events.map(({ kind, ms }) => [kind, ms]), [["held", 1_200], ["disk", 1_500]]);
});

Deno.test("a pull that runs can be seen, and is gone from there once it has ended", async () => {
  using it = opened();
  const notes = it.begin();
  await it.clock.advance(70);
  assert.deepEqual(it.recorder.running().map(({ isRunning, durationMs }) => [isRunning, durationMs]), [[true, 70]]);
  notes.ended(new DamselflyError("no_space", "The disk is full"));
  assert.deepEqual(it.recorder.running(), []);
  await it.clock.advance(1_000);
  assert.deepEqual(it.store.pulls({}, 1).map(({ isRunning, error }) => [isRunning, error]), [[
    false,
    "The disk is full",
  ]]);
});

Deno.test("events and texts of a pull are bounded", () => {
  using it = opened();
  const notes = it.begin();
  for (let n = 0; n < EVENTS_MAX + 9; n++) notes.note("to_source", { detail: "x".repeat(10_000) });
  notes.ended();
  const [record] = (it.recorder.flush(), it.store.pulls({}, 1));
  assert.deepEqual([record?.events.length, record?.droppedEvents], [EVENTS_MAX, 9]);
  assert.equal(record?.events[0]?.detail.length, TEXT_CHARACTERS_MAX);
});

Deno.test("of too many events those stay that explain most, and what decides by being there stays always", () => {
  using it = opened();
  const notes = it.begin();
  notes.note("parent_stalled", { ms: 4_000, subject: "10.0.0.7" });
  for (let n = 0; n < EVENTS_MAX; n++) notes.note("to_parents", {});
  notes.note("no_scheduler");
  notes.note("parent_lied", { subject: "10.0.0.8" });
  for (let n = 0; n < EVENTS_MAX; n++) notes.note("decision", { ms: 1 });
  notes.note("to_parents");
  notes.ended();
  const [record] = (it.recorder.flush(), it.store.pulls({}, 1));
  const kinds = record?.events.map(({ kind }) => kind) ?? [];
  assert.deepEqual([kinds.length, record?.droppedEvents], [EVENTS_MAX, EVENTS_MAX + 4]);
  for (const kind of ["parent_stalled", "no_scheduler", "parent_lied"] as const) assert.ok(kinds.includes(kind), kind);
  assert.equal(kinds.includes("to_parents"), false);
  assert.equal(record && pullVerdict(record).cause, "lying_parent");
});

Deno.test("a registry that was too busy again and again takes no place from a parent that lied", () => {
  using it = opened();
  const notes = it.begin();
  for (let n = 0; n < EVENTS_MAX; n++) notes.note("seed_awaited", { ms: 1_000 });
  for (let n = 0; n < EVENTS_MAX - 1; n++) notes.note("source_busy");
  for (const kind of ["source_denied", "source_busy", "parent_lied"] as const) notes.note(kind);
  const [record] = it.recorder.running();
  const count = (kind: string) => record?.events.filter((event) => event.kind === kind).length;
  assert.deepEqual(["seed_awaited", "source_busy", "source_denied", "parent_lied"].map(count), [0, 62, 1, 1]);
  assert.equal(record?.droppedEvents, EVENTS_MAX + 2);
});

Deno.test("reads of what is here count once for each byte: many small ones are one record, and none of them after a pull", async () => {
  using it = opened();
  const hit = (bytes: number) => it.journal.hit(requestOf(), taskRecord(), bytes);
  it.begin().ended();
  hit(300);
  hit(1_000);
  await it.clock.advance(61_000);
  for (let n = 0; n < 5; n++) hit(300);
  await it.clock.advance(1_000);
  const hits = it.store.pulls({}, 10).filter(({ isHit }) => isHit);
  assert.deepEqual(hits.map(({ localBytes }) => localBytes), [1_500, 1_000]);
});

Deno.test("records that cannot be written are told of once, harm no pull, and are there until they can", async () => {
  using it = opened();
  const add = it.store.add.bind(it.store);
  it.store.add = () => {
    throw new DamselflyError("internal", "disk full");
  };
  for (const id of ["t1", "t2"]) {
    it.begin(id).ended();
    await it.clock.advance(1_000);
  }
  assert.equal(it.log.lines.filter(({ level }) => level === "warn").length, 1);
  assert.deepEqual(it.recorder.unwritten().map(({ taskId }) => taskId), ["t1", "t2"]);
  it.store.add = add;
  await it.clock.advance(1_000);
  assert.deepEqual(it.recorder.unwritten(), []);
  assert.equal(it.store.pulls({}, 10).length, 2);
});

Deno.test("what waits to be written is bounded: 2,000 pulls, the last 256 answers to tags, 64 parents of a pull", async () => {
  using it = opened();
  const add = it.store.add.bind(it.store);
  it.store.add = () => {
    throw new DamselflyError("internal", "disk full");
  };
  for (let n = 0; n < 2_001; n++) it.journal.failed(requestOf(), taskRecord(), new Error("no room"));
  assert.equal(it.recorder.unwritten().length, 2_000);
  const answer = { registry: "r.io", repository: "team/app", tag: "v1" };
  for (let n = 0; n < 300; n++) it.recorder.tagAnswered({ ...answer, digest: `sha256:${n}` });
  it.store.add = add;
  await it.clock.advance(1_000);
  const answers = it.store.tagAnswers(answer, 1_000);
  assert.deepEqual([answers.length, answers[0]?.digest], [256, "sha256:299"]);
  const notes = it.begin();
  for (let n = 0; n < 70; n++) {
    notes.offered([{ id: `p${n}`, host: { id: `h${n}`, ip: "10.0.0.9", type: 0 } } as Peer]);
    notes.received({ parentId: `p${n}`, trafficType: "remote_peer" } as PieceRecord, 1);
  }
  const [record] = it.recorder.running();
  assert.deepEqual([record?.parents.length, record?.peerBytes], [64, 70]);
});
