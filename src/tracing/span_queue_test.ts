import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { ExportTraceServiceRequest } from "../rpc/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { MemoryMetrics } from "../testing/memory_metrics.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import type { RefusedSpans } from "./collector.ts";
import { Recorder } from "./span.ts";
import { SpanQueue } from "./span_queue.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

/** A queue before a collector that does as the test wants, and what it was sent: names of spans by message. */
function open(send: (message: ExportTraceServiceRequest, signal: AbortSignal) => Promise<RefusedSpans | void>) {
  const [clock, log, metrics] = [new VirtualClock(), new MemoryLog(), new MemoryMetrics()];
  const messages: number[] = [];
  const sizes: number[] = [];
  const collector = {
    send: async (message: ExportTraceServiceRequest, signal: AbortSignal) => {
      const refused = await send(message, signal);
      messages.push(message.resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0);
      sizes.push(ExportTraceServiceRequest.encode(message).finish().length);
      return refused ?? { count: 0, reason: "" };
    },
    [Symbol.dispose]() {},
  };
  const queue = new SpanQueue({ collector, resource: {}, clock, log, metrics });
  const recorder = new Recorder({ clock, random: seededRandom(1), sampleRatio: 1, onEnd: (span) => queue.add(span) });
  const record = (count: number, events: number, text?: string) => {
    for (let index = 0; index < count; index++) {
      const span = recorder.begin("pull", { traceId: TRACE, attributes: { "http.url": text, "http.host": text } });
      for (let number = 0; number < events; number++) span.event("piece", { number, parent: text });
      span.end(text);
    }
  };
  const dropped = (reason: string) => metrics.value("damselfly_trace_spans_dropped_total", { reason });
  return { queue, clock, log, messages, sizes, record, dropped };
}

Deno.test("messages are of a bounded size, and what was sent makes room again", async () => {
  const { queue, clock, messages, record, dropped } = open(() => Promise.resolve());
  await using _queue = queue;
  for (let round = 1; round <= 3; round++) {
    record(32, 1_000);
    assert.equal(dropped("full"), 0, `round ${round}`);
    await clock.advance(2_000);
    assert.equal(messages.length, round * 8);
  }
  assert.ok(messages.every((count) => count === 4));
});

Deno.test("whatever the texts of spans, messages are of a size that collectors take, and what waits is bounded", async () => {
  const { queue, clock, messages, sizes, record, dropped } = open(() => Promise.resolve());
  await using _queue = queue;
  for (const [count, events, length] of [[2_000, 0, 5_000], [4_000, 0, 250], [8, 1_000, 100]] as const) {
    record(count, events, "\u00e9".repeat(length));
    await clock.advance(2_000);
  }
  messages.length = 0;
  record(3, 1_000, "x".repeat(1_024)); // long texts of events count as well
  await clock.advance(2_000);
  assert.deepEqual(messages, [1, 1, 1]);
  assert.ok(sizes.every((size) => size < 4_194_304), sizes.join());
  const before = dropped("full");
  record(3_000, 0, "x".repeat(1_024));
  assert.equal(dropped("full") - before, 3_000 - Math.floor(32_768 / 13));
});

Deno.test("a collector that is away is told of once, asked again, and gets all when it is back", async () => {
  let isAway = true;
  const { queue, clock, log, messages, record, dropped } = open(() => {
    return isAway ? Promise.reject(new DamselflyError("unavailable", "It is down")) : Promise.resolve();
  });
  await using _queue = queue;
  record(3, 0);
  for (let round = 0; round < 3; round++) await clock.advance(2_000);
  assert.deepEqual([messages, log.lines.map(({ level }) => level)], [[], ["warn"]]);
  isAway = false;
  await clock.advance(2_000);
  assert.deepEqual([messages, dropped("full"), log.lines.length], [[3], 0, 2]);
});

Deno.test("a collector that hangs holds the end of a process up for two seconds, no longer", async () => {
  const { queue, clock, record, dropped } = open((_message, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  record(3, 0);
  let isOver = false;
  const ending = queue[Symbol.asyncDispose]().then(() => isOver = true);
  await clock.advance(1_999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await ending;
  record(2, 0);
  assert.equal(dropped("ended"), 5);
});

Deno.test("spans that cannot be sent for a fault of our own are dropped, and those behind them go", async () => {
  let faults = 1;
  const { queue, clock, messages, record, dropped } = open(() => {
    if (faults-- > 0) throw new RangeError("Value is larger than Number.MAX_SAFE_INTEGER");
    return Promise.resolve();
  });
  await using _queue = queue;
  record(5, 0);
  await clock.advance(2_000);
  record(2, 0);
  await clock.advance(2_000);
  assert.deepEqual([messages, dropped("refused")], [[2], 5]);
});
