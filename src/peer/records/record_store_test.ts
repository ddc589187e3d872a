import assert from "node:assert/strict";
import { OTHER_NAME } from "../../core/content_name.ts";
import { join } from "node:path";
import { pullRecord } from "./builders_test.ts";
import { HOUR_MS, OWED_MS, OWED_ROWS_MAX, STATEMENT_ROWS_MAX } from "./owed.ts";
import { HITS_MAX, KEPT_MS, PULLS_MAX, RecordStore } from "./record_store.ts";

const NOW = 500 * HOUR_MS + 7;

function memoryStore(): RecordStore {
  return new RecordStore(":memory:", "sender-1");
}

Deno.test("pulls are found by repository, digest and task id, the newest first", () => {
  using store = memoryStore();
  const [old, young] = [
    pullRecord({ startedAtMs: NOW - 10 }),
    pullRecord({ startedAtMs: NOW, taskId: "t2", digest: "sha256:bb" }),
  ];
  const other = pullRecord({ startedAtMs: NOW - 5, repository: "x", taskId: "t3", digest: "" });
  store.add([young, old, other], [], NOW);
  assert.deepEqual(store.pulls({ repository: "team/app" }, 10), [young, old]);
  assert.deepEqual(store.pulls({ content: "sha256:aa" }, 10), [old]);
  assert.deepEqual(store.pulls({ content: "t2" }, 10), [young]);
  assert.deepEqual(store.pulls({ sinceMs: NOW - 7 }, 10), [young, other]);
  assert.deepEqual(store.pulls({}, 1), [young]);
});

Deno.test("pulls go when they are a week old or too many, and small reads take no room of pulls", () => {
  using store = memoryStore();
  store.add([-1, 0].map((ms) => pullRecord({ startedAtMs: NOW - KEPT_MS + ms, taskId: `old${ms}` })), [], NOW);
  assert.deepEqual(store.pulls({}, 10).map(({ taskId }) => taskId), ["old0"]);
  const many = (count: number, isHit: boolean) =>
    Array.from({ length: count }, (_, n) => pullRecord({ isHit, taskId: `${isHit}${n}`, startedAtMs: NOW + n }));
  store.add([...many(PULLS_MAX + 3, false), ...many(HITS_MAX + 5, true)], [], NOW);
  const kept = store.pulls({}, 1e6);
  assert.deepEqual([kept.filter(({ isHit }) => isHit).length, kept.length], [HITS_MAX, HITS_MAX + PULLS_MAX]);
  assert.deepEqual([store.pulls({ content: "old0" }, 1), store.pulls({ content: "false2" }, 1)], [[], []]);
  assert.equal(store.pulls({ content: "false3" }, 1).length, 1);
});

Deno.test("the last answer of a tag counts, until it is forgotten among very many", () => {
  using store = memoryStore();
  const answer = { registry: "r.io", repository: "team/app", tag: "v1", digest: "sha256:1", answeredAtMs: NOW };
  store.add([], [answer, { ...answer, digest: "sha256:2" }, { ...answer, tag: "v2" }], NOW);
  assert.deepEqual(store.tagAnswers(answer, 10)[0], { ...answer, digest: "sha256:2" });
  assert.deepEqual(store.tagAnswers({ ...answer, tag: "v3" }, 10), []);
  store.add([], Array.from({ length: 2_000 }, (_, n) => ({ ...answer, tag: `t${n}` })), NOW);
  assert.deepEqual(store.tagAnswers(answer, 10), []);
});

Deno.test("what a pull moved is owed once: to the requester what he got, and to nobody what seed peers fetch for others", () => {
  using store = memoryStore();
  store.add(
    [
      pullRecord({ originBytes: 10, peerBytes: 30, localBytes: 60 }),
      pullRecord({ originBytes: 100, isTriggered: true }),
      pullRecord({ originBytes: 7, error: "broken" }),
      pullRecord({ registry: "q.io", originBytes: 0, localBytes: 5, isHit: true }),
    ],
    [],
    NOW,
  );
  const statement = store.statement();
  assert.deepEqual(
    statement?.sums.map((
      { registry, hourMs, originBytes, peerBytes, localBytes, servedBytes, pulls },
    ) => [registry, hourMs, originBytes, peerBytes, localBytes, servedBytes, pulls]),
    [
      ["q.io", 500 * HOUR_MS, 0, 0, 5, 5, 1],
      ["r.io", 500 * HOUR_MS, 117, 30, 60, 100, 1],
    ],
  );
  assert.deepEqual([statement?.senderId, statement?.sequence], ["sender-1", 1]);
});

