import { DamselflyError, errorText } from "../../core/error.ts";
import { type PiecePlan, pieceRange } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Gauge, Metrics } from "../../runtime/metrics.ts";
import type { Conn, Endpoint, Listener, Net } from "../../runtime/net.ts";
import { type BandwidthLimit, UNLIMITED } from "../piece/bandwidth_limit.ts";
import { BufferPool } from "../piece/buffer_pool.ts";
import {
  decodeHeader,
  decodeRequest,
  encodeContent,
  encodeError,
  familyOfRequest,
  type PieceFamily,
  REQUEST_VALUE_BYTES,
  VORTEX_HEADER_BYTES,
  type VortexRequest,
} from "../piece/vortex.ts";
import type { PieceRecord, Storage, StoredTask } from "../storage/storage.ts";
import { AskedPieces, hasPiece, planOfChild } from "./asked_piece.ts";
import type { HeadStarts } from "../task/head_start.ts";
import type { Turns } from "./turns.ts";

/** Piece bytes are read and sent in blocks of this size: reads of up to 256 KiB are cheapest (deno-platform.md §2). */
const BLOCK_BYTES = 256 * 1024;
/** Room for what goes before the first block, so that a piece of whole blocks needs no send more than it has blocks. */
const HEAD_ROOM_BYTES = 1024;

/** How often silent connections are looked for. */
const SWEEP_INTERVAL_MS = 1_000;

/** The pause after a connection could not be accepted. */
const ACCEPT_RETRY_MS = 100;

/** What servers send, `TrafficType` REMOTE_PEER (wire.md §2.11). */
const TRAFFIC_TYPE_REMOTE_PEER = 1;

/** Limits of a piece server. */
export interface PieceServerLimits {
  /** Connections at a time. Beyond it the longest unused one is closed; when all are in use, the new one. */
  readonly connectionsMax: number;
  /** Pieces that are sent at a time, each with a buffer of 256 KiB; more wait their turn. */
  readonly sendsMax: number;
  /** How long a connection may be unused. Longer than our clients keep theirs, so that it is they who close. */
  readonly idleTimeoutMs: number;
  /** How long a request may take from its first to its last byte. */
  readonly requestTimeoutMs: number;
  /** How long a child may take nothing of what it is sent. */
  readonly progressTimeoutMs: number;
}

/** The limits that hold when nothing else is said. */
export const PIECE_SERVER_LIMITS: PieceServerLimits = {
  connectionsMax: 4_096,
  sendsMax: 256,
  idleTimeoutMs: 60_000,
  requestTimeoutMs: 5_000,
  progressTimeoutMs: 30_000,
};

/** What {@link startPieceServer} needs. */
export interface PieceServerOptions {
  /** Port 0 takes any free one. */
  readonly listen: Endpoint;
  readonly storage: Storage;
  /** The storage of the persistent cache; without one, nothing of that is here. */
  readonly cacheStorage?: Storage;
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called with the bytes of pieces as they are sent. */
  readonly onSent: (bytes: number) => void;
  /** Of all that is sent, shared by the hosts of children; left out, there is none. */
  readonly limit?: BandwidthLimit;
  /** Learns which pieces are asked for. */
  readonly turns?: Turns;
  readonly headStarts?: HeadStarts;
  readonly limits?: Partial<PieceServerLimits>;
}

/** A server that hands pieces to other peers; disposing it closes all connections. */
export interface PieceServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** Serves finished pieces over TCP (wire.md §2.11). Throws `already_exists` when the port is in use. */
export function startPieceServer(options: PieceServerOptions): PieceServer {
  return new VortexServer(options, options.net.listen(options.listen));
}

/** What a child asks for. */
interface PieceRequest extends VortexRequest {
  readonly family: PieceFamily;
}

/** The names of the families in metrics (wire.md §1.1, `TaskType`). */
const TYPE_NAMES = { standard: "STANDARD", persistent_cache: "PERSISTENT_CACHE" } as const;

/** "held": by our own limit, and not by the child. */
type ChildState = "idle" | "requesting" | "sending" | "held";

class VortexServer implements PieceServer {
  readonly hostname: string;
  readonly port: number;
  readonly #storages: Record<PieceFamily, Storage | undefined>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listener: Listener;
  readonly #limits: PieceServerLimits;
  readonly #buffers: BufferPool;
  readonly #asked = new AskedPieces();
  readonly #children = new Set<Child>();
  readonly #serving = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #sweep: Disposable;
  readonly #accepting: Promise<void>;
  readonly #traffic: Counter;
  readonly #sends: Gauge;
  readonly #onSent: (bytes: number) => void;
  readonly #limit: BandwidthLimit;
  readonly #turns: Turns | undefined;
  readonly #headStarts: HeadStarts | undefined;

