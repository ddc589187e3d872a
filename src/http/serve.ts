import type { Endpoint } from "../runtime/net.ts";
import { listenError } from "../runtime/real_net.ts";

/** What belongs to a request besides its content. */
export interface RequestInfo {
  /** Who is asking: the address of the connection. */
  readonly remote: Endpoint;
  /**
   * Aborts when the server gives up on the request. A requester who leaves is noticed when the body is cancelled;
   * the request's own signal is of no use, since in Deno 2.9 it also fires after a success.
   */
  readonly signal: AbortSignal;
}

/** An HTTP service as a function, so that tests need no socket. */
export type HttpHandler = (request: Request, info: RequestInfo) => Promise<Response> | Response;

/** A running HTTP server; disposing it stops accepting, drains for a limited time, then closes what is left. */
export interface HttpServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** How {@link startHttpServer} listens. */
export interface HttpServerOptions {
  /** Port 0 lets the system choose. */
  readonly listen: Endpoint;
  readonly handler: HttpHandler;
  /** How long {@link HttpServer} lets running requests finish when it stops. */
  readonly drainTimeoutMs?: number;
  /** Called with what a handler threw; the requester gets a bare 500. */
  readonly onError: (error: unknown) => void;
  readonly clock: { deadline(ms: number): Disposable & { readonly signal: AbortSignal } };
}

const DRAIN_TIMEOUT_MS = 5_000;

/**
 * Serves HTTP/1.1 on a TCP port. A TLS ClientHello is answered with an `HTTP/1.1 400`, which lets containerd fall
 * back to plain HTTP (node-side.md §2.3). Throws `already_exists` when the port is in use.
 */
export function startHttpServer(options: HttpServerOptions): HttpServer {
  const { listen, onError, clock } = options;
  const stop = new AbortController();
  const running = new Running();
  const server = serve(listen, stop.signal, onError, (request, info, completed) => {
    if (running.isClosed) return new Response(null, { status: 503, headers: { connection: "close" } });
    running.add(completed);
    return options.handler(request, info);
  });
  const shutdown = async () => {
    using limit = clock.deadline(options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS);
    await running.drain(limit.signal);
    // Not server.shutdown(): in Deno 2.9 nothing can end the requests that it waits for.
    stop.abort();
    await server.finished;
  };
  let stopped: Promise<void> | undefined;
  return {
    hostname: server.addr.hostname,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => stopped ??= shutdown(),
  };
}

/** The requests that are being answered. */
class Running {
  isClosed = false;
  readonly #answers = new Set<Promise<void>>();

  /** `completed` settles when the answer is sent, or the requester is gone. */
  add(completed: Promise<void>): void {
    const answer = completed.catch(() => {}).finally(() => this.#answers.delete(answer));
    this.#answers.add(answer);
  }

  /** Takes no more, and waits for those there are. */
  async drain(limit: AbortSignal): Promise<void> {
    this.isClosed = true;
    const late = new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([Promise.all(this.#answers), late]);
  }
}

function serve(
  listen: Endpoint,
  signal: AbortSignal,
  onError: (error: unknown) => void,
  handler: (request: Request, info: RequestInfo, completed: Promise<void>) => Promise<Response> | Response,
): Deno.HttpServer<Deno.NetAddr> {
  const options = {
    hostname: listen.hostname,
    port: listen.port,
    signal,
    onListen() {},
    onError(error: unknown) {
      onError(error);
      return new Response(null, { status: 500 });
    },
  };
  try {
    return Deno.serve(options, (request, info) => {
      const { hostname, port } = info.remoteAddr as Deno.NetAddr;
      return handler(request, { remote: { hostname, port }, signal }, info.completed);
    });
  } catch (cause) {
    throw listenError(`${listen.hostname}:${listen.port}`, cause);
  }
}
