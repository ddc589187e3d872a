import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { warmImageInput } from "../store/warm_conformance_test.ts";
import type { WarmImage, WarmImageInput } from "../store/warm_images.ts";
import * as steps from "./image_steps.ts";
import type { JobOutcome } from "./job_outcome.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIDNIGHT = Date.UTC(2026, 5, 1);
const DAILY = { cron: "0 2 * * *" };
const FOLLOWING = { followIntervalMs: 10 * MINUTE_MS };

const at = (nowMs: number): steps.Moment => ({ nowMs, random: seededRandom(1) });
const outcome = (state: JobOutcome["state"], error = "", isUnwanted = false): JobOutcome => {
  return { state, error, isUnwanted, failedHosts: new Map(), areAllListed: true };
};

/** A warm image as it begins at midnight, with what is said of it. */
function image(input: Partial<WarmImageInput>): WarmImage {
  const declaration = warmImageInput({ name: "app", ...input });
  const progress = { ...steps.firstProgress(declaration, { ...at(MIDNIGHT), newestMs: 0 }), ...input };
  return { ...declaration, ...progress, id: 1, revision: 1, createdAtMs: 0, updatedAtMs: 0 };
}

const patched = (before: WarmImage, patch: Partial<WarmImage> | undefined): WarmImage => ({ ...before, ...patch });

/** Whether a time lies so long after another one, give or take a tenth. */
function isAbout(atMs: number, sinceMs: number, waitMs: number): boolean {
  return atMs >= sinceMs + 0.9 * waitMs && atMs <= sinceMs + 1.1 * waitMs;
}

Deno.test("a new warm image waits for its time, and asks for the tag that it follows at once", () => {
  const daily = image(DAILY);
  assert.deepEqual([daily.runAtMs, daily.checkAtMs, daily.dueAtMs], [
    ...[MIDNIGHT + 2 * HOUR_MS, 0, MIDNIGHT + 2 * HOUR_MS],
  ]);
  const following = image({ ...DAILY, ...FOLLOWING });
  assert.deepEqual([following.checkAtMs, following.dueAtMs], [MIDNIGHT, MIDNIGHT]);
  const onJoin = image({ onJoin: true });
  assert.deepEqual([onJoin.dueAtMs, onJoin.declaredAtMs], [0, MIDNIGHT], "only hosts have to do with it");
  assert.equal(image({ ...DAILY, ...FOLLOWING, isPaused: true }).dueAtMs, 0);
});

Deno.test("what is due is one manager's for two minutes, and then the next one's", () => {
  const due = image({ ...DAILY, dueAtMs: MIDNIGHT });
  assert.equal(steps.claimed(due, MIDNIGHT - 1), undefined);
  const mine = patched(due, steps.claimed(due, MIDNIGHT));
  assert.equal(steps.claimed(mine, MIDNIGHT + steps.CLAIM_MS - 1), undefined);
  assert.notEqual(steps.claimed(mine, MIDNIGHT + steps.CLAIM_MS), undefined);
  assert.equal(steps.claimed(image({ onJoin: true }), MIDNIGHT), undefined, "it is never due");
});

Deno.test("a run goes before a check, and while a job runs or it is paused there is neither", () => {
  const both = image({ ...DAILY, ...FOLLOWING, runAtMs: MIDNIGHT, checkAtMs: MIDNIGHT });
  assert.equal(steps.stepOf(both, MIDNIGHT), "run");
  assert.equal(steps.stepOf({ ...both, runAtMs: MIDNIGHT + 1 }, MIDNIGHT), "check");
  assert.equal(steps.stepOf({ ...both, jobId: 7 }, MIDNIGHT), "nothing");
  assert.equal(steps.stepOf({ ...both, isPaused: true }, MIDNIGHT), "nothing");
  assert.equal(steps.stepOf({ ...both, runAtMs: 0, checkAtMs: 0 }, MIDNIGHT), "nothing");
});

