import { Buffer } from "node:buffer";
import { DamselflyError, type ErrorCode } from "../core/error.ts";
import { createRpcClient } from "../rpc/client.ts";
import {
  type ExportTracePartialSuccess,
  ExportTraceServiceRequest,
  ExportTraceServiceResponse,
  TraceServiceService,
} from "../rpc/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fetch } from "../runtime/runtime.ts";

/** Where spans are sent; the keys of `tracing` in each component's configuration. */
export interface CollectorAddress {
  readonly protocol: "grpc" | "http" | "https";
  /** `host:port`. */
  readonly endpoint: string;
  /** For http and https. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The way to a collector. */
export interface Collector extends Disposable {
  /**
   * Sends a message; gives what the collector did not take of it, for good. Fails with `invalid_argument` when none of it
   * will ever be taken, with other codes when it may be later.
   */
  send(message: ExportTraceServiceRequest, signal: AbortSignal): Promise<RefusedSpans>;
}

/** Spans that a collector did not take, and what it says of that. It may have something to say of taking all of them. */
export interface RefusedSpans {
  readonly count: number;
  readonly reason: string;
}

const PROTOBUF = "application/x-protobuf";
/** How long a collector may take for a message. */
const SEND_TIMEOUT_MS = 10_000;
/** Of an answer; it has a number and a sentence. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** Answers to OTLP that another attempt may change (OTLP 1.x, "Failures"). */
const HTTP_LATER = new Set([408, 429, 502, 503, 504]);
const GRPC_LATER: ReadonlySet<ErrorCode> = new Set(["unavailable", "timeout", "cancelled", "resource_exhausted"]);

/** Opens the way to a collector; it is not asked before the first message. */
export function openCollector(address: CollectorAddress, parts: { clock: Clock; fetch: Fetch }): Collector {
  return address.protocol === "grpc" ? grpcCollector(address, parts.clock) : httpCollector(address, parts);
}

function grpcCollector({ endpoint, headers }: CollectorAddress, clock: Clock): Collector {
  const client = createRpcClient(TraceServiceService, endpoint, { clock });
  const metadata = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    async send(message, signal) {
      try {
        const { partialSuccess } = await client.export(message, { signal, timeoutMs: SEND_TIMEOUT_MS, metadata });
        return refusedOf(partialSuccess);
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof DamselflyError && !GRPC_LATER.has(cause.code)) throw refused(cause.message, cause);
        throw cause;
      }
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function httpCollector(
  { protocol, endpoint, path, headers }: CollectorAddress,
  { clock, fetch }: { clock: Clock; fetch: Fetch },
): Collector {
  const url = new URL(path, `${protocol}://${endpoint}`);
  return {
    async send(message, signal) {
      using limit = clock.deadline(SEND_TIMEOUT_MS);
      const body = new Uint8Array(ExportTraceServiceRequest.encode(message).finish());
      const response = await fetch(url, {
        ...{ method: "POST", body, redirect: "error" },
        headers: { ...headers, "content-type": PROTOBUF },
        signal: AbortSignal.any([signal, limit.signal]),
      }).catch((cause) => {
        signal.throwIfAborted();
        throw new DamselflyError("unavailable", `Cannot reach the collector at ${url}`, { cause });
      });
      if (response.ok) return refusedOf(await partialSuccessOf(response));
      await response.body?.cancel();
      const text = `The collector answered ${response.status}`;
      throw HTTP_LATER.has(response.status) ? new DamselflyError("unavailable", text) : refused(text);
    },
    [Symbol.dispose]() {},
  };
}

/** What an answer says of spans that were not taken; undefined for one that is not in the language of the question. */
async function partialSuccessOf(response: Response): Promise<ExportTracePartialSuccess | undefined> {
  if (response.headers.get("content-type") !== PROTOBUF) return void await response.body?.cancel();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) return undefined;
      chunks.push(chunk);
    }
    return ExportTraceServiceResponse.decode(Buffer.concat(chunks)).partialSuccess;
  } catch {
    return undefined; // it has taken the spans, whatever it says
  }
}

function refusedOf(partial: ExportTracePartialSuccess | undefined): RefusedSpans {
  const { rejectedSpans = 0, errorMessage = "" } = partial ?? {};
  return { count: Math.max(0, rejectedSpans), reason: errorMessage };
}

function refused(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot send spans: ${why}`, { cause });
}
