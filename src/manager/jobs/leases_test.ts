import assert from "node:assert/strict";
import type { JobLease } from "../store/job_queue.ts";
import { LeaseWatch, LOST_AFTER_MS, UNHEARD_MAX_MS } from "./leases.ts";

const WALL_MS = 1_000;

function lease(jobId: number, input: Partial<JobLease> = {}): JobLease {
  return { jobId, owner: "", beat: 0, deadlineMs: WALL_MS + 1, cancelledBy: "", ...input };
}

/** The ids that `me` takes of some leases at a time. */
function choose(watch: LeaseWatch, leases: readonly JobLease[], nowMs = 0, places = 10): number[] {
  const chosen = watch.choose(leases, { owner: "me", nowMs, wallMs: WALL_MS, places });
  return chosen.map(({ jobId }) => jobId);
}

Deno.test("the oldest jobs that wait are taken, as many as there are places", () => {
  const waiting = [lease(1), lease(2), lease(3, { owner: "other" }), lease(4)];
  assert.deepEqual(choose(new LeaseWatch(), waiting), [1, 2, 4]);
  assert.deepEqual(choose(new LeaseWatch(), waiting, 0, 2), [1, 2]);
  assert.deepEqual(choose(new LeaseWatch(), waiting, 0, 0), []);
});

Deno.test("a job that only has to be ended needs no place, and is still its owner's to end", () => {
  const over = [
    lease(1, { cancelledBy: "ada" }),
    lease(2, { deadlineMs: WALL_MS }),
    lease(3, { cancelledBy: "ada", owner: "other" }),
    lease(4),
  ];
  assert.deepEqual(choose(new LeaseWatch(), over, 0, 0), [1, 2]);
  assert.deepEqual(choose(new LeaseWatch(), over, 0, 1), [1, 2, 4]);
});

Deno.test("a job of another manager is taken once its beat has stood still for long enough, and not before", () => {
  const watch = new LeaseWatch();
  const at = (nowMs: number, beat: number, owner = "other") => choose(watch, [lease(1, { owner, beat })], nowMs);
  assert.deepEqual(at(0, 7), []);
  assert.deepEqual(at(LOST_AFTER_MS - 1, 7), []);
  assert.deepEqual(at(LOST_AFTER_MS, 8), [], "it moved");
  assert.deepEqual(at(2 * LOST_AFTER_MS - 1, 8), []);
  assert.deepEqual(at(2 * LOST_AFTER_MS, 8, "third"), [], "another one has it now");
  assert.deepEqual(at(3 * LOST_AFTER_MS, 8, "third"), [1]);
  assert.ok(UNHEARD_MAX_MS < LOST_AFTER_MS, "its manager has let go before");
});

Deno.test("a job that went away and came back is watched from anew", () => {
  const watch = new LeaseWatch();
  const held = [lease(1, { owner: "other" })];
  assert.deepEqual(choose(watch, held, 0), []);
  assert.deepEqual(choose(watch, [], 1), []);
  assert.deepEqual(choose(watch, held, LOST_AFTER_MS), []);
});

Deno.test("a job that a manager has but does not run may begin again", () => {
  assert.deepEqual(choose(new LeaseWatch(), [lease(1, { owner: "me" })]), [1]);
});
