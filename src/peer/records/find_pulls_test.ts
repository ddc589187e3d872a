import assert from "node:assert/strict";
import { pullRecord } from "./builders_test.ts";
import { findPulls } from "./find_pulls.ts";
import { RecordStore } from "./record_store.ts";

const HEX = "ab".repeat(32);
const MINUTE_MS = 60_000;
const START = 1_000 * MINUTE_MS;

function stored(...pulls: Parameters<typeof pullRecord>[0][]): RecordStore {
  const store = new RecordStore(":memory:", "s");
  store.add(pulls.map(pullRecord), [], START);
  return store;
}

function taskIds(
  store: RecordStore,
  name: string,
  unstored = [] as ReturnType<typeof pullRecord>[],
  limit = 10,
): string[] {
  return findPulls(name, { store, unstored }, limit).pulls.map(({ taskId }) => taskId);
}

Deno.test("a content is found by its digest, with or without its algorithm, and by its task id; also while it comes", () => {
  using store = stored({ digest: `sha256:${HEX}`, taskId: "url-rule" });
  for (const name of [`sha256:${HEX}`, HEX]) assert.deepEqual(taskIds(store, name), ["url-rule"], name);
  const running = [pullRecord({ digest: "", taskId: HEX, isRunning: true })];
  assert.deepEqual(taskIds(store, HEX, running), [HEX, "url-rule"]);
  using byId = stored({ digest: "", taskId: HEX });
  assert.deepEqual(taskIds(byId, HEX), [HEX]);
  assert.deepEqual(taskIds(byId, `sha256:${HEX}`), [HEX]);
});

Deno.test("an image is its last pull: what came before a pause is another one", () => {
  using store = stored(
    { taskId: "before", startedAtMs: START },
    { taskId: "manifest", startedAtMs: START + 10 * MINUTE_MS, durationMs: 100 },
    { taskId: "layer", startedAtMs: START + 10 * MINUTE_MS + 200, durationMs: 3 * MINUTE_MS },
    { taskId: "last", startedAtMs: START + 13 * MINUTE_MS + 300 },
    { taskId: "other", repository: "x", startedAtMs: START + 10 * MINUTE_MS },
  );
  assert.deepEqual(taskIds(store, "r.io/team/app"), ["last", "layer", "manifest"]);
  assert.deepEqual(
    taskIds(store, "docker.io/team/app:v1"),
    ["last", "layer", "manifest"],
    "a registry of another name",
  );
  assert.deepEqual(taskIds(store, "r.io/nobody/knows"), []);
});

Deno.test("a tag whose answer is known is the pull that followed it, and not one of another tag", () => {
  using store = stored(
    { taskId: "v1", startedAtMs: START + 50 },
    { taskId: "v2", startedAtMs: START + 20 * MINUTE_MS },
  );
  const answer = { registry: "r.io", repository: "team/app", digest: "sha256:1" };
  store.add([], [{ ...answer, tag: "v1", answeredAtMs: START }, {
    ...answer,
    tag: "v2",
    answeredAtMs: START + 20 * MINUTE_MS,
  }], START);
  assert.deepEqual(taskIds(store, "r.io/team/app:v1"), ["v1"]);
  assert.deepEqual(taskIds(store, "r.io/team/app:v2"), ["v2"]);
  assert.deepEqual(taskIds(store, "r.io/team/app"), ["v2"]);
});

Deno.test("a content that still comes holds its pull together, however long ago the one before it ended", () => {
  using store = stored(
    { taskId: "large", startedAtMs: START, durationMs: 10 * MINUTE_MS },
    { taskId: "small", startedAtMs: START + 10, durationMs: 10 },
    { taskId: "next", startedAtMs: START + 9 * MINUTE_MS },
  );
  assert.deepEqual(taskIds(store, "r.io/team/app"), ["next", "small", "large"]);
});

Deno.test("a tag that was asked for again, when all of it was here, is the pull that brought it, and not that of another tag", () => {
  using store = stored(
    { taskId: "v1", startedAtMs: START + 50 },
    { taskId: "v2", startedAtMs: START + 30 * MINUTE_MS },
  );
  const answer = { registry: "r.io", repository: "team/app", digest: "sha256:1" };
  const at = (tag: string, minutes: number) => ({ ...answer, tag, answeredAtMs: START + minutes * MINUTE_MS });
  store.add([], [at("v1", 0), at("v1", 20), at("v2", 30), at("v1", 40), at("v3", 50)], START);
  assert.deepEqual(taskIds(store, "r.io/team/app:v1"), ["v1"]);
  assert.deepEqual(taskIds(store, "r.io/team/app:v2"), ["v2"]);
  assert.deepEqual(taskIds(store, "r.io/team/app:v3"), [], "nothing came for it");
  const { tag } = findPulls("r.io/team/app:v1", { store, unstored: [] }, 10);
  assert.equal(tag?.answeredAtMs, START + 40 * MINUTE_MS, "what the registry said last");
});

Deno.test("of an image no more than so many contents that have ended are listed, the newest, and all that run", () => {
  const at = (index: number) => ({ taskId: `t${index}`, startedAtMs: START + index });
  using store = stored(...[0, 1, 2, 3].map(at));
  const running = [pullRecord({ ...at(4), isRunning: true }), pullRecord({ ...at(1.5), isRunning: true })];
  assert.deepEqual(taskIds(store, "r.io/team/app", running, 2), ["t4", "t3", "t2", "t1.5"]);
});

Deno.test("what has ended and cannot be written counts as what is written does, by whatever name it is found", () => {
  const at = (index: number) => ({ taskId: HEX, digest: "", startedAtMs: START + index });
  using store = stored(...[0, 1].map(at));
  const unwritten = [2, 3, 4].map((index) => pullRecord(at(index)));
  const running = pullRecord({ ...at(1.5), isRunning: true });
  for (const name of ["", HEX, "r.io/team/app"]) {
    const { pulls } = findPulls(name, { store, unstored: [...unwritten, running] }, 2);
    assert.deepEqual(pulls.map(({ startedAtMs }) => startedAtMs - START), [4, 3, 1.5], name);
  }
});

Deno.test("without a name all are listed, those that run first; what is no name is refused", () => {
  using store = stored({ taskId: "a" });
  assert.deepEqual(taskIds(store, "", [pullRecord({ taskId: "b" })]), ["b", "a"]);
  assert.throws(() => findPulls("Not An Image", { store, unstored: [] }, 1), { code: "invalid_argument" });
});

Deno.test("of two registries that have a repository of one name the one that is named is told of", () => {
  using store = stored({ taskId: "ours" }, { taskId: "other", registry: "mirror.corp" });
  assert.deepEqual(taskIds(store, "r.io/team/app"), ["ours"]);
  assert.deepEqual(taskIds(store, "mirror.corp/team/app"), ["other"]);
});
