import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { isIP } from "node:net";
import type { Socket } from "node:net";
import { DamselflyError, errorText } from "../../core/error.ts";
import { dialAny } from "../../http/dial.ts";
import { ConnStream } from "../../runtime/conn_stream.ts";
import type { Destination, Destinations } from "../../http/destination.ts";
import { type EgressProxy, egressProxyFor, type Env } from "../../http/egress.ts";
import { nodeTlsOptions, type TlsTrust } from "../../http/node_fetch.ts";
import { openTunnel } from "../../http/open_tunnel.ts";
import { SELF_SIGNED } from "../../http/self_signed.ts";
import { bareHost, portOf } from "../../http/url_place.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Conn, Net } from "../../runtime/net.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { sourceAnswerOf, sourceFailure } from "../source/source_failure.ts";

/** For what has to be said before the first byte of a request. */
const BEGIN_TIMEOUT_MS = 10_000;

/** What a dialer needs. */
export interface DialerParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly destinations: Destinations;
  readonly env: Env;
  /** How TLS with an origin is spoken. */
  readonly trustOf: (origin: string) => TlsTrust;
}

/** A stream that ends at a server, or at a proxy that knows requests by URL. */
export interface Hop {
  readonly stream: Duplex;
  /** The proxy; undefined when the server itself is at the end. */
  readonly proxy: EgressProxy | undefined;
}

/** Who asks, and until when he wants it. */
export interface Asking {
  readonly remoteIp: string;
  readonly signal: AbortSignal;
}

/** Connects with where a requester may go, by the proxy of the environment where there is one. */
export class Dialer {
  readonly #parts: DialerParts;

  constructor(parts: DialerParts) {
    this.#parts = parts;
  }

