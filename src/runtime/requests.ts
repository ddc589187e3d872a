/** How a request from outside becomes the request for which a component works. */
import { formatTraceparent, parseTraceparent, TRACEPARENT } from "../core/trace_context.ts";
import type { Random } from "./random.ts";
import { currentRequest, currentSpan, type RequestScope, type SpanInit, type Tracer } from "./tracing.ts";

/** Tells a component of ours the id of a request that nobody traces. */
const REQUEST_ID = "x-request-id";
const REQUEST_ID_TEXT = /^[\da-f]{32}$/;

/** What requests are told apart by. */
export interface RequestParts {
  readonly tracer: Tracer;
  readonly random: Pick<Random, "bytes">;
}

/** A request that comes in: `header` gives what it says under a name. */
export interface Incoming extends SpanInit {
  readonly name: string;
  readonly header: (name: string) => string | null | undefined;
}

/** A request of somebody who may know nothing of traces: it has an id in any case. */
export function beginRequest({ tracer, random }: RequestParts, incoming: Incoming): RequestScope {
  const parent = parseTraceparent(incoming.header(TRACEPARENT));
  const requestId = parent?.traceId ?? random.bytes(16).toHex();
  return { requestId, span: tracer.begin(incoming.name, { ...incoming, traceId: requestId, parent }) };
}

/** A request that a component passes on; undefined when it is for nobody's request. */
export function continueRequest({ tracer }: RequestParts, incoming: Incoming): RequestScope | undefined {
  const parent = parseTraceparent(incoming.header(TRACEPARENT));
  if (parent !== undefined) {
    const { traceId } = parent;
    return { requestId: traceId, span: tracer.begin(incoming.name, { ...incoming, traceId, parent }) };
  }
  const requestId = incoming.header(REQUEST_ID);
  return REQUEST_ID_TEXT.test(requestId ?? "") && requestId ? { requestId } : undefined;
}

/** What goes along with a request to anybody: the trace, if there is one. */
export function passedOnTrace(span = currentSpan()): Readonly<Record<string, string>> {
  return span === undefined ? {} : { [TRACEPARENT]: formatTraceparent(span.context) };
}

/** What goes along with a call between components: the trace if there is one, for stock members as well, else the id. */
export function passedOnHeaders(span = currentSpan()): Readonly<Record<string, string>> {
  if (span !== undefined) return passedOnTrace(span);
  const request = currentRequest();
  return request === undefined ? {} : { [REQUEST_ID]: request.requestId };
}
