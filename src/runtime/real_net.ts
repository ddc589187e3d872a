import { lookup } from "node:dns/promises";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Conn, Endpoint, Listener, Net, ServerTrust } from "./net.ts";

class RealConn implements Conn {
  readonly remote: Endpoint;
  readonly #conn: Deno.TcpConn | Deno.TlsConn | Deno.UnixConn;
  #isClosed = false;

  constructor(conn: Deno.TcpConn | Deno.TlsConn | Deno.UnixConn) {
    this.#conn = conn;
    if ("setNoDelay" in conn) conn.setNoDelay(true);
    this.remote = endpointOf(conn.remoteAddr);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) done += await this.#conn.write(done === 0 ? bytes : bytes.subarray(done));
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  async secured({ hostname, authorities }: ServerTrust, signal: AbortSignal): Promise<Conn> {
    const options = { hostname, caCerts: [...authorities], alpnProtocols: ["http/1.1"] };
    const tls = await Deno.startTls(this.#conn as Deno.TcpConn, options);
    this.#isClosed = true;
    const secured = new RealConn(tls);
    const close = () => secured.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      signal.throwIfAborted();
      await tls.handshake();
      return secured;
    } catch (error) {
      close();
      throw error;
    } finally {
      signal.removeEventListener("abort", close);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Until the next try to accept, after one failed for want of descriptors or memory. */
const ACCEPT_PAUSE_MS = 100;

class RealListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #listener: Deno.TcpListener | Deno.UnixListener;
  readonly #where: string;
  readonly #onTrouble: (error: unknown) => void;
  #isClosed = false;
  #isInTrouble = false;
  #endPause = () => {};

  constructor(
    listener: Deno.TcpListener | Deno.UnixListener,
    onTrouble: (error: unknown) => void,
    where?: string,
  ) {
    this.#listener = listener;
    this.#onTrouble = onTrouble;
    const { hostname, port } = endpointOf(listener.addr);
    this.hostname = hostname;
    this.port = port;
    this.#where = where ?? `${hostname}:${port}`;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Conn> {
    while (!this.#isClosed) {
      const conn = await this.#accept();
      if (conn === undefined) continue;
      yield conn;
    }
  }

  /** A connection that is gone before it is accepted is no failure of the listener; any other one may pass. */
  async #accept(): Promise<Conn | undefined> {
    try {
      const conn = new RealConn(await this.#listener.accept());
      this.#isInTrouble = false;
      return conn;
    } catch (error) {
      if (this.#isClosed || isEarlyClose(error)) return undefined;
      if (!this.#isInTrouble) this.#onTrouble(acceptError(this.#where, error));
      this.#isInTrouble = true;
      await this.#pause();
      return undefined;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ACCEPT_PAUSE_MS);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    this.#endPause();
  }
}

function acceptError(where: string, cause: unknown): DamselflyError {
  const why = `${errorText(cause)}; trying again. If descriptors are short, raise the limit of open files`;
  return new DamselflyError("unavailable", `Cannot accept connections on ${where}: ${why}`, { cause });
}

/** Of a unix socket there is neither. */
function endpointOf(address: Deno.Addr): Endpoint {
  return "hostname" in address ? { hostname: address.hostname, port: address.port } : { hostname: "", port: 0 };
}

function isEarlyClose(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.NotConnected;
}

/**
 * The error of an address that cannot be listened on, `host:port` or `unix:path`, with the way out in its text:
 * `already_exists` when somebody listens there, else `unavailable`. `cause` is Deno's or Node's.
 */
export function listenError(where: string, cause: unknown): DamselflyError {
  const kind = cause instanceof Error ? `${cause.name} ${cause.message}` : "";
  if (/AddrInUse|EADDRINUSE/.test(kind)) {
    const other = where.startsWith("unix:") ? "path" : "port";
    const why = `another program listens there; stop it or configure another ${other}`;
    return new DamselflyError("already_exists", `Cannot listen on ${where}: ${why}`);
  }
  if (/AddrNotAvailable|EADDRNOTAVAIL|EINVAL/.test(kind)) {
    const why = "this machine does not have the address; configure one that it has";
    return new DamselflyError("unavailable", `Cannot listen on ${where}: ${why}`);
  }
  return new DamselflyError("unavailable", `Cannot listen on ${where}: ${errorText(cause)}`, { cause });
}

/**
 * Listens on a unix socket, as {@link Net.listen} does on a port; its file may not be there yet. Neither it nor its
 * connections have a host name or a port.
 */
export function listenUnix(path: string, onTrouble: (error: unknown) => void): Listener {
  const where = `unix:${path}`;
  try {
    return new RealListener(Deno.listen({ transport: "unix", path }), onTrouble, where);
  } catch (cause) {
    throw listenError(where, cause);
  }
}

/** TCP of the machine. */
export function realNet(): Net {
  return {
    async connect(to, signal) {
      signal.throwIfAborted();
      try {
        return new RealConn(await Deno.connect({ hostname: to.hostname, port: to.port, signal }));
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        throw new DamselflyError("unavailable", `Cannot connect to ${to.hostname}:${to.port}: ${errorText(cause)}`, {
          cause,
        });
      }
    },
    async secure(conn, trust, signal) {
      try {
        if (conn instanceof RealConn) return await conn.secured(trust, signal);
      } catch (cause) {
        if (signal.aborted) throw signal.reason;
        const { hostname, port } = conn.remote;
        const what = `Cannot speak TLS with ${trust.hostname} at ${hostname}:${port}: ${errorText(cause)}`;
        throw new DamselflyError("unavailable", what, { cause });
      }
      throw new DamselflyError("unimplemented", "Cannot speak TLS on a connection of another net");
    },
    async resolve(hostname) {
      try {
        return (await lookup(hostname, { all: true })).map(({ address }) => address);
      } catch (cause) {
        throw new DamselflyError("unavailable", `Cannot find an address of ${hostname}: ${errorText(cause)}`, {
          cause,
        });
      }
    },
    listen(on, onTrouble = () => {}) {
      try {
        return new RealListener(Deno.listen({ hostname: on.hostname, port: on.port }), onTrouble);
      } catch (cause) {
        throw listenError(`${on.hostname}:${on.port}`, cause);
      }
    },
  };
}
