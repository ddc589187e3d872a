import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { waitForJob } from "./job_wait.ts";

const AWAY = new DamselflyError("unavailable", "Cannot reach the manager");
const HOUR_MS = 60 * 60_000;

/** The row of a preheat; `expected` is how many answers it will have. */
function row(state: string, done: number, failed = 0, error = "", expected = 0) {
  const failure_tasks = Array.from({ length: failed }, (_, index) => ({
    ...{ url: `http://reg/${index}`, hostname: "node\x1b[2J", ip: "10.0.0.1", description: "disk full" },
  }));
  const results = [{ success_count: done, failure_count: failed, failure_tasks }];
  return {
    ...{ id: 7, type: "preheat", state, bio: "", created_at: "", updated_at: "" },
    result: { job_states: [{ state, error, results }], progress: { expected_count: expected } },
  };
}

/** Waits for job 7 with a manager that answers as `answer` does in each second. */
async function waited(answer: (seconds: number) => unknown, { isTty = false, forMs = HOUR_MS, json = false } = {}) {
  const clock = new VirtualClock();
  let [output, errors, asked] = ["", "", 0];
  const terminal = {
    isTty,
    print: (text: string) => void (output += text),
    printError: (text: string) => void (errors += text),
  };
  const manager = {
    send: (_method: string, path: string) => {
      assert.equal(path, "jobs/7");
      asked += 1;
      return Promise.try(() => answer(Math.floor(clock.now() / 1000)));
    },
  };
  const input = { isTty: false, readHiddenLine: () => Promise.resolve(""), readAll: () => Promise.resolve("") };
  const context = { runtime: testRuntime({ clock }), terminal, input, signal: new AbortController().signal };
  const ended = waitForJob(context, manager, { id: 7, timeoutMs: forMs, json }).catch((error) => error as Error);
  await clock.advance(2 * HOUR_MS);
  assert.equal(clock.pendingTimers, 0, "a timer is left");
  return { end: await ended, output, errors, asked };
}

Deno.test("where nobody watches, a line is written when something has changed, and every ten seconds at most", async () => {
  const { end, output, errors } = await waited((seconds) => {
    return seconds < 60 ? row("PENDING", Math.min(seconds, 25)) : row("SUCCESS", 30);
  });
  assert.equal(end, 0);
  assert.deepEqual(errors.match(/\d+ done/g), ["0 done", "10 done", "20 done", "25 done"]);
  assert.equal(output, "Job 7: SUCCESS, 30 done, 0 failed, waited 60.50 s\n");
});

Deno.test("on a terminal one line is rewritten, and taken away at the end", async () => {
  const { errors } = await waited((seconds) => seconds < 3 ? row("PENDING", seconds) : row("SUCCESS", 3), {
    isTty: true,
  });
  const shown = [[0, "0 ms"], [0, "100 ms"], [0, "300 ms"], [0, "700 ms"], [1, "1.50 s"], [2, "2.50 s"]]
    .map(([done, time]) => `Job 7: PENDING, ${done} done, 0 failed, ${time}`);
  assert.deepEqual(errors.split("\r\x1b[2K"), ["", ...shown, ""]);
});

Deno.test("a bar shows how far a job is whose end is known", async () => {
  const answer = (seconds: number) => seconds < 2 ? row("PENDING", seconds, 1, "", 4) : row("SUCCESS", 3, 1, "", 4);
  const { errors } = await waited(answer, { isTty: true });
  assert.match(errors, /\[=======> +\] +25% Job 7: PENDING, 0 of 4 done, 1 failed/);
  assert.match(errors, /\[=+> +\] +50% Job 7: PENDING, 1 of 4 done, 1 failed/);
  assert.match((await waited(answer)).errors, /^Job 7: PENDING, 0 of 4 done, 1 failed\n/);
});

Deno.test("a job that failed says why, host by host, and no host can steer the terminal", async () => {
  const { end, errors, output } = await waited(() => row("FAILURE", 1, 12, "12 of 13 contents"));
  assert.equal(end, 1);
  const lines = errors.trimEnd().split("\n");
  assert.deepEqual([lines.length, lines[0], lines[1], lines.at(-1)], [
    ...[12, "12 of 13 contents", "node?[2J http://reg/0: disk full", "… and 2 more"],
  ]);
  assert.match(output, /^Job 7: FAILURE, 1 done, 12 failed/);
  assert.equal(JSON.parse((await waited(() => row("SUCCESS", 1), { json: true })).output).state, "SUCCESS");
});

Deno.test("a manager may be away for a minute, as during a restart, and not for longer", async () => {
  const back = await waited((seconds) => {
    if (seconds >= 2 && seconds < 60) throw AWAY;
    return seconds < 60 ? row("PENDING", 0) : row("SUCCESS", 1);
  });
  assert.equal(back.end, 0);
  const gone = await waited((seconds) => {
    if (seconds >= 2) throw AWAY;
    return row("PENDING", 0);
  });
  assert.deepEqual([gone.end, gone.asked], [AWAY, 67]);
  const deleted = new DamselflyError("not_found", "Cannot find job 7");
  const other = await waited(() => {
    throw deleted;
  });
  assert.deepEqual([other.end, other.asked], [deleted, 1], "what is no matter of time is told at once");
});

Deno.test("who waits no longer learns that the job goes on", async () => {
  const { end } = await waited(() => row("PENDING", 0), { forMs: 5_000 });
  assert.ok(end instanceof DamselflyError);
  assert.deepEqual([end.code, /^Job 7 goes on: dfctl job wait 7/.test(end.message)], ["timeout", true]);
});