Deno.test("after days in which no manager ran there is one run, and the next one at its time", () => {
  const nowMs = MIDNIGHT + 9 * 24 * HOUR_MS;
  const late = image(DAILY);
  assert.equal(steps.stepOf(late, nowMs), "run");
  const running = patched(late, steps.begun(late, 5, at(nowMs)));
  assert.deepEqual([running.jobId, running.runAtMs, running.lastRunAtMs], [5, nowMs + 2 * HOUR_MS, nowMs]);
  const over = patched(running, steps.looked(running, outcome("SUCCESS"), at(nowMs + MINUTE_MS)));
  assert.deepEqual([over.jobId, over.lastState, over.dueAtMs], [0, "SUCCESS", nowMs + 2 * HOUR_MS]);
});

Deno.test("a run whose time comes while the one before runs is left out and counted", () => {
  const nowMs = MIDNIGHT + 2 * HOUR_MS;
  const running = image({ ...DAILY, jobId: 5 });
  const before = patched(running, steps.looked(running, outcome("PENDING"), at(nowMs - 1)));
  assert.deepEqual([before.skipped, before.dueAtMs], [0, nowMs - 1 + steps.WATCH_MS], "it is watched");
  const after = patched(before, steps.looked(before, outcome("PENDING"), at(nowMs)));
  assert.deepEqual([after.skipped, after.jobId, after.runAtMs], [1, 5, nowMs + 24 * HOUR_MS]);
});

Deno.test("a run that fails is tried again, less and less often, until its own time comes or one succeeds", () => {
  let failing = image({ cron: "0 0 1 1 *" });
  let nowMs = MIDNIGHT;
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    const running = patched(failing, steps.begun(failing, 5, at(nowMs)));
    failing = patched(running, steps.looked(running, outcome("FAILURE", "no room"), at(nowMs)));
    assert.ok(isAbout(failing.runAtMs, nowMs, minutes * MINUTE_MS), `after ${minutes} minutes`);
    assert.deepEqual([failing.lastState, failing.runError, failing.dueAtMs], ["FAILURE", "no room", failing.runAtMs]);
    nowMs = failing.runAtMs;
  }
  const soon = image({ ...DAILY, jobId: 5, runFailures: 9 });
  const [tick, justBefore] = [MIDNIGHT + 2 * HOUR_MS, MIDNIGHT + 2 * HOUR_MS - 1];
  assert.equal(patched(soon, steps.looked(soon, outcome("FAILURE", "x"), at(justBefore))).runAtMs, tick);
  const good = patched(soon, steps.looked(soon, outcome("SUCCESS"), at(MIDNIGHT)));
  assert.deepEqual([good.runFailures, good.runError, good.runAtMs], [0, "", tick]);
});

Deno.test("a job that somebody removed is not ordered again before its time", () => {
  const running = image({ ...DAILY, jobId: 5 });
  const after = patched(running, steps.looked(running, outcome("FAILURE", "It was removed", true), at(MIDNIGHT)));
  assert.deepEqual([after.jobId, after.lastState, after.runError, after.runFailures], [
    0,
    "FAILURE",
    "It was removed",
    0,
  ]);
  assert.equal(after.dueAtMs, MIDNIGHT + 2 * HOUR_MS);
});

Deno.test("an order that nobody takes is a failure like another", () => {
  const refused = image({ ...DAILY, ...steps.refused(image(DAILY), "no scheduler", at(MIDNIGHT)) });
  assert.deepEqual([refused.lastState, refused.runError, refused.runFailures], ["FAILURE", "no scheduler", 1]);
  assert.ok(isAbout(refused.runAtMs, MIDNIGHT, MINUTE_MS));
});

Deno.test("a digest that is new is run at once, and the same one waits for the next question", () => {
  const fresh = image(FOLLOWING);
  const first = patched(fresh, steps.checked(fresh, { digest: "sha256:1" }, at(MIDNIGHT)));
  assert.deepEqual([steps.stepOf(first, MIDNIGHT), first.seenDigest, first.warmDigest], ["run", "sha256:1", ""]);
  assert.ok(first.dueAtMs > MIDNIGHT, "it stays the claimer's");
  const running = patched(first, steps.begun(first, 5, at(MIDNIGHT)));
  const warm = patched(running, steps.looked(running, outcome("SUCCESS"), at(MIDNIGHT)));
  assert.deepEqual([warm.warmDigest, warm.runAtMs], ["sha256:1", 0]);
  assert.ok(isAbout(warm.checkAtMs, MIDNIGHT, FOLLOWING.followIntervalMs));
  assert.equal(warm.dueAtMs, warm.checkAtMs);
  const same = patched(warm, steps.checked(warm, { digest: "sha256:1" }, at(warm.checkAtMs)));
  assert.equal(steps.stepOf(same, warm.checkAtMs), "nothing");
  const unwarmed = { ...warm, warmDigest: "sha256:0" };
  const { runAtMs } = steps.checked(unwarmed, { digest: "sha256:1" }, at(MIDNIGHT));
  assert.equal(runAtMs, undefined, "what failed is tried again by its own time, not with each question");
  assert.equal(steps.stepOf(patched(same, steps.checked(same, { digest: "sha256:2" }, at(MIDNIGHT))), MIDNIGHT), "run");
});

