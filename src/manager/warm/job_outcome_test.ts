import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { Job } from "../store/jobs.ts";
import { jobOutcomeOf, shownError } from "./job_outcome.ts";
import { ended } from "./warm_stage_test.ts";

const failure = { hostname: "node-1", ip: "10.0.0.1", description: "its disk is full", url: "https://r/v2/a" };

Deno.test("a job is pending until its state says that it has ended", () => {
  for (const state of ["PENDING", "RECEIVED", "STARTED", "RETRY"] as const) {
    assert.equal(jobOutcomeOf({ ...ended("", [failure]), state }).state, "PENDING");
  }
  assert.equal(jobOutcomeOf(ended()).state, "SUCCESS");
});

Deno.test("hosts on which a job failed are named though it has succeeded, and it is known whether they are all", () => {
  const outcome = jobOutcomeOf(ended("", [failure, failure]));
  assert.deepEqual([outcome.state, outcome.error, outcome.areAllListed], ["SUCCESS", "", true]);
  assert.deepEqual([...outcome.failedHosts], [["10.0.0.1 node-1", "its disk is full"]]);
  const result = { job_states: [{ error: "", results: [{ failure_tasks: [failure], failure_count: 2 }] }] };
  assert.equal(jobOutcomeOf({ state: "SUCCESS", result }).areAllListed, false);
  for (const other of [{ job_states: 5 }, { job_states: [{ results: [{ failure_tasks: "x" }] }] }]) {
    assert.equal(
      jobOutcomeOf({ state: "SUCCESS", result: other } as Pick<Job, "state" | "result">).areAllListed,
      false,
    );
  }
});

Deno.test("why a job failed is told, of several parts the first reason", () => {
  const result = { job_states: [{ error: "" }, { error: "no seed peer" }, { error: "other" }] };
  assert.equal(jobOutcomeOf({ state: "FAILURE", result }).error, "no seed peer");
  assert.equal(jobOutcomeOf({ state: "FAILURE", result: {} }).error, "It does not say why");
});

Deno.test("who cancels or removes a job does not want it", () => {
  assert.equal(jobOutcomeOf(ended("no room")).isUnwanted, false);
  assert.equal(jobOutcomeOf(ended("The job was cancelled by user root")).isUnwanted, true);
  const gone = jobOutcomeOf(undefined);
  assert.deepEqual([gone.state, gone.isUnwanted], ["FAILURE", true]);
  assert.match(gone.error, /was removed/);
});

Deno.test("a reason is shown without secrets, and not at any length", () => {
  const error = new DamselflyError("source_error", "https://me:hush@r.corp/v2?X-Amz-Signature=hush says no");
  assert.equal(shownError(error), "https://******@r.corp/v2?X-Amz-Signature=****** says no");
  assert.equal(shownError(new Error("x".repeat(5_000))).length, 1_000);
  assert.equal(jobOutcomeOf(ended("x".repeat(5_000))).error.length, 1_000);
});
