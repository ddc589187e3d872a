/** A read-only registry in this process: the distribution API, the usual ways to log in, and faults on demand. */
import { contentRangeHeader, resolveRange } from "../core/byte_range.ts";
import { type HttpServer, type RequestInfo, startHttpServer } from "../http/serve.ts";
import type { Clock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { type DistributionPath, parseDistributionPath } from "./distribution_path.ts";
import { Answer, errorAnswer } from "./sample_registry_answer.ts";
import type { SampleBlob, SampleImage } from "./sample_image.ts";
import { type RegistryLogin, SampleRegistryAuth } from "./sample_registry_auth.ts";

const CHUNK_BYTES = 64 * 1024;
const REQUESTS_MAX = 100_000;

/** What goes wrong with one request. */
export type RegistryFault =
  | { readonly kind: "delay"; readonly ms: number }
  /** The body ends early, with FIN. */
  | { readonly kind: "hang_up"; readonly afterBytes: number }
  /** The body stands still until something has happened. */
  | { readonly kind: "hold"; readonly afterBytes: number; readonly until: Promise<unknown> }
  /** The body pauses before each 64 KiB of it, for as long as is wanted then. */
  | { readonly kind: "slow"; readonly pauseMs: () => number }
  /** One byte of the body is another one. */
  | { readonly kind: "corrupt" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "ignore_range" };

/** An image, and what it is called. */
export interface PushedImage {
  readonly repository: string;
  readonly tag: string;
  readonly image: SampleImage;
}

/** What a registry serves, and how. */
export interface SampleRegistryOptions {
  readonly clock: Clock;
  readonly images: readonly PushedImage[];
  /** Left out, everybody may pull. */
  readonly login?: RegistryLogin;
  readonly faultOf?: (request: { readonly method: string; readonly path: string }) => RegistryFault | undefined;
  readonly hostname?: string;
  /** Serves in TLS, with this certificate. */
  readonly tls?: TlsFiles;
}

/** One request that was answered. */
export interface LoggedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** How the requester calls itself. */
  readonly userAgent: string;
  /** The trace that the request belongs to, as its header has it. */
  readonly traceparent: string;
  readonly status: number;
  /** Body bytes sent so far. */
  readonly bytes: number;
}

/** A running registry. */
export interface SampleRegistry extends AsyncDisposable {
  /** `host:port`, the registry part of image names. */
  readonly namespace: string;
  readonly url: string;
  /** Every request since the start, oldest first, token requests included. */
  readonly requests: readonly LoggedRequest[];
  /** Serves one more image; its tag is this one's from now on. */
  push(image: PushedImage): void;
  /** Ends the life of all tokens that it has given. */
  expireTokens(): void;
}