Deno.test("a registry that is down is asked less and less often, and its fault runs nothing", () => {
  let down = image({ ...FOLLOWING, seenDigest: "sha256:1" });
  let nowMs = MIDNIGHT;
  for (const minutes of [20, 40, 60, 60]) {
    down = patched(down, steps.checked(down, { error: "503" }, at(nowMs)));
    assert.ok(isAbout(down.checkAtMs, nowMs, minutes * MINUTE_MS), `after ${minutes} minutes`);
    assert.deepEqual([steps.stepOf(down, nowMs), down.checkError, down.seenDigest], ["nothing", "503", "sha256:1"]);
    nowMs = down.checkAtMs;
  }
  const up = patched(down, steps.checked(down, { digest: "sha256:1" }, at(nowMs)));
  assert.deepEqual([up.checkFailures, up.checkError], [0, ""]);
  const seldom = image({ followIntervalMs: 5 * HOUR_MS });
  const { checkAtMs = 0 } = steps.checked(seldom, { error: "503" }, at(MIDNIGHT));
  assert.ok(isAbout(checkAtMs, MIDNIGHT, 5 * HOUR_MS), "never more often than it is asked when it is up");
});

Deno.test("a change begins anew only what it is about", () => {
  const nothing = { args: false, cron: false, follow: false, hosts: false, isPaused: false };
  const nowMs = MIDNIGHT + HOUR_MS;
  const retrying = image({ ...DAILY, ...FOLLOWING, runAtMs: nowMs + 5, checkAtMs: nowMs + 9, seenDigest: "sha256:1" });
  const redeclared = (changed: Partial<steps.Redeclared>) => {
    return steps.redeclared(retrying, { ...nothing, ...changed }, { ...at(nowMs), newestMs: 0 });
  };
  assert.deepEqual(redeclared({}), {}, "another bio");
  assert.deepEqual(redeclared({ cron: true }), { runAtMs: MIDNIGHT + 2 * HOUR_MS, dueAtMs: nowMs + 9 });
  assert.deepEqual(redeclared({ follow: true }), { checkAtMs: nowMs, dueAtMs: nowMs });
  assert.deepEqual(redeclared({ hosts: true }), { declaredAtMs: nowMs, dueAtMs: nowMs + 5 });
  const { runAtMs, checkAtMs, declaredAtMs, seenDigest, runFailures } = redeclared({ args: true });
  assert.deepEqual([runAtMs, checkAtMs, declaredAtMs, seenDigest, runFailures], [
    ...[MIDNIGHT + 2 * HOUR_MS, nowMs, nowMs, "", 0],
  ]);
  const resumed = redeclared({ isPaused: true });
  assert.deepEqual([resumed.runAtMs, resumed.declaredAtMs, resumed.seenDigest], [
    ...[MIDNIGHT + 2 * HOUR_MS, nowMs, undefined],
  ]);
});

Deno.test("who wants a run now gets it, and a warm image without room waits its turn", () => {
  const idle = image(DAILY);
  assert.deepEqual(steps.runNow(idle, at(MIDNIGHT)), { runAtMs: MIDNIGHT, dueAtMs: MIDNIGHT });
  assert.deepEqual(steps.postponed(at(MIDNIGHT)), { dueAtMs: MIDNIGHT + steps.WATCH_MS });
});

Deno.test("a warm image remembers its last ten jobs", () => {
  let running = image(DAILY);
  for (let id = 1; id <= 12; id++) running = patched(running, steps.begun(running, id, at(MIDNIGHT)));
  assert.deepEqual(running.jobIds, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});
