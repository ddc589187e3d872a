import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { DamselflyError } from "../../src/core/error.ts";
import { jsonLog, type Log, type LogFields } from "../../src/runtime/log.ts";
import { type Metrics, realMetrics } from "../../src/runtime/metrics.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { MemoryMetrics } from "../../src/testing/memory_metrics.ts";

/** The series of an exposition by `name{labels}`, without the comments. */
async function seriesOf(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.expose()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

function testMetrics(promise: string, run: (metrics: Metrics) => Promise<void> | void): void {
  const twins: Record<string, () => Metrics> = { real: realMetrics, memory: () => new MemoryMetrics() };
  for (const [kind, open] of Object.entries(twins)) Deno.test(`${kind} metrics: ${promise}`, () => run(open()));
}

testMetrics("counters and gauges are exposed by name and labels, with what was counted", async (metrics) => {
  const pieces = metrics.counter("pieces_total", "Pieces.", ["type"]);
  pieces.inc({ type: "REMOTE_PEER" });
  pieces.inc({ type: "REMOTE_PEER" }, 2);
  pieces.inc({ type: "LOCAL_PEER" });
  const waiting = metrics.gauge("waiting", "Waiting.");
  waiting.inc();
  waiting.set({}, 7);
  waiting.dec({}, 2);
  waiting.inc({}, 1);
  assert.deepEqual(Object.fromEntries(await seriesOf(metrics)), {
    'pieces_total{type="LOCAL_PEER"}': 1,
    'pieces_total{type="REMOTE_PEER"}': 3,
    waiting: 6,
  });
});

testMetrics("asking twice for a name gives the same metric", async (metrics) => {
  metrics.counter("calls_total", "Calls.", ["code"]).inc({ code: 200 });
  metrics.counter("calls_total", "Calls.", ["code"]).inc({ code: 200 });
  assert.equal((await seriesOf(metrics)).get('calls_total{code="200"}'), 2);
});

testMetrics("mistakes of the caller are not counted but thrown", async (metrics) => {
  const calls = metrics.counter("calls_total", "Calls.", ["code"]);
  assert.throws(() => calls.inc({ cdoe: 200 }), "a label that was not named");
  assert.throws(() => calls.inc({ code: 200 }, -1), "a counter that shrinks");
  assert.throws(() => metrics.gauge("calls_total", "Calls.", ["code"]), "a name for two kinds");
  assert.throws(() => metrics.histogram("times", "Times.", [1], ["path"]).observe({ code: 1 }, 1));
  assert.equal((await seriesOf(metrics)).get('calls_total{code="200"}'), undefined);
});

interface Twin extends Disposable {
  readonly log: Log;
  /** What was written so far: level, message, and the facts besides. */
  lines(): { level: string; message: string; fields: LogFields }[];
}

function realTwin(): Twin {
  const path = Deno.makeTempFileSync();
  const fd = openSync(path, "w");
  return {
    log: jsonLog("test", { fd, level: "debug" }),
    lines: () =>
      readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => {
        const { level, msg: message, time, component, ...fields } = JSON.parse(line);
        assert.ok(!Number.isNaN(Date.parse(time)));
        assert.equal(component, "test");
        return { level, message, fields };
      }),
    [Symbol.dispose]() {
      closeSync(fd);
      Deno.removeSync(path);
    },
  };
}

function memoryTwin(): Twin {
  const log = new MemoryLog();
  return { log, lines: () => log.lines, [Symbol.dispose]() {} };
}

for (const [kind, open] of Object.entries({ real: realTwin, memory: memoryTwin })) {
  Deno.test(`${kind} log: a line has its level, its message, its facts and those of its log`, () => {
    using twin = open();
    twin.log.debug("a");
    twin.log.info("b", { count: 1 });
    const child = twin.log.child({ taskId: "t" }).child({ peerId: "p" });
    child.warn("c", { list: [1] });
    child.error("d", { taskId: "other" });
    assert.deepEqual(twin.lines(), [
      { level: "debug", message: "a", fields: {} },
      { level: "info", message: "b", fields: { count: 1 } },
      { level: "warn", message: "c", fields: { taskId: "t", peerId: "p", list: [1] } },
      { level: "error", message: "d", fields: { taskId: "other", peerId: "p" } },
    ]);
  });
}

Deno.test("the log on disk leaves out what stands under a secret's key, at any depth, in errors and in children", () => {
  using twin = realTwin();
  const details = { message: "denied", header: { "set-cookie": "SECRET", "content-type": "text/html" } };
  const cause = new DamselflyError("source_error", "The origin refused", { details });
  const error = new DamselflyError("unavailable", "Cannot pull", {
    cause,
    details: { requestHeader: { Cookie: "SECRET" } },
  });
  twin.log.info("a", { headers: { Authorization: "SECRET", "proxy-authorization": "SECRET", accept: "all" } });
  twin.log.info("b", {
    request: { options: { headers: [{ COOKIE: "SECRET" }] } },
    password: "SECRET",
    token: "SECRET",
  });
  twin.log.warn("c", { error });
  twin.log.warn("d", { why: { error } });
  twin.log.child({ authorization: "SECRET", objectStorage: { accessKeySecret: "SECRET" } }).info("e");
  const lines = twin.lines();
  assert.equal(lines.length, 5);
  const text = JSON.stringify(lines);
  assert.doesNotMatch(text, /SECRET/);
  for (const kept of ["accept", "all", "Cannot pull", "The origin refused", "text/html", "source_error"]) {
    assert.ok(text.includes(kept), `${kept} is still there`);
  }
});

Deno.test("facts that contain themselves are logged as far as they go", () => {
  using twin = realTwin();
  const facts: Record<string, unknown> = { name: "loop" };
  facts["self"] = facts;
  twin.log.info("a", facts);
  assert.equal(twin.lines()[0]?.fields["name"], "loop");
});
