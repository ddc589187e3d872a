import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DamselflyError } from "../core/error.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { type FinishedSpan, Recorder } from "./span.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function recorder(sampleRatio = 1) {
  const ended: FinishedSpan[] = [];
  const clock = new VirtualClock();
  const parts = { clock, random: seededRandom(1), sampleRatio, onEnd: (span: FinishedSpan) => void ended.push(span) };
  return { recorder: new Recorder(parts), ended, clock };
}

Deno.test("a step knows its parent, its time, its facts, and why it failed", async () => {
  const { recorder: tracer, ended, clock } = recorder();
  const root = tracer.begin("pull", { traceId: TRACE, kind: "server", attributes: { task_id: "t", tag: undefined } });
  const child = root.child("ask", { kind: "client" });
  await clock.advance(20);
  child.event("piece", { number: 3 });
  child.end(new DamselflyError("unavailable", "It is down"));
  root.end();
  const [first, second] = ended;
  assert.equal(first?.parentSpanId, root.context.spanId);
  assert.equal(first?.context.traceId, TRACE);
  assert.equal(first?.failure, "It is down");
  assert.equal((first?.endMs ?? 0) - (first?.startMs ?? 0), 20);
  assert.deepEqual(first?.events.map(({ name, atMs }) => [name, atMs - (first?.startMs ?? 0)]), [["piece", 20]]);
  assert.deepEqual([second?.parentSpanId, second?.kind, second?.failure], [undefined, "server", undefined]);
  assert.deepEqual([...second?.attributes ?? []], [["task_id", "t"]]);
});

Deno.test("who gives up has not failed, and an end is the last word", () => {
  const { recorder: tracer, ended } = recorder();
  const span = tracer.begin("pull", { traceId: TRACE });
  span.end(new DamselflyError("cancelled", "The requester left"));
  span.end(new Error("late"));
  span.set({ late: true });
  span.event("late");
  assert.equal(ended.length, 1);
  assert.deepEqual([ended[0]?.failure, ended[0]?.attributes.size, ended[0]?.events.length], [undefined, 0, 0]);
});

Deno.test("a step takes so many events and facts, and no long text", () => {
  const { recorder: tracer, ended } = recorder();
  const span = tracer.begin("pull", { traceId: TRACE });
  for (let number = 0; number < 2_000; number++) span.event("piece", { number });
  for (let number = 0; number < 200; number++) span.set({ [`fact ${number}`]: "x".repeat(5_000) });
  span.set({ "fact 0": "changed" });
  span.end(new Error("x".repeat(5_000)));
  assert.deepEqual([ended[0]?.events.length, ended[0]?.eventsDropped], [1_024, 976]);
  assert.equal(ended[0]?.attributes.size, 64);
  assert.equal(ended[0]?.attributes.get("fact 0"), "changed");
  assert.equal(String(ended[0]?.attributes.get("fact 1")).length, 1_024);
  assert.equal(ended[0]?.failure?.length, 1_024);
});

Deno.test("events have no long text either, and keep their other facts as they are", () => {
  const { recorder: tracer, ended } = recorder();
  const span = tracer.begin("pull", { traceId: TRACE });
  span.event("piece", { number: 3, isLast: false, parent: "x".repeat(5_000), tag: undefined });
  span.end();
  const expected = { number: 3, isLast: false, parent: "x".repeat(1_024), tag: undefined };
  assert.deepEqual(ended[0]?.events[0]?.attributes, expected);
});

Deno.test("a step that waits to be sent keeps nothing of what its texts were cut out of", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { recorder: tracer, ended } = recorder();
  const usedBytes = () => {
    collect();
    return Deno.memoryUsage().heapUsed;
  };
  const before = usedBytes();
  for (let number = 0; number < 100; number++) {
    const url = Buffer.alloc(1_000_000, `/v2/library/app-${number}?ns=docker.io&`).toString();
    const span = tracer.begin("pull", { traceId: TRACE, attributes: { path: url.split("?", 1)[0], url } });
    span.event("redirect", { path: url.split("?", 1)[0] });
    span.end(new DamselflyError("unavailable", url));
  }
  assert.ok(usedBytes() - before < 20_000_000);
  assert.equal(ended.length, 100);
});

Deno.test("so many of the requests are traced as the ratio says, the same ones by everybody", () => {
  const isSampled = (ratio: number, traceId: string) =>
    recorder(ratio).recorder.begin("", { traceId }).context.isSampled;
  const random = seededRandom(7);
  const ids = Array.from({ length: 2_000 }, () => random.bytes(16).toHex());
  const sampled = ids.filter((id) => isSampled(0.25, id));
  assert.ok(sampled.length > 400 && sampled.length < 600, `${sampled.length} of 2000`);
  assert.ok(sampled.every((id) => isSampled(0.25, id) && isSampled(0.5, id)));
  assert.ok(ids.every((id) => isSampled(1, id) && !isSampled(0, id)));
});

Deno.test("whoever passes a request on has decided whether it is traced", () => {
  for (const isSampled of [true, false]) {
    const { recorder: tracer, ended } = recorder(isSampled ? 0 : 1);
    const parent = { traceId: TRACE, spanId: "00f067aa0ba902b7", isSampled };
    const span = tracer.begin("pull", { traceId: TRACE, parent });
    const child = span.child("ask");
    assert.deepEqual([span.context.isSampled, child.context.isSampled], [isSampled, isSampled]);
    child.end();
    span.end();
    assert.equal(ended.length, isSampled ? 2 : 0);
    if (isSampled) assert.equal(ended[1]?.parentSpanId, parent.spanId);
  }
});
