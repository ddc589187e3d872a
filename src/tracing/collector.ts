import { DamselflyError, type ErrorCode } from "../core/error.ts";
import { createRpcClient } from "../rpc/client.ts";
import {
  ExportTraceServiceRequest,
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
  /** Sends a message. Fails with `invalid_argument` when it will never be taken, with other codes when it may be later. */
  send(message: ExportTraceServiceRequest, signal: AbortSignal): Promise<void>;
}

/** How long a collector may take for a message. */
const SEND_TIMEOUT_MS = 10_000;
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
        await client.export(message, { signal, timeoutMs: SEND_TIMEOUT_MS, metadata });
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
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/x-protobuf" },
        body: new Uint8Array(ExportTraceServiceRequest.encode(message).finish()),
        redirect: "error",
        signal: AbortSignal.any([signal, limit.signal]),
      });
      await response.body?.cancel();
      if (response.ok) return;
      const text = `The collector answered ${response.status}`;
      throw HTTP_LATER.has(response.status) ? new DamselflyError("unavailable", text) : refused(text);
    },
    [Symbol.dispose]() {},
  };
}

function refused(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot send spans: ${why}`, { cause });
}