  constructor(options: PieceServerOptions, listener: Listener) {
    const { storage: standard, cacheStorage, clock, log, metrics, onSent } = options;
    this.#storages = { standard, persistent_cache: cacheStorage };
    this.#clock = clock;
    this.#log = log;
    this.#onSent = onSent;
    this.#limit = options.limit ?? UNLIMITED;
    this.#turns = options.turns;
    this.#headStarts = options.headStarts;
    this.#limits = { ...PIECE_SERVER_LIMITS, ...options.limits };
    this.#buffers = new BufferPool(HEAD_ROOM_BYTES + BLOCK_BYTES, this.#limits.sendsMax);
    this.#traffic = metrics.counter("dragonfly_client_upload_traffic", "Bytes of pieces sent to other peers.", [
      "type",
    ]);
    this.#sends = metrics.gauge("dragonfly_client_concurrent_upload_piece_total", "Pieces being sent to other peers.");
    this.#listener = listener;
    this.hostname = listener.hostname;
    this.port = listener.port;
    this.#sweep = clock.every(SWEEP_INTERVAL_MS, () => this.#closeSilent());
    this.#accepting = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DamselflyError("cancelled", "The piece server is closed"));
    this.#listener[Symbol.dispose]();
    this.#sweep[Symbol.dispose]();
    for (const child of this.#children) child.conn.close();
    await this.#accepting;
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const conn of this.#listener) this.#welcome(conn);
      } catch (error) {
        // Too many open files, most likely: some will be closed.
        this.#log.warn("The piece server could not accept a connection", { error: errorText(error) });
        await this.#clock.sleep(ACCEPT_RETRY_MS, signal).catch(() => undefined); // the loop sees the signal
      }
    }
  }

  #welcome(conn: Conn): void {
    if (!this.#makeRoom()) return conn.close();
    const serving = this.#serve(conn).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  /** Whether one more connection may be had, at the cost of the one that has been unused for longest. */
  #makeRoom(): boolean {
    if (this.#children.size < this.#limits.connectionsMax) return !this.#closing.signal.aborted;
    const unused = [...this.#children].filter(({ state }) => state === "idle");
    const oldest = unused.reduce<Child | undefined>(
      (a, b) => a !== undefined && a.sinceMs <= b.sinceMs ? a : b,
      undefined,
    );
    if (oldest === undefined) return false;
    this.#children.delete(oldest);
    oldest.conn.close();
    return true;
  }

  #closeSilent(): void {
    const { idleTimeoutMs, requestTimeoutMs, progressTimeoutMs } = this.#limits;
    const limitMs = { idle: idleTimeoutMs, requesting: requestTimeoutMs, sending: progressTimeoutMs, held: Infinity };
    const nowMs = this.#clock.now();
    for (const child of this.#children) {
      if (nowMs - child.sinceMs >= limitMs[child.state]) child.conn.close();
    }
  }

  /** Answers one request after the other until the child closes, errs or is silent. Never rejects. */
  async #serve(conn: Conn): Promise<void> {
    const child = new Child(conn, this.#clock);
    this.#children.add(child);
    try {
      for (let request = await child.nextRequest(); request !== undefined; request = await child.nextRequest()) {
        await this.#answer(child, request);
      }
    } catch (error) {
      // A child that goes away, in the middle of a piece even, is everyday life. Only our own errors are worth a line.
      if (error instanceof DamselflyError && !this.#closing.signal.aborted) {
        this.#log.warn("A piece could not be sent", { child: conn.remote.hostname, error: errorText(error) });
      }
    } finally {
      this.#children.delete(child);
      conn.close();
    }
  }

  async #answer(child: Child, { family, taskId, pieceNumber, pieceLength }: PieceRequest): Promise<void> {
    child.enter("sending");
    const cannot = (why: string) => encodeError("not_found", `Cannot send piece ${pieceNumber} of ${taskId}: ${why}`);
    const task = this.#storages[family]?.find(taskId);
    if (task === undefined) return await child.write(cannot("the task is not here"));
    const plan = planOfChild(task.record, pieceLength);
    if (!hasPiece(task, plan, pieceNumber)) return await child.write(cannot("the piece is not finished"));
    using _held = task.hold();
    using _sending = this.#turns?.sending(task, pieceNumber);
    using buffer = await this.#buffers.take(this.#closing.signal);
    this.#sends.inc();
    try {
      const piece = await this.#asked.record(task, plan, pieceNumber, buffer.bytes.subarray(0, BLOCK_BYTES));
      if (piece === undefined) return await child.write(cannot("the task was deleted"));
      await this.#send(child, family, { task, plan, piece }, buffer.bytes);
      this.#headStarts?.given(task);
    } finally {
      this.#sends.dec();
    }
  }

  async #send(
    child: Child,
    family: PieceFamily,
    { task, plan, piece }: { readonly task: StoredTask; readonly plan: PiecePlan; readonly piece: PieceRecord },
    buffer: Uint8Array,
  ): Promise<void> {
    const { start, end } = pieceRange(plan, piece.number);
    const content = {
      pieceNumber: piece.number,
      offset: start,
      length: end - start,
      digest: piece.digest,
      parentId: piece.parentId,
      trafficType: TRAFFIC_TYPE_REMOTE_PEER,
      costSeconds: Math.floor(piece.costMs / 1000),
      createdAtSeconds: Math.floor(piece.finishedAtMs / 1000),
    };
    const head = encodeContent(content, family);
    buffer.set(head);
    let used = head.length;
    for (let position = start; position < end; used = 0) {
      const block = buffer.subarray(used, used + Math.min(BLOCK_BYTES, buffer.length - used, end - position));
      position += await task.read(block, position);
      for (let left = buffer.subarray(0, used + block.length); left.length > 0;) {
        // In small parts when others want it too, so that each child sees that it is served.
        const taken = this.#take(child, left.length);
        const part = left.subarray(0, typeof taken === "number" ? taken : await taken);
        await child.write(part);
        left = left.subarray(part.length);
      }
      this.#traffic.inc({ type: TYPE_NAMES[family] }, block.length);
      this.#onSent(block.length);
    }
  }

  /** How much may be sent to a child, which is not silent while it has to wait for that. */
  #take(child: Child, bytes: number): Promise<number> | number {
    const taken = this.#limit.take(child.conn.remote.hostname, bytes, this.#closing.signal);
    if (typeof taken === "number") return taken;
    child.enter("held");
    return taken.finally(() => child.enter("sending"));
  }
}

