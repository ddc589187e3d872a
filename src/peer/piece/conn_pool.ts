import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Conn, Endpoint, Net } from "../../runtime/net.ts";

/** What a connection reads ahead of its user: enough for the head of an answer. */
const HEAD_BYTES = 1024;

/** Limits of a {@link ConnPool}; see `PieceClientLimits`. */
export interface ConnPoolLimits {
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
  readonly idlePerParentMax: number;
  readonly idleMax: number;
}

/** A connection to a parent, read in exact amounts. */
export class PieceConn {
  readonly remote: Endpoint;
  readonly #conn: Conn;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #start = 0;
  #end = 0;
  #pending: Promise<number | null> | undefined;
  #isClosed = false;

  constructor(conn: Conn, remote: Endpoint) {
    this.#conn = conn;
    this.remote = remote;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the parent sent more than it was asked for. */
  get hasLeftover(): boolean {
    return this.#end > this.#start;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#conn.write(bytes);
  }

  /** Fills `target`; false when the stream ends first. `onBytes` is called whenever some have come. */
  async readFull(target: Uint8Array, onBytes?: () => void): Promise<boolean> {
    let filled = this.#takeLeftover(target);
    while (filled < target.length) {
      const rest = filled === 0 ? target : target.subarray(filled);
      // Short reads go through the head, so that one read brings header and metadata together.
      const isShort = rest.length < HEAD_BYTES || this.#pending !== undefined;
      const count = isShort ? await this.#readHead(rest) : await this.#conn.read(rest);
      if (count === null) return false;
      filled += count;
      onBytes?.();
    }
    return true;
  }

  /** Watches an unused connection: `onActive` is called when the parent closes it, or breaks the silence. */
  watchIdle(onActive: () => void): void {
    this.#pending = this.#conn.read(this.#head);
    this.#pending.then(onActive, onActive);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#conn.close();
  }

  /** Resolves when the read of a closed, watched connection has ended too. */
  async untilQuiet(): Promise<void> {
    await this.#pending?.catch(() => undefined);
  }

  async #readHead(target: Uint8Array): Promise<number | null> {
    const pending = this.#pending ?? this.#conn.read(this.#head);
    this.#pending = undefined;
    const count = await pending;
    if (count === null) return null;
    this.#start = 0;
    this.#end = count;
    return this.#takeLeftover(target);
  }

  #takeLeftover(target: Uint8Array): number {
    const part = this.#head.subarray(this.#start, Math.min(this.#end, this.#start + target.length));
    target.set(part);
    this.#start += part.length;
    return part.length;
  }
}

/** What is unused of the connections to one parent. */
interface Idle {
  readonly oldest: PieceConn | undefined;
  readonly youngest: PieceConn | undefined;
  readonly count: number;
}

/**
 * Connections to parents that nobody uses just now. Stock peers close theirs after each piece and so never stay here;
 * our own leave them open.
 */
export class ConnPool implements AsyncDisposable {
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #limits: ConnPoolLimits;
  /** Unused connections, the longest unused first. */
  readonly #idle = new Map<PieceConn, { readonly key: string; readonly sinceMs: number }>();
  readonly #sweep: Disposable;
  #isClosed = false;

  constructor(deps: { readonly net: Net; readonly clock: Clock }, limits: ConnPoolLimits) {
    this.#net = deps.net;
    this.#clock = deps.clock;
    this.#limits = limits;
    this.#sweep = deps.clock.every(limits.idleMs / 4, () => this.#closeOld());
  }

  /** An unused connection to `to`, the youngest one. */
  takeIdle(to: Endpoint): PieceConn | undefined {
    const conn = this.#idleTo(keyOf(to)).youngest;
    if (conn !== undefined) this.#idle.delete(conn);
    return conn;
  }

  /** A new connection. Throws `unavailable`, `timeout`, or the signal's reason. */
  async connect(to: Endpoint, signal: AbortSignal): Promise<PieceConn> {
    using limit = this.#clock.deadline(this.#limits.connectTimeoutMs);
    try {
      return new PieceConn(await this.#net.connect(to, AbortSignal.any([signal, limit.signal])), to);
    } catch (cause) {
      if (signal.aborted || !limit.signal.aborted) throw cause;
      throw new DamselflyError(
        "timeout",
        `Cannot connect to ${keyOf(to)}: no answer for ${this.#limits.connectTimeoutMs} ms`,
        { cause },
      );
    }
  }

  /** Takes back a connection whose last answer was read to its end. */
  keep(conn: PieceConn): void {
    if (this.#isClosed || conn.isClosed) return conn.close();
    const key = keyOf(conn.remote);
    this.#idle.set(conn, { key, sinceMs: this.#clock.now() });
    conn.watchIdle(() => {
      if (this.#idle.has(conn)) this.#drop(conn);
    });
    const { oldest, count } = this.#idleTo(key);
    if (count > this.#limits.idlePerParentMax) this.#drop(oldest);
    if (this.#idle.size > this.#limits.idleMax) this.#drop(this.#idle.keys().next().value);
  }

  /** The unused connections to a parent. */
  #idleTo(key: string): Idle {
    let oldest: PieceConn | undefined;
    let youngest: PieceConn | undefined;
    let count = 0;
    for (const [conn, idle] of this.#idle) {
      if (idle.key !== key) continue;
      oldest ??= conn;
      youngest = conn;
      count++;
    }
    return { oldest, youngest, count };
  }

  #closeOld(): void {
    for (const [conn, { sinceMs }] of this.#idle) {
      if (this.#clock.now() - sinceMs < this.#limits.idleMs) return;
      this.#drop(conn);
    }
  }

  #drop(conn: PieceConn | undefined): void {
    if (conn === undefined) return;
    this.#idle.delete(conn);
    conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#sweep[Symbol.dispose]();
    const closed = [...this.#idle.keys()];
    for (const conn of closed) this.#drop(conn);
    await Promise.all(closed.map((conn) => conn.untilQuiet()));
  }
}

function keyOf({ hostname, port }: Endpoint): string {
  return `${hostname}:${port}`;
}
