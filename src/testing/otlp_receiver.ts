import {
  ExportTraceServiceRequest,
  ExportTraceServiceResponse,
  TraceServiceService,
} from "../rpc/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts";
import type { KeyValue } from "../rpc/gen/opentelemetry/proto/common/v1/common.ts";
import type { Span } from "../rpc/gen/opentelemetry/proto/trace/v1/trace.ts";
import { startHttpServer } from "../http/serve.ts";
import { startRpcServer } from "../rpc/server.ts";
import { service } from "../rpc/service.ts";
import { realClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { realNet } from "../runtime/real_net.ts";

/** A span as a collector has it; ids are hexadecimal. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly failure: string | undefined;
  readonly durationMs: number;
}

/** A collector of traces, built from the official protos, that remembers what it gets. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly grpc: string;
  readonly http: string;
  readonly spans: ReceivedSpan[];
  /** Headers and metadata of each message. */
  readonly headers: ((name: string) => string | null | undefined)[];
  /** What HTTP messages are answered with, and no span is taken, unless it is 200. */
  status: number;
  /** How many spans of a message it says that it does not take. */
  refuses: number;
}

/** Starts a collector on an address of loopback. */
export async function startOtlpReceiver(hostname = "127.0.0.1"): Promise<OtlpReceiver> {
  await using stack = new AsyncDisposableStack();
  const [clock, log, net] = [realClock(), silentLog(), realNet()];
  const spans: ReceivedSpan[] = [];
  const headers: OtlpReceiver["headers"] = [];
  const answer = { status: 200, refuses: 0 };
  const partial = () => {
    return answer.refuses === 0 ? undefined : { rejectedSpans: answer.refuses, errorMessage: "too old" };
  };
  const take = (request: ExportTraceServiceRequest) => spans.push(...received(request));
  const rpc = service(TraceServiceService, {
    export: (request, { metadata }) => {
      headers.push((name) => metadata.get(name));
      take(request);
      return Promise.resolve({ partialSuccess: partial() });
    },
  });
  const listen = { hostname, port: 0 };
  const grpc = stack.use(await startRpcServer({ listen, services: [rpc], log, clock }));
  const http = stack.use(startHttpServer({
    ...{ listen, clock, net, onError: () => {} },
    handler: async (request) => {
      headers.push((name) => name === ":path" ? new URL(request.url).pathname : request.headers.get(name));
      const body = await request.bytes();
      if (answer.status === 200) take(ExportTraceServiceRequest.decode(body));
      const said = new Uint8Array(ExportTraceServiceResponse.encode({ partialSuccess: partial() }).finish());
      return new Response(said, { status: answer.status, headers: { "content-type": "application/x-protobuf" } });
    },
  }));
  const opened = stack.move();
  return {
    ...{ grpc: `${hostname}:${grpc.port}`, http: `${hostname}:${http.port}`, spans, headers },
    get status() {
      return answer.status;
    },
    set status(status) {
      answer.status = status;
    },
    get refuses() {
      return answer.refuses;
    },
    set refuses(count) {
      answer.refuses = count;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function received({ resourceSpans }: ExportTraceServiceRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource?.attributes ?? [])["service.name"]);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => receivedSpan(service, span)));
  });
}

function receivedSpan(service: string, span: Span): ReceivedSpan {
  const { name, kind, status, events, startTimeUnixNano, endTimeUnixNano } = span;
  return {
    ...{ service, name, kind, failure: status?.message },
    traceId: span.traceId.toHex(),
    spanId: span.spanId.toHex(),
    parentSpanId: span.parentSpanId.toHex(),
    attributes: valuesOf(span.attributes),
    events: events.map(({ name, attributes }) => ({ name, attributes: valuesOf(attributes) })),
    durationMs: (endTimeUnixNano - startTimeUnixNano) / 1e6,
  };
}

function valuesOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value?.value?.value]));
}
