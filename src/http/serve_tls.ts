import { getRequestListener } from "@hono/node-server";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { listenError } from "../runtime/real_net.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { CONNECTIONS_MAX, DRAIN_TIMEOUT_MS, type HttpServer, type HttpServerOptions } from "./serve.ts";

/** How long a caller may take to begin with TLS, and then to send the headers of a request. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** How {@link startHttpsServer} listens; `tls` must outlive the server. */
export interface HttpsServerOptions extends Omit<HttpServerOptions, "net" | "onConnect"> {
  readonly tls: TlsFiles;
}

/**
 * Serves HTTP/1.1 in TLS. `Deno.listenTls` keeps the certificate it began with, so this is node's server, which takes the
 * renewed one for new connections. Fails with `already_exists` when the port is in use.
 */
export async function startHttpsServer(options: HttpsServerOptions): Promise<HttpServer> {
  const { listen, tls, clock, onError } = options;
  const stop = new AbortController();
  const { cert, key } = tls.current();
  const answer = getRequestListener((request, env) => {
    const { remoteAddress: hostname = "", remotePort: port = 0 } =
      (env as { incoming: IncomingMessage }).incoming.socket;
    return options.handler(request, { remote: { hostname, port }, signal: stop.signal });
  }, {
    overrideGlobalObjects: false,
    errorHandler(error) {
      onError(error);
      return new Response(null, { status: 500 });
    },
  });
  const limits = { handshakeTimeout: HANDSHAKE_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS };
  const server = createServer({ cert, key, ...limits }, (request, response) => {
    void answer(request, response);
  });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const sockets = new Set<Socket>();
  // Also those that never begin with TLS: they would keep the server from closing.
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await listening(server, listen);
  const renewal = tls.onChange((material) => server.setSecureContext({ cert: material.cert, key: material.key }));
  const { address, port } = server.address() as AddressInfo;
  const shutdown = async () => {
    renewal[Symbol.dispose]();
    using limit = clock.deadline(options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const late = new Promise<void>((resolve) =>
      limit.signal.addEventListener("abort", () => resolve(), { once: true })
    );
    await Promise.race([closed, late]);
    stop.abort();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  let stopped: Promise<void> | undefined;
  return { hostname: address, port, [Symbol.asyncDispose]: () => stopped ??= shutdown() };
}

function listening(server: Server, { hostname, port }: { readonly hostname: string; readonly port: number }) {
  return new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(listenError(`${hostname}:${port}`, cause)));
    server.listen(port, hostname, () => resolve());
  });
}