  /**
   * A connection with a host, for whatever goes over it. Throws `source_error`, `permission_denied` for where the
   * requester may not go, or the signal's reason.
   */
  async connect(url: URL, asking: Asking): Promise<Conn> {
    const proxy = egressProxyFor(url, this.#parts.env);
    return proxy === undefined ? await this.#direct(url, asking) : await this.#throughProxy(url, proxy, asking);
  }

  /** A stream to speak HTTP on, in TLS where the URL says so. Throws what {@link connect} throws. */
  async open(url: URL, asking: Asking): Promise<Hop> {
    const now = () => this.#parts.clock.now();
    if (url.protocol === "https:") return { stream: await this.#openTls(url, asking), proxy: undefined };
    const proxy = egressProxyFor(url, this.#parts.env);
    if (proxy === undefined) return { stream: new ConnStream(await this.#direct(url, asking), now), proxy };
    return { stream: new ConnStream(await this.#toProxy(url, proxy, asking), now), proxy };
  }

  /**
   * Whether a URL is another content on each host. What a proxy of the environment is asked for is not: that is a way
   * out of the network; nor what nobody can name an address of now, for what is kept of it may be asked for still.
   * Throws `permission_denied` as {@link connect} does.
   */
  async isOfEachHost(url: URL, { remoteIp }: Pick<Asking, "remoteIp">): Promise<boolean> {
    if (egressProxyFor(url, this.#parts.env) !== undefined) return false;
    try {
      return this.#parts.destinations.isOfEachHost(url.origin, await this.#addressesOf(url, remoteIp));
    } catch (error) {
      if (sourceAnswerOf(error) === undefined) throw error;
      return false;
    }
  }

  async #addressesOf(url: URL, remoteIp: string): Promise<string[]> {
    try {
      return await this.#parts.destinations.addressesOf(destinationOf(url, remoteIp));
    } catch (error) {
      if (error instanceof DamselflyError && error.code === "permission_denied") throw error;
      throw unreachable(url, error);
    }
  }

  /** To one of the addresses. They were looked at, and are not asked for again. */
  async #direct(url: URL, asking: Asking): Promise<Conn> {
    const addresses = await this.#addressesOf(url, asking.remoteIp);
    try {
      return await dialAny({ addresses, port: portOf(url) }, this.#parts, asking.signal);
    } catch (cause) {
      asking.signal.throwIfAborted();
      throw unreachable(url, cause);
    }
  }

  /** The name need not be known here: the proxy looks it up. */
  async #toProxy(url: URL, proxy: EgressProxy, { remoteIp, signal }: Asking): Promise<Conn> {
    await orAbort(this.#parts.destinations.check(destinationOf(url, remoteIp)), signal);
    try {
      return await dialAny({ addresses: [proxy.hostname], port: proxy.port }, this.#parts, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const what = `the proxy ${proxy.hostname}:${proxy.port} of the environment cannot be reached`;
      throw sourceFailure(url, what, { cause });
    }
  }

  async #throughProxy(url: URL, proxy: EgressProxy, asking: Asking): Promise<Conn> {
    const conn = await this.#toProxy(url, proxy, asking);
    return await this.#begun(url, conn, asking.signal, async (signal) => {
      await openTunnel(conn, { hostname: bareHost(url), port: portOf(url) }, proxy.authorization, signal);
      return conn;
    });
  }

  async #openTls(url: URL, asking: Asking): Promise<Duplex> {
    const trust = this.#parts.trustOf(url.origin);
    const isUsual = trust.identity === undefined && trust.checksCertificates !== false;
    if (!isUsual) return await this.#securedByNode(url, trust, asking);
    try {
      return await this.#secured(url, trust, asking);
    } catch (error) {
      if (!SELF_SIGNED.test(errorText(error))) throw error;
      return await this.#securedByNode(url, trust, asking);
    }
  }

  async #secured(url: URL, { authorities }: TlsTrust, asking: Asking): Promise<Duplex> {
    const { net, clock } = this.#parts;
    const conn = await this.connect(url, asking);
    return await this.#begun(url, conn, asking.signal, async (signal) => {
      return new ConnStream(
        await net.secure(conn, { hostname: bareHost(url), authorities }, signal),
        () => clock.now(),
      );
    });
  }

  async #securedByNode(url: URL, trust: TlsTrust, asking: Asking): Promise<Duplex> {
    const { clock } = this.#parts;
    const conn = await this.connect(url, asking);
    return await this.#begun(url, conn, asking.signal, async (signal) => {
      return await securedByNode(new ConnStream(conn, () => clock.now()), bareHost(url), trust, signal);
    });
  }

  /** What has to be said on a connection first; it is closed when that fails. */
  async #begun<T>(url: URL, conn: Conn, signal: AbortSignal, say: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using limit = this.#parts.clock.deadline(BEGIN_TIMEOUT_MS);
    try {
      return await say(AbortSignal.any([signal, limit.signal]));
    } catch (cause) {
      conn.close();
      signal.throwIfAborted();
      if (limit.signal.aborted) throw sourceFailure(url, `it did not answer within ${BEGIN_TIMEOUT_MS} ms`);
      throw sourceFailure(url, "no connection with it can be begun", { cause });
    }
  }
}

/** TLS that the platform's own does not offer: with a certificate of ours, without a look at the server's, or with one that is its own authority. */
function securedByNode(stream: ConnStream, hostname: string, trust: TlsTrust, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      socket: stream as unknown as Socket,
      ...(isIP(hostname) === 0 ? { servername: hostname } : { host: hostname }),
      ...nodeTlsOptions(trust),
      ALPNProtocols: ["http/1.1"],
    });
    const end = () => void socket.destroy();
    signal.addEventListener("abort", end, { once: true });
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", end);
      resolve(socket);
    });
    socket.on("error", reject);
    socket.once("close", () => {
      stream.destroy();
      reject(new Error("the connection broke"));
    });
  });
}

function destinationOf(url: URL, remoteIp: string): Destination {
  return { origin: url.origin, hostname: url.hostname, remoteIp };
}

function unreachable(url: URL, cause: unknown): DamselflyError {
  return sourceFailure(url, "it cannot be reached", { cause });
}