Deno.test("a statement stays the same until it was heard, over a restart too, and what comes meanwhile is in the next", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "pulls.db");
    {
      using store = new RecordStore(path, "sender-1");
      assert.equal(store.statement(), undefined);
      store.add([pullRecord({ startedAtMs: NOW })], [], NOW);
      assert.equal(store.statements(), 1);
      assert.equal(store.statement()?.sums[0]?.originBytes, 100);
      store.add([pullRecord({ originBytes: 1, startedAtMs: NOW })], [], NOW);
    }
    using store = new RecordStore(path, "sender-2");
    assert.equal(store.statements(), 2);
    const again = store.statement();
    assert.deepEqual([again?.senderId, again?.sequence, again?.sums[0]?.originBytes], ["sender-1", 1, 100]);
    store.settle(1);
    const next = store.statement();
    assert.deepEqual([next?.sequence, next?.sums[0]?.originBytes], [2, 1]);
    store.settle(2);
    assert.equal(store.statement(), undefined);
    assert.equal(store.pulls({}, 10).length, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("what could not be told for a month is owed no more", () => {
  using store = memoryStore();
  store.add([pullRecord()], [], 500 * HOUR_MS);
  store.add([], [], 500 * HOUR_MS + OWED_MS);
  assert.equal(store.statements(), 1);
  store.add([], [], 500 * HOUR_MS + OWED_MS + 1);
  assert.equal(store.statements(), 0);
});

Deno.test("what is owed is bounded: repositories beyond it are counted together, and nothing is lost", () => {
  using store = memoryStore();
  const records = Array.from({ length: OWED_ROWS_MAX + 50 }, (_, n) => pullRecord({ repository: `r${n}` }));
  store.add(records, [], NOW);
  store.add([pullRecord({ repository: "r7" })], [], NOW); // a known one has its row
  let [bytes, others] = [0, 0];
  assert.equal(store.statements(), (OWED_ROWS_MAX + STATEMENT_ROWS_MAX) / STATEMENT_ROWS_MAX, "with the others");
  for (let statement = store.statement(); statement !== undefined; statement = store.statement()) {
    assert.ok(statement.sums.length <= STATEMENT_ROWS_MAX);
    bytes += statement.sums.reduce((sum, { originBytes }) => sum + originBytes, 0);
    others += statement.sums.filter(({ repository }) => repository === OTHER_NAME).reduce(
      (sum, { pulls }) => sum + pulls,
      0,
    );
    store.settle(statement.sequence);
  }
  assert.deepEqual([bytes, others], [100 * (records.length + 1), 50]);
});

Deno.test("the bounds of pulls hold over restarts and after a failure, whatever comes one by one", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "pulls.db");
    const hit = (n: number, startedAtMs = NOW) => pullRecord({ isHit: true, taskId: `t${n}`, startedAtMs });
    const kept = (store: RecordStore) =>
      store.pulls({}, 1e6).map(({ taskId }) => Number(taskId.slice(1))).sort((a, b) => a - b);
    const last = (n: number) => Array.from({ length: HITS_MAX }, (_, k) => n - HITS_MAX + 1 + k);
    {
      using store = new RecordStore(path, "sender-1");
      store.add(Array.from({ length: HITS_MAX }, (_, n) => hit(n)), [], NOW);
    }
    using store = new RecordStore(path, "sender-1");
    store.add([hit(HITS_MAX)], [], NOW);
    assert.deepEqual(kept(store), last(HITS_MAX));
    assert.throws(() => store.add([hit(-1), hit(-2, NaN)], [], NOW), { code: "internal" });
    store.add([hit(HITS_MAX + 1)], [], NOW);
    assert.deepEqual(kept(store), last(HITS_MAX + 1), "what was not kept counts for nothing");
    store.add([hit(-3, NOW - KEPT_MS - 1), hit(HITS_MAX + 2)], [], NOW);
    store.add([hit(HITS_MAX + 3)], [], NOW);
    assert.deepEqual(kept(store), last(HITS_MAX + 3), "what was old counts for nothing");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