/** A connection of a child, and what it is doing since when. */
class Child {
  readonly conn: Conn;
  readonly #clock: Clock;
  readonly #buffer = new Uint8Array(VORTEX_HEADER_BYTES + REQUEST_VALUE_BYTES.max);
  /** Bytes in the buffer that belong to the next request. */
  #filled = 0;
  state: ChildState = "idle";
  sinceMs: number;

  constructor(conn: Conn, clock: Clock) {
    this.conn = conn;
    this.#clock = clock;
    this.sinceMs = clock.now();
  }

  enter(state: ChildState): void {
    this.state = state;
    this.sinceMs = this.#clock.now();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.conn.write(bytes);
    this.sinceMs = this.#clock.now();
  }

  /** The next request; undefined when the child is done, or what it says is no request. */
  async nextRequest(): Promise<PieceRequest | undefined> {
    this.enter("idle");
    if (!await this.#fill(VORTEX_HEADER_BYTES)) return undefined;
    const { tag, valueLength } = decodeHeader(this.#buffer);
    const { min, max } = REQUEST_VALUE_BYTES;
    const family = familyOfRequest(tag);
    if (family === undefined || valueLength < min || valueLength > max) {
      await this.write(
        encodeError("invalid_argument", "Cannot answer: only requests for pieces of tasks are understood"),
      );
      return undefined;
    }
    const length = VORTEX_HEADER_BYTES + valueLength;
    if (!await this.#fill(length)) return undefined;
    try {
      return { family, ...decodeRequest(this.#buffer.subarray(VORTEX_HEADER_BYTES, length), tag) };
    } catch (error) {
      await this.write(encodeError("invalid_argument", errorText(error)));
      return undefined;
    } finally {
      this.#buffer.copyWithin(0, length, this.#filled);
      this.#filled -= length;
    }
  }

  /** Reads until `length` bytes are there; false when the stream ends before. */
  async #fill(length: number): Promise<boolean> {
    while (this.#filled < length) {
      const count = await this.conn.read(this.#buffer.subarray(this.#filled));
      if (count === null) return false;
      if (this.state === "idle") this.enter("requesting");
      this.#filled += count;
    }
    return true;
  }
}
