import type { Duplex } from "node:stream";
import type { Clock } from "../runtime/clock.ts";
import type { Conn, Endpoint } from "../runtime/net.ts";
import { ConnStream } from "../runtime/conn_stream.ts";
import { intercepted, type Interception } from "./interception.ts";

/** From the first byte of a request to the end of its headers. */
const HEAD_TIMEOUT_MS = 10_000;
/** Without a request; clients keep a connection for 30 s (containerd) to 90 s (Go). */
const IDLE_TIMEOUT_MS = 120_000;
/** Without a byte in either direction while a request is answered or a tunnel is open. */
const STALLED_TIMEOUT_MS = 10 * 60_000;
/** How long the other side may go on sending after it was refused, so that it reads why before the connection ends. */
const LINGER_TIMEOUT_MS = 1_000;
/** How often all of them are looked at, while there are any. */
const SWEEP_INTERVAL_MS = 2_500;
/** Requests of one connection that are answered at a time; nobody who is well-behaved sends ahead. */
const PIPELINED_MAX = 8;

/** Makes what HTTP is spoken on of an accepted connection. */
export type Wrap = (stream: ConnStream) => Duplex;

/** A connection that was accepted, and what it is busy with. */
export class Connection {
  readonly stream: ConnStream;
  readonly remote: Endpoint;
  #socket: Duplex;
  #interception: Interception | undefined;
  readonly #now: () => number;
  #running = 0;
  #isAnswering = false;
  #idleSinceMs: number;
  #headSinceMs: number | undefined;
  #refusedAtMs: number | undefined;

  constructor(conn: Conn, clock: Clock, wrap: Wrap) {
    this.remote = conn.remote;
    this.#now = () => clock.now();
    this.#idleSinceMs = clock.now();
    this.stream = new ConnStream(conn, this.#now, () => {
      if (!this.isBusy) this.#headSinceMs ??= clock.now();
    });
    this.#socket = wrap(this.stream);
    this.stream.setMaxListeners(4 * PIPELINED_MAX); // each request waits for its end, and the parser listens too
  }

  /** What HTTP is spoken on: the stream, or TLS on it. */
  get socket(): Duplex {
    return this.#socket;
  }

  /** What its TLS was begun for, when a CONNECT has. */
  get interception(): Interception | undefined {
    return this.#interception;
  }

  /** A request, or a tunnel, is being served. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** When it became idle; undefined while it is not. */
  get idleSinceMs(): number | undefined {
    return this.isBusy ? undefined : this.#idleSinceMs;
  }

  /** Whether it has been told that what it sends is not served. */
  get isRefused(): boolean {
    return this.#refusedAtMs !== undefined;
  }

  /** A request begins; whether it is to be served. */
  begin(): boolean {
    this.#headSinceMs = undefined;
    this.#running += 1;
    if (this.#running > PIPELINED_MAX) this.stream.destroy();
    return !this.stream.destroyed;
  }

  /** The answer to a request begins to be sent. */
  answer(): void {
    this.#isAnswering = true;
  }

  /** What follows is TLS, for `interception`. */
  intercept(interception: Interception): void {
    this.#interception = interception;
    this.#socket = intercepted(this.stream, interception);
  }

  /** A request has ended. */
  end(): void {
    this.#running -= 1;
    this.#isAnswering = false;
    this.#idleSinceMs = this.#now();
  }

  /** Says why nothing more is served on it, and ends it once the other side has had time to read that. */
  refuse(status: string): void {
    if (this.isRefused || this.stream.destroyed) return;
    this.#refusedAtMs = this.#now();
    const socket = this.#socket;
    socket.removeAllListeners("data"); // the parser's, which has given up
    socket.once("end", () => this.stream.destroy());
    socket.resume();
    // An answer that is under way cannot be followed by another one.
    socket.end(this.#isAnswering ? "" : `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }

  /** Ends it when one of its time limits is over. */
  sweep(): void {
    const now = this.#now();
    const isLate = (since: number | undefined, limitMs: number) => since !== undefined && now - since >= limitMs;
    if (isLate(this.#refusedAtMs, LINGER_TIMEOUT_MS)) return void this.stream.destroy();
    if (this.isBusy ? isLate(this.stream.movedAtMs, STALLED_TIMEOUT_MS) : isLate(this.#idleSinceMs, IDLE_TIMEOUT_MS)) {
      return void this.stream.destroy();
    }
    if (isLate(this.#headSinceMs, HEAD_TIMEOUT_MS)) this.refuse("408 Request Timeout");
  }
}

/** The open connections of a server, each within the limits of time and all within one of number. */
export class Connections implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #wrap: Wrap;
  readonly #open = new Map<unknown, Connection>();
  #sweeping: Disposable | undefined;
  #roomMade = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(clock: Clock, max: number, wrap: Wrap) {
    this.#clock = clock;
    this.#max = max;
    this.#wrap = wrap;
  }

  /** Takes a connection in, when there is room; undefined, and the connection closed, once this is disposed. */
  async open(conn: Conn): Promise<Connection | undefined> {
    while (this.#open.size >= this.#max && !this.#isClosed) {
      this.#longestIdle()?.stream.destroy();
      await this.#roomMade.promise;
    }
    if (this.#isClosed) return void conn.close();
    const connection = new Connection(conn, this.#clock, this.#wrap);
    this.#open.set(connection.socket, connection);
    this.#sweeping ??= this.#clock.every(SWEEP_INTERVAL_MS, () => this.#all().forEach((each) => each.sweep()));
    connection.stream.once("close", () => this.#closed(connection));
    return connection;
  }

  /** Has what follows on a connection be TLS; the socket to speak HTTP on. */
  intercept(connection: Connection, interception: Interception): Duplex {
    this.#open.delete(connection.socket);
    connection.intercept(interception);
    this.#open.set(connection.socket, connection);
    return connection.socket;
  }

  /** The connection that a socket belongs to. */
  of(socket: unknown): Connection | undefined {
    return this.#open.get(socket);
  }

  /** Closes those on which nothing is served. */
  closeIdle(): void {
    for (const connection of this.#all()) {
      if (!connection.isBusy) connection.stream.destroy();
    }
  }

  /** Closes all, and waits until they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#all()) connection.stream.destroy();
    this.#changed();
    while (this.#open.size > 0) await this.#roomMade.promise;
  }

  #closed(connection: Connection): void {
    this.#open.delete(connection.socket);
    if (this.#open.size === 0) {
      this.#sweeping?.[Symbol.dispose]();
      this.#sweeping = undefined;
    }
    this.#changed();
  }

  #all(): Connection[] {
    return [...this.#open.values()];
  }

  #longestIdle(): Connection | undefined {
    let found: Connection | undefined;
    for (const connection of this.#open.values()) {
      const since = connection.idleSinceMs;
      if (since !== undefined && since < (found?.idleSinceMs ?? Infinity)) found = connection;
    }
    return found;
  }

  #changed(): void {
    this.#roomMade.resolve();
    this.#roomMade = Promise.withResolvers();
  }
}
