/** Spans as OTLP has them (opentelemetry-proto, `trace.proto`). */
import { Buffer } from "node:buffer";
import { VERSION } from "../core/version.ts";
import { ExportTraceServiceRequest } from "../rpc/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts";
import type { KeyValue } from "../rpc/gen/opentelemetry/proto/common/v1/common.ts";
import { Span, Span_SpanKind, Status_StatusCode } from "../rpc/gen/opentelemetry/proto/trace/v1/trace.ts";
import type { Attributes, SpanKind } from "../runtime/tracing.ts";
import type { FinishedSpan } from "./span.ts";

const KINDS: Record<SpanKind, Span_SpanKind> = {
  server: Span_SpanKind.SPAN_KIND_SERVER,
  client: Span_SpanKind.SPAN_KIND_CLIENT,
  producer: Span_SpanKind.SPAN_KIND_PRODUCER,
  internal: Span_SpanKind.SPAN_KIND_INTERNAL,
};
const NANOSECONDS = 1_000_000;

/** A message with spans of the process that `resource` tells of. */
export function otlpRequest(resource: Attributes, spans: readonly FinishedSpan[]): ExportTraceServiceRequest {
  return ExportTraceServiceRequest.create({
    resourceSpans: [{
      resource: { attributes: keyValues(Object.entries(resource)) },
      scopeSpans: [{ scope: { name: "damselfly", version: VERSION }, spans: spans.map(otlpSpan) }],
    }],
  });
}

function otlpSpan({ context, parentSpanId = "", failure, ...span }: FinishedSpan): Span {
  return Span.create({
    traceId: Buffer.from(context.traceId, "hex"),
    spanId: Buffer.from(context.spanId, "hex"),
    parentSpanId: Buffer.from(parentSpanId, "hex"),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: keyValues(span.attributes),
    events: span.events.map(({ name, atMs, attributes }) => ({
      ...{ name, timeUnixNano: nanoseconds(atMs), attributes: keyValues(Object.entries(attributes)) },
    })),
    droppedEventsCount: span.eventsDropped,
    status: failure === undefined ? undefined : { code: Status_StatusCode.STATUS_CODE_ERROR, message: failure },
  });
}

function nanoseconds(ms: number): number {
  return Math.round(ms * NANOSECONDS);
}

function keyValues(pairs: Iterable<[string, Attributes[string]]>): KeyValue[] {
  const values: KeyValue[] = [];
  for (const [key, value] of pairs) {
    if (value !== undefined) values.push({ key, value: { value: anyValue(value) } });
  }
  return values;
}

function anyValue(value: string | number | boolean) {
  if (typeof value === "string") return { $case: "stringValue", value } as const;
  if (typeof value === "boolean") return { $case: "boolValue", value } as const;
  return Number.isSafeInteger(value) ? { $case: "intValue", value } as const : { $case: "doubleValue", value } as const;
}
