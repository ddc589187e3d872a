import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Endpoint, Net } from "../../runtime/net.ts";
import { BufferPool } from "./buffer_pool.ts";
import { ConnPool, type PieceConn } from "./conn_pool.ts";
import {
  CONTENT_VALUE_BYTES_MAX,
  decodeContent,
  decodeError,
  decodeHeader,
  encodeRequest,
  ERROR_VALUE_BYTES_MAX,
  type PieceFamily,
  VORTEX_HEADER_BYTES,
  VORTEX_TAG,
  type VortexContent,
} from "./vortex.ts";

/** Piece bytes are read, checked and written in blocks of this size; twice of it was no faster (tests/bench). */
const BUFFER_BYTES = 256 * 1024;

/** Limits of a piece client. */
export interface PieceClientLimits {
  /** How long a connection may take to be there. */
  readonly connectTimeoutMs: number;
  /** How long a parent may send nothing while a piece is awaited. */
  readonly progressTimeoutMs: number;
  /** How long a connection that nobody uses is kept for the next piece. */
  readonly idleMs: number;
  /** Pieces that are fetched at a time, by all tasks together; more wait. */
  readonly fetchesMax: number;
  /** Unused connections that are kept, per parent and in total. */
  readonly idlePerParentMax: number;
  readonly idleMax: number;
}

/** The limits that hold when nothing else is said. */
export const PIECE_CLIENT_LIMITS: PieceClientLimits = {
  connectTimeoutMs: 2_000,
  progressTimeoutMs: 10_000,
  idleMs: 20_000,
  fetchesMax: 64,
  idlePerParentMax: 8,
  idleMax: 64,
};

/** The piece that is wanted; what the parent says of it must agree. */
export interface WantedPiece {
  readonly taskId: string;
  readonly number: number;
  /** Where the piece begins in the content, in bytes. */
  readonly offset: number;
  /** Bytes of the piece. */
  readonly length: number;
  /** By which piece length it is counted, when only our own parents count so. */
  readonly pieceLength?: number | undefined;
  /** The family that its task is of; "standard" when it is not said. */
  readonly family?: PieceFamily;
}