/** Starts a registry on a free port of loopback. */
export function startSampleRegistry(options: SampleRegistryOptions): SampleRegistry {
  const content = new Content(options.images);
  const requests: Mutable<LoggedRequest>[] = [];
  const login = options.login === undefined ? undefined : new SampleRegistryAuth(options.login);
  const handle = async (request: Request, { signal }: RequestInfo): Promise<Response> => {
    const { pathname: path, origin } = new URL(request.url);
    const userAgent = request.headers.get("user-agent") ?? "";
    const traceparent = request.headers.get("traceparent") ?? "";
    const entry = { method: request.method, path, userAgent, traceparent, status: 0, bytes: 0 };
    requests.push(entry);
    if (requests.length > REQUESTS_MAX) requests.shift();
    const fault = options.faultOf?.(entry);
    if (fault?.kind === "delay") await options.clock.sleep(fault.ms, signal);
    const answer = fault?.kind === "status"
      ? new Answer(fault.status, { ...fault.headers })
      : login?.answer(request, origin) ?? content.answer(request, path, fault);
    entry.status = answer.status;
    return respond(answer, request.method, entry, fault, options.clock);
  };
  const server: HttpServer = startHttpServer({
    listen: { hostname: options.hostname ?? "127.0.0.1", port: 0 },
    handler: handle,
    onError() {}, // a requester that leaves while it is being delayed
    ...{ tls: options.tls, clock: options.clock, net: realNet() },
  });
  const namespace = `${server.hostname}:${server.port}`;
  return {
    namespace,
    url: `http${options.tls === undefined ? "" : "s"}://${namespace}`,
    requests,
    push: (image) => content.add(image),
    expireTokens: () => login?.expireTokens(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What there is to serve, by repository. */
class Content {
  readonly #manifests = new Map<string, SampleBlob>();
  readonly #blobs = new Map<string, SampleBlob>();

  constructor(images: SampleRegistryOptions["images"]) {
    for (const image of images) this.add(image);
  }

  add({ repository, tag, image }: PushedImage): void {
    this.#manifests.set(`${repository}/${tag}`, image.index);
    for (const manifest of [image.index, ...image.manifests]) {
      this.#manifests.set(`${repository}/${manifest.digest}`, manifest);
    }
    for (const blob of image.blobs) this.#blobs.set(`${repository}/${blob.digest}`, blob);
  }

  answer(request: Request, path: string, fault: RegistryFault | undefined): Answer {
    const parsed = parseDistributionPath(path);
    if (request.method !== "GET" && request.method !== "HEAD") return errorAnswer(405, "UNSUPPORTED");
    if (parsed === undefined || parsed.kind === "other") return errorAnswer(404, "UNSUPPORTED");
    if (parsed.kind === "ping") return new Answer(200, { "content-type": "application/json" }, Buffer.from("{}"));
    const found = this.#find(parsed);
    if (found === undefined) return errorAnswer(404, parsed.kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN");
    const range = parsed.kind === "blob" && fault?.kind !== "ignore_range" ? request.headers.get("range") : null;
    return rangeAnswer(found, range);
  }

  #find(path: DistributionPath & { kind: "blob" | "manifest" }): SampleBlob | undefined {
    return path.kind === "blob"
      ? this.#blobs.get(`${path.repository}/${path.digest.text}`)
      : this.#manifests.get(`${path.repository}/${path.reference}`);
  }
}

function rangeAnswer({ mediaType, digest, bytes }: SampleBlob, range: string | null): Answer {
  const asked = resolveRange(range, bytes.length);
  if (asked.kind === "unsatisfiable") {
    return errorAnswer(416, "RANGE_INVALID", { "content-range": `bytes */${bytes.length}` });
  }
  const headers = { "content-type": mediaType, "docker-content-digest": digest, "accept-ranges": "bytes" };
  if (asked.kind === "whole") return new Answer(200, headers, bytes);
  const { start, end } = asked.range;
  const partHeaders = { ...headers, "content-range": contentRangeHeader(asked.range, bytes.length) };
  return new Answer(206, partHeaders, bytes.subarray(start, end));
}

function respond(
  { status, headers, body }: Answer,
  method: string,
  entry: Mutable<LoggedRequest>,
  fault: RegistryFault | undefined,
  clock: Clock,
): Response {
  const sized = { ...headers, "content-length": String(body.length) };
  if (method === "HEAD" || body.length === 0) return new Response(null, { status, headers: sized });
  // Fewer bytes than promised: the server closes the connection.
  const end = fault?.kind === "hang_up" ? Math.min(fault.afterBytes, body.length) : body.length;
  let position = 0;
  const left = new AbortController();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (position === end) return controller.close();
      if (fault?.kind === "hold" && position === fault.afterBytes) await fault.until;
      if (fault?.kind === "slow") await clock.sleep(fault.pauseMs(), left.signal);
      const limit = fault?.kind === "hold" && position < fault.afterBytes ? fault.afterBytes : end;
      const chunk = body.slice(position, Math.min(limit, end, position + CHUNK_BYTES));
      if (position === 0 && fault?.kind === "corrupt") chunk[0] = (chunk[0] ?? 0) ^ 1;
      position += chunk.length;
      entry.bytes += chunk.length;
      controller.enqueue(chunk);
    },
    cancel: (reason) => left.abort(reason),
  }, { highWaterMark: 0 });
  return new Response(stream, { status, headers: sized });
}
