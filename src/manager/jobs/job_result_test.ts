import assert from "node:assert/strict";
import { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { endedTasks, jobResult, progressOf, type TaskState, withoutFailures } from "./job_result.ts";

const url = "https://files.corp/a";

function task(clusterId: number, input: Partial<TaskState> = {}): TaskState {
  return {
    uuid: `task_${clusterId}`,
    state: "SUCCESS",
    error: "",
    results: [{ scheduler_cluster_id: clusterId }],
    ...input,
  };
}

function resultOf(tasks: readonly TaskState[]) {
  return jobResult({ taskId: "group", type: "preheat", createdAtMs: 0, nowMs: 0, tasks });
}

Deno.test("a preheat counts contents that a host has, and hosts that are known, each once", () => {
  const progress = progressOf("preheat", 1, 3);
  progress.add(HostResult.create({ url })); // a stock scheduler does not say which host
  assert.equal(progress.results(1_000)["expected_count"], 0);
  progress.add(HostResult.create({ url, hostId: "h1", hostname: "h1", ip: "10.0.0.1", answerCount: 4 }));
  progress.add(HostResult.create({ url, hostId: "h1", hostname: "h1", ip: "10.0.0.1", error: "full" }));
  progress.add(HostResult.create({ url: `${url}b`, hostId: "h2", hostname: "h1", ip: "10.0.0.1", error: "slow" }));
  const { content_count, content_done_count, host_count, success_count, failure_count, expected_count } = progress
    .results(1_000);
  assert.equal(expected_count, 12, "of each of three orders four answers");
  assert.deepEqual([content_count, content_done_count, host_count, success_count, failure_count], [2, 1, 2, 2, 2]);
  assert.equal(progress.failure, "1 of 2 contents could be fetched by no host: slow");
});

Deno.test("of the parts of a result those that are over are known again, and those that failed can be left out", () => {
  const parts = [task(1), task(2, { state: "FAILURE", error: "full" }), task(3, { state: "PENDING" })];
  const { state, result } = resultOf(parts);
  assert.equal(state, "PENDING");
  assert.deepEqual([...endedTasks(result)], [[1, parts[0]], [2, parts[1]]]);
  const left = withoutFailures(result);
  assert.deepEqual([...endedTasks(left).keys()], [1]);
  assert.deepEqual([left["state"], left["group_uuid"]], ["PENDING", "group"]);
});

Deno.test("a result that somebody else wrote has no parts that are over", () => {
  for (const result of [{}, { job_states: "none" }, { job_states: [null, { state: "SUCCESS", results: [] }] }]) {
    assert.deepEqual([...endedTasks(result)], []);
    assert.deepEqual(withoutFailures(result)["job_states"], []);
  }
});
