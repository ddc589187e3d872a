import assert from "node:assert/strict";
import { realClock } from "../runtime/clock.ts";
import type { Tracer } from "../runtime/tracing.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../testing/otlp_receiver.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { openTracing, type TracingOptions } from "./open_tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function options(protocol: "grpc" | "http", endpoint: string): TracingOptions {
  const headers = { "X-Tenant": "a" };
  return { ...{ protocol, endpoint, headers, path: "/v1/custom" }, sampleRatio: 1, serviceName: "dfdaemon" };
}

function record(tracer: Tracer, count: number, events = 0): void {
  for (let index = 0; index < count; index++) {
    const span = tracer.begin(`pull ${index}`, { traceId: TRACE, kind: "server", attributes: { n: index, ok: true } });
    for (let number = 0; number < events; number++) span?.event("piece", { number });
    span?.end(index === 1 ? new Error("no") : undefined);
  }
}

function endpointOf(protocol: "grpc" | "http", collector: OtlpReceiver): string {
  return protocol === "grpc" ? collector.grpc : collector.http;
}

for (const protocol of ["grpc", "http"] as const) {
  Deno.test(`spans come to a collector over ${protocol}, with the headers that it wants`, async () => {
    await using collector = await startOtlpReceiver();
    const runtime = testRuntime();
    {
      await using tracer = openTracing(options(protocol, endpointOf(protocol, collector)), runtime);
      record(tracer, 2, 1);
    }
    assert.deepEqual(collector.spans.map(({ service, name }) => `${service} ${name}`), [
      "dfdaemon pull 0",
      "dfdaemon pull 1",
    ]);
    const [first, second] = collector.spans;
    assert.deepEqual([first?.traceId, first?.kind, first?.failure], [TRACE, 2, undefined]);
    assert.deepEqual(first?.attributes, { n: 0, ok: true });
    assert.deepEqual(first?.events, [{ name: "piece", attributes: { number: 0 } }]);
    assert.match(second?.failure ?? "", /no/);
    assert.equal(collector.headers[0]?.("x-tenant"), "a");
    if (protocol === "http") assert.equal(collector.headers[0]?.(":path"), "/v1/custom");
    assert.equal(runtime.metrics.value("damselfly_trace_spans_sent_total"), 2);
  });
}

for (const protocol of ["grpc", "http"] as const) {
  Deno.test(`spans of a message that a collector does not take are counted and told of once, over ${protocol}`, async () => {
    await using collector = await startOtlpReceiver();
    collector.refuses = 2;
    const runtime = testRuntime();
    const clock = realClock();
    {
      await using tracer = openTracing(options(protocol, endpointOf(protocol, collector)), runtime);
      record(tracer, 3);
      while (collector.headers.length === 0) await clock.sleep(20, new AbortController().signal);
      record(tracer, 3);
    }
    assert.equal(runtime.metrics.value("damselfly_trace_spans_sent_total"), 2);
    assert.equal(runtime.metrics.value("damselfly_trace_spans_dropped_total", { reason: "refused" }), 4);
    const warnings = runtime.log.lines.filter(({ level }) => level === "warn");
    assert.deepEqual(warnings.map(({ fields }) => fields["reason"]), ["too old"]);
  });
}

Deno.test("what a collector refuses is dropped, what it is too busy for comes again", async () => {
  await using collector = await startOtlpReceiver();
  for (const [status, taken, dropped] of [[400, 0, 3], [503, 3, 0]] as const) {
    collector.status = status;
    collector.spans.length = 0;
    const runtime = testRuntime();
    const asked = collector.headers.length;
    {
      await using tracer = openTracing(options("http", collector.http), runtime);
      record(tracer, 3);
      const clock = realClock();
      while (collector.headers.length === asked) await clock.sleep(20, new AbortController().signal);
      collector.status = 200;
    }
    assert.equal(collector.spans.length, taken);
    assert.equal(runtime.metrics.value("damselfly_trace_spans_dropped_total", { reason: "refused" }), dropped);
    assert.equal(runtime.log.lines.filter(({ level }) => level === "warn").length, 1);
  }
});

Deno.test("without a collector nobody waits, memory is bounded, and the end comes in time", async () => {
  const runtime = testRuntime();
  const clock = realClock();
  const startedAt = clock.now();
  {
    await using tracer = openTracing(options("grpc", "127.0.0.1:1"), runtime);
    record(tracer, 100, 1_000);
    assert.equal(runtime.metrics.value("damselfly_trace_spans_dropped_total", { reason: "full" }), 100 - 32);
  }
  assert.ok(clock.now() - startedAt < 15_000);
  assert.equal(runtime.metrics.value("damselfly_trace_spans_dropped_total", { reason: "ended" }), 32);
});
