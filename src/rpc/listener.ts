/** Where a server listens, plain or with mutual TLS. */
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { DamselflyError } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import { ConnStream } from "../runtime/conn_stream.ts";
import type { Log } from "../runtime/log.ts";
import { listenError, listenUnix } from "../runtime/real_net.ts";
import type { TlsFiles, TlsMaterial } from "../runtime/tls_files.ts";

/** How long a caller may take to agree on TLS. */
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
/** Callers that wait to be accepted: what `node:net` asks for by itself. */
const BACKLOG = 511;

/** Where a server listens. Port 0 takes any free port. */
export type ListenAddress = { readonly hostname: string; readonly port: number } | { readonly unixPath: string };

/** What {@link startListener} needs. */
export interface ListenerOptions {
  readonly listen: ListenAddress;
  /** Callers need a certificate of the authority in it, which may be renewed meanwhile. */
  readonly tls?: TlsFiles | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** A connection came; with TLS, once both sides have agreed on that. */
  onConnection(socket: RpcSocket): void;
}

/** A connection with a caller; one over a unix socket has no address. */
export type RpcSocket = Duplex & Partial<Pick<Socket, "remoteAddress" | "remotePort">>;

/** Something that listens. */
export interface RpcListener {
  /** The port; 0 for a unix socket. */
  readonly port: number;
  /**
   * Takes connections again if it had ceased to. In Deno 2.9 a server of `node:net` accepts nobody any more, and says
   * nothing of it, after the process was once out of file descriptors. To be called now and then.
   */
  wake(): void;
  /** Takes no more connections, and leaves no file. Those that are there stay. */
  close(): Promise<void>;
}

/** A listening server with Deno's own part of it, which is not public; null when it is closed. */
type Awakenable = Server & { readonly _handle: { listen(backlog: number): number } | null };

/**
 * Listens. Fails with `already_exists` when a program listens there or a file is in a socket's place, and with
 * `unavailable` when the address cannot be listened on.
 */
export async function startListener(options: ListenerOptions): Promise<RpcListener> {
  const { listen, tls } = options;
  if ("unixPath" in listen) return await startUnixListener(listen.unixPath, options);
  const { hostname, port } = listen;
  const server = tls === undefined ? createServer(options.onConnection) : secureServer(tls, options);
  server.on("connection", (socket: Socket) => socket.setNoDelay(true));
  await new Promise<void>((resolve, reject) => {
    const name = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    server.once("error", (error) => reject(listenError(name, error)));
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" ? address?.port ?? 0 : 0,
    // To the system it says nothing new.
    wake: () => void (server as Awakenable)._handle?.listen(BACKLOG),
    close: () => Promise.resolve(void server.close()),
  };
}

/** A server of `node:net` cannot be woken here. */
async function startUnixListener(path: string, { log, clock, onConnection }: ListenerOptions): Promise<RpcListener> {
  await removeStaleSocket(path);
  const listener = listenUnix(path, (error) => log.warn("Callers have to wait", { error }));
  const accept = async () => {
    for await (const conn of listener) {
      const stream = new ConnStream(conn, () => clock.now());
      stream.on("end", () => stream.end()); // nobody gets answers who asks for nothing more
      onConnection(stream);
    }
  };
  const accepting = accept();
  return {
    port: 0,
    wake() {}, // it tries again by itself
    async close() {
      listener[Symbol.dispose]();
      await accepting;
      await removeIfThere(path);
    },
  };
}

function secureServer(tls: TlsFiles, { onConnection }: ListenerOptions): Server {
  const server = createTlsServer({
    ...contextOf(tls.current()),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
    handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
  });
  server.on("secureConnection", (socket: TLSSocket) => onConnection(socket));
  server.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
  const renewing = tls.onChange((material) => server.setSecureContext(contextOf(material)));
  server.on("close", () => renewing[Symbol.dispose]());
  return server;
}

function contextOf({ caCert, cert, key }: TlsMaterial) {
  return { cert, key, ...(caCert === undefined ? {} : { ca: caCert }) };
}

/** Removes the socket file of a program that is gone. A file that somebody listens on stays, and one of another kind. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) {
      throw new DamselflyError(
        "already_exists",
        `Cannot listen on ${path}: there is a file that is no socket; move it away or choose another path`,
      );
    }
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) await removeIfThere(path);
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
