/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { hostsOf, partsOf, progressOf } from "./job.ts";

const RESULT = {
  progress: { expected_count: 9 },
  job_states: [
    {
      state: "FAILURE",
      error: "no host",
      results: [{
        ...{ scheduler_cluster_id: 2, success_count: 5, failure_count: 1, content_count: 3 },
        success_tasks: [{ url: "u", hostname: "h", ip: "1.1.1.1" }],
        failure_tasks: [{ url: "u", hostname: "g", ip: "2.2.2.2", description: "refused" }],
        contents: [{ url: "u", success_count: 1, failure_count: 1 }],
      }],
    },
    { state: "STARTED", results: [] },
  ],
};

Deno.test("what a job's row counts is shown, also where its lists were cut short", () => {
  assert.deepEqual(progressOf({ result: RESULT }), { done: 5, failed: 1, expected: 9 });
  const [first, second] = partsOf({ result: RESULT });
  assert.deepEqual([first?.clusterId, first?.state, first?.error], [2, "FAILURE", "no host"]);
  assert.deepEqual([first?.successes.length, first?.successCount, first?.contentCount], [1, 5, 3]);
  assert.equal(first?.failures[0]?.description, "refused");
  assert.deepEqual([second?.clusterId, second?.state, second?.error], [undefined, "PENDING", ""]);
});

Deno.test("what became of each content is added up for each host, and where something failed stands first", () => {
  const [first] = partsOf({ result: RESULT });
  assert.equal(first?.hostCount, 2, "counted by the lists, where the row does not say");
  const at = (hostname: string) => ({ url: "u", hostname, ip: "10.0.0.1" });
  assert.deepEqual(
    hostsOf({ successes: [at("a"), at("b"), at("a")], failures: [at("c"), at("b")] })
      .map(({ hostname, done, failed }) => [hostname, done, failed]),
    [["c", 0, 1], ["b", 1, 1], ["a", 2, 0]],
  );
});

Deno.test("a job of a stock manager is counted by its lists, and one without a result has nothing yet", () => {
  const result = { job_states: [{ state: "SUCCESS", results: [{ success_tasks: [{}, {}], failure_tasks: null }] }] };
  assert.deepEqual(progressOf({ result }), { done: 2, failed: 0, expected: 0 });
  for (const nothing of [null, undefined, {}, { job_states: "x" }]) {
    assert.deepEqual(partsOf({ result: nothing }), []);
    assert.deepEqual(progressOf({ result: nothing }), { done: 0, failed: 0, expected: 0 });
  }
});