/** Takes the bytes of a piece in order; a `PieceWriter` of the storage is one. */
export interface PieceSink {
  /** The bytes are valid until the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
}

/** What the parent said of a piece that was fetched. */
export interface FetchedPiece {
  /** What the parent says the CRC-32 of the bytes is, `crc32:<decimal>`; empty when it does not say. */
  readonly digest: string;
}

/** Fetches pieces from parents over the piece protocol (wire.md §2.11). */
export interface PieceClient extends AsyncDisposable {
  /**
   * Writes the bytes of `wanted` to `sink`, all of them or else it throws: `not_found` (the parent does not have it),
   * `data_loss` (the parent contradicts what is known of the piece, or speaks nonsense), `timeout`, `unavailable`
   * (no connection, or it broke), what `sink` throws, or the signal's reason. Whether the digest is that of the bytes
   * is for the caller to check.
   */
  fetchPiece(from: Endpoint, wanted: WantedPiece, sink: PieceSink, signal: AbortSignal): Promise<FetchedPiece>;
}

/** The same client for the pieces of another family of tasks. */
export function pieceClientFor(family: PieceFamily, client: Pick<PieceClient, "fetchPiece">): PieceClient {
  return {
    fetchPiece: (from, wanted, sink, signal) => client.fetchPiece(from, { ...wanted, family }, sink, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What a piece client acts on. */
export interface PieceClientDeps {
  readonly net: Net;
  readonly clock: Clock;
}

/** Creates a client; disposing it closes its connections and fails what is under way. */
export function createPieceClient(deps: PieceClientDeps, limits: Partial<PieceClientLimits> = {}): PieceClient {
  return new VortexClient(deps, { ...PIECE_CLIENT_LIMITS, ...limits });
}

class VortexClient implements PieceClient {
  readonly #clock: Clock;
  readonly #conns: ConnPool;
  readonly #buffers: BufferPool;
  readonly #watches = new Set<Watch>();
  readonly #timer: Disposable;
  readonly #closing = new AbortController();

  constructor(deps: PieceClientDeps, limits: PieceClientLimits) {
    this.#clock = deps.clock;
    this.#conns = new ConnPool(deps, limits);
    this.#buffers = new BufferPool(BUFFER_BYTES, limits.fetchesMax);
    // One for all fetches: there are hundreds a second, and hardly one of them is ever late.
    const { progressTimeoutMs } = limits;
    this.#timer = deps.clock.every(progressTimeoutMs / 4, () => {
      for (const watch of this.#watches) watch.look(progressTimeoutMs);
    });
  }

  async fetchPiece(from: Endpoint, wanted: WantedPiece, sink: PieceSink, signal: AbortSignal): Promise<FetchedPiece> {
    const request = encodeRequest({ ...wanted, pieceNumber: wanted.number }, wanted.family);
    this.#throwIfOver(signal);
    using buffer = this.#buffers.takeFree() ?? await this.#buffers.take(this.#either(signal));
    const exchange = { request, wanted, sink, buffer: buffer.bytes, signal };
    const kept = this.#conns.takeIdle(from);
    if (kept !== undefined) {
      const fetched = await this.#exchange(kept, { ...exchange, isReused: true });
      if (fetched !== "closed") return fetched;
    }
    const conn = await this.#conns.connect(from, this.#either(signal));
    const fetched = await this.#exchange(conn, { ...exchange, isReused: false });
    if (fetched === "closed") throw broken(from, "the parent closed the connection");
    return fetched;
  }

  /** One request and its answer. "closed" when a connection from the pool turned out to be dead. */
  async #exchange(conn: PieceConn, exchange: Exchange): Promise<FetchedPiece | "closed"> {
    const { signal } = exchange;
    const watch = new Watch(this.#clock, conn);
    const onAbort = () => conn.close();
    let isReusable = false;
    this.#watches.add(watch);
    signal.addEventListener("abort", onAbort);
    try {
      this.#throwIfOver(signal);
      const content = await readContent(conn, exchange, watch);
      if (content === "closed") return "closed";
      isReusable = !conn.hasLeftover;
      return { digest: content.digest };
    } catch (error) {
      this.#throwIfOver(signal);
      throw watch.error ?? error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#watches.delete(watch);
      if (isReusable) this.#conns.keep(conn);
      else conn.close();
    }
  }

  /** For what happens seldom: a signal that is made of two costs as much as all else about a piece. */
  #either(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  #throwIfOver(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DamselflyError("cancelled", "The piece client is closed"));
    this.#timer[Symbol.dispose]();
    for (const { conn } of this.#watches) conn.close();
    await this.#conns[Symbol.asyncDispose]();
  }
}

interface Exchange {
  readonly request: Uint8Array;
  readonly wanted: WantedPiece;
  readonly sink: PieceSink;
  readonly buffer: Uint8Array;
  readonly signal: AbortSignal;
  readonly isReused: boolean;
}

/** Watches a connection, and closes it, which fails what waits on it, when nothing moves for too long. */
class Watch {
  readonly conn: PieceConn;
  readonly #clock: Clock;
  #progressAt: number;
  /** Set when it was silence that ended the exchange. */
  error: DamselflyError | undefined;

  constructor(clock: Clock, conn: PieceConn) {
    this.conn = conn;
    this.#clock = clock;
    this.#progressAt = clock.now();
  }

  moved(): void {
    this.#progressAt = this.#clock.now();
  }

  /** Time does not count until the next {@link moved}. */
  pause(): void {
    this.#progressAt = Infinity;
  }

  look(timeoutMs: number): void {
    if (this.#clock.now() - this.#progressAt < timeoutMs) return;
    const { hostname, port } = this.conn.remote;
    this.error = new DamselflyError(
      "timeout",
      `Cannot get a piece from ${hostname}:${port}: it sent nothing for ${timeoutMs} ms`,
    );
    this.conn.close();
  }
}

async function readContent(
  conn: PieceConn,
  exchange: Exchange,
  watch: Watch,
): Promise<VortexContent | "closed"> {
  const head = await requestHead(conn, exchange);
  if (head === "closed") return head;
  watch.moved();
  const { tag, valueLength } = decodeHeader(head);
  if (tag === VORTEX_TAG.error && valueLength <= ERROR_VALUE_BYTES_MAX) {
    throw decodeError(await value(conn, valueLength));
  }
  const { wanted, sink, buffer } = exchange;
  if (tag !== VORTEX_TAG[wanted.family ?? "standard"].content || valueLength > CONTENT_VALUE_BYTES_MAX) {
    throw nonsense(conn.remote, `a packet of tag ${tag} and length ${valueLength}`);
  }
  const content = parseContent(conn, await value(conn, valueLength));
  if (content.pieceNumber !== wanted.number || content.offset !== wanted.offset || content.length !== wanted.length) {
    const { pieceNumber, offset, length } = content;
    throw nonsense(conn.remote, `piece ${pieceNumber} at ${offset} of ${length} bytes for piece ${wanted.number}`);
  }
  for (let left = wanted.length; left > 0;) {
    const block = buffer.subarray(0, Math.min(left, buffer.length));
    const isWhole = await guarded(conn, conn.readFull(block, () => watch.moved()));
    if (!isWhole) throw broken(conn.remote, "the connection ended within a piece");
    watch.pause(); // the time that the disk takes is not the parent's
    await sink.write(block);
    watch.moved();
    left -= block.length;
  }
  return content;
}

/** Sends the request and reads the first bytes of the answer; a kept connection may show only now that it is dead. */
async function requestHead(conn: PieceConn, { request, isReused }: Exchange): Promise<Uint8Array | "closed"> {
  const head = new Uint8Array(VORTEX_HEADER_BYTES);
  try {
    await conn.write(request);
    if (await conn.readFull(head)) return head;
  } catch (error) {
    if (!isReused) throw toDamselflyError(error, "unavailable", `Cannot get a piece from ${conn.remote.hostname}`);
  }
  return "closed";
}

async function value(conn: PieceConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  if (!await guarded(conn, conn.readFull(bytes))) throw broken(conn.remote, "the connection ended within a packet");
  return bytes;
}

function parseContent(conn: PieceConn, bytes: Uint8Array): VortexContent {
  try {
    return decodeContent(bytes);
  } catch (cause) {
    throw nonsense(conn.remote, "a malformed packet", cause);
  }
}

async function guarded<T>(conn: PieceConn, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw toDamselflyError(error, "unavailable", `Cannot get a piece from ${conn.remote.hostname}:${conn.remote.port}`);
  }
}

function broken({ hostname, port }: Endpoint, why: string): DamselflyError {
  return new DamselflyError("unavailable", `Cannot get a piece from ${hostname}:${port}: ${why}`);
}

function nonsense({ hostname, port }: Endpoint, what: string, cause?: unknown): DamselflyError {
  return new DamselflyError("data_loss", `Cannot get a piece from ${hostname}:${port}: it sent ${what}`, { cause });
}
