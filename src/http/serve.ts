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
  const { listen, handler, onError, clock } = options;
  const stop = new AbortController();
  const server = serve(listen, stop.signal, handler, onError);
  let stopped: Promise<void> | undefined;
  const shutdown = async () => {
    using limit = clock.deadline(options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS);
    limit.signal.addEventListener("abort", () => stop.abort(), { once: true });
    await server.shutdown();
  };
  return {
    hostname: server.addr.hostname,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => stopped ??= shutdown(),
  };
}

function serve(
  listen: Endpoint,
  signal: AbortSignal,
  handler: HttpHandler,
  onError: (error: unknown) => void,
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
      return handler(request, { remote: { hostname, port }, signal });
    });
  } catch (cause) {
    throw listenError(listen, cause);
  }
}
