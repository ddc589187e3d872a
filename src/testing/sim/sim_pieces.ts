import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import type { PiecePlan } from "../../core/piece.ts";
import { BufferPool } from "../../peer/piece/buffer_pool.ts";
import { AskedPieces, hasPiece, planOfChild } from "../../peer/upload/asked_piece.ts";
import type { Turns } from "../../peer/upload/turns.ts";
import type { FetchedPiece, PieceClient, PieceSink, WantedPiece } from "../../peer/piece/vortex_client.ts";
import { PIECE_CLIENT_LIMITS } from "../../peer/piece/vortex_client.ts";
import type { Storage, StoredTask } from "../../peer/storage/storage.ts";
import type { Endpoint } from "../../runtime/net.ts";
import { GRAIN_BYTES } from "./content.ts";
import type { SimNet, SimNode } from "./sim_net.ts";

/** A piece that takes longer is handed on as it comes, so that whoever waits sees that it moves. */
const PROGRESS_MS = 1_000;
/** Bytes that are copied from one storage to another at a time, and how many copy at a time: to make a buffer costs most. */
const BUFFER_BYTES = 4 * 1024 * 1024;
const BUFFERS_MAX = 8;

/** Who has pieces to give. */
export interface PieceGiver {
  readonly node: SimNode;
  readonly storage: Storage;
  readonly turns: Turns;
  /** Changes what it gives: it lies. */
  lie: ((wanted: WantedPiece, bytes: Uint8Array) => void) | undefined;
  /** Notes what it gave. */
  sent(bytes: number): void;
}

/** Pieces between hosts, over the lines of the network and out of the storages of both. */
export class SimPieces {
  readonly #net: SimNet;
  readonly #givers = new Map<string, PieceGiver>();
  readonly #asked = new AskedPieces();
  readonly #buffers = new BufferPool(BUFFER_BYTES, BUFFERS_MAX);
  /** Pieces that were asked for, and those that did not come. */
  readonly counts = { asked: 0, failed: 0 };

  constructor(net: SimNet) {
    this.#net = net;
  }

  /** Gives pieces away; disposing it ends that. */
  serve(giver: PieceGiver): Disposable {
    const { ip } = giver.node;
    this.#givers.set(ip, giver);
    return {
      [Symbol.dispose]: () => {
        if (this.#givers.get(ip) === giver) this.#givers.delete(ip);
      },
    };
  }

  /** The client of one host. */
  clientFor(node: SimNode): PieceClient {
    return {
      fetchPiece: async (from, wanted, sink, signal) => {
        this.counts.asked++;
        try {
          return await this.#fetch(node, from, wanted, sink, signal);
        } catch (error) {
          this.counts.failed++;
          throw error;
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async #fetch(
    to: SimNode,
    { hostname }: Endpoint,
    wanted: WantedPiece,
    sink: PieceSink,
    signal: AbortSignal,
  ): Promise<FetchedPiece> {
    const latencyMs = this.#net.latencyMs(to.ip, hostname);
    await this.#net.clock.sleep(2 * (latencyMs ?? PIECE_CLIENT_LIMITS.connectTimeoutMs / 2), signal);
    if (latencyMs === undefined) throw new DamselflyError("timeout", `Cannot connect to ${hostname}`);
    const giver = this.#givers.get(hostname);
    if (giver === undefined) throw broken(hostname, "connection refused");
    const task = giver.storage.find(wanted.taskId);
    const cannot = () => new DamselflyError("not_found", `${hostname} does not have piece ${wanted.number}`);
    if (task === undefined) throw cannot();
    using _held = task.hold();
    const plan = planOfChild(task.record, wanted.pieceLength);
    if (!hasPiece(task, plan, wanted.number)) throw cannot();
    const piece = await this.#record(task, plan, wanted.number, signal);
    if (piece === undefined) throw cannot();
    using _sending = giver.turns.sending(task, wanted.number);
    await this.#carry({ giver, task, to, wanted, sink }, signal);
    return { digest: giver.lie === undefined ? piece.digest : "" };
  }

  async #carry({ giver, task, to, wanted, sink }: Transfer, signal: AbortSignal): Promise<void> {
    const { clock, flows } = this.#net;
    const flow = this.#net.start(giver.node, to, wanted.length);
    let [written, progressAt] = [0, clock.now()];
    try {
      while (written < wanted.length) {
        await this.#net.moved(flow, wanted.length, PROGRESS_MS, signal);
        const moved = flow.movedBy(clock.now());
        const there = moved > wanted.length - 1 ? wanted.length : GRAIN_BYTES * Math.floor(moved / GRAIN_BYTES);
        if (there > written) {
          await this.#copy({ giver, task, wanted, sink }, { start: written, end: there }, signal);
          giver.sent(there - written);
          [written, progressAt] = [there, clock.now()];
        } else if (clock.now() - progressAt >= PIECE_CLIENT_LIMITS.progressTimeoutMs) {
          throw new DamselflyError("timeout", `Cannot get a piece from ${giver.node.ip}: it sent nothing`);
        }
      }
    } finally {
      flows.end(flow);
    }
  }

  async #record(task: StoredTask, plan: PiecePlan, number: number, signal: AbortSignal) {
    using buffer = await this.#buffers.take(signal);
    return await this.#asked.record(task, plan, number, buffer.bytes);
  }

  /** Hands on the bytes of a part of the piece. */
  async #copy({ giver, task, wanted, sink }: Omit<Transfer, "to">, { start, end }: ByteRange, signal: AbortSignal) {
    using buffer = await this.#buffers.take(signal);
    for (let at = start; at < end; at += BUFFER_BYTES) {
      const bytes = buffer.bytes.subarray(0, Math.min(BUFFER_BYTES, end - at));
      await readFrom(giver, task, bytes, wanted.offset + at);
      giver.lie?.(wanted, bytes);
      await sink.write(bytes);
    }
  }
}

interface Transfer {
  readonly giver: PieceGiver;
  readonly task: StoredTask;
  readonly to: SimNode;
  readonly wanted: WantedPiece;
  readonly sink: PieceSink;
}

async function readFrom({ node }: PieceGiver, task: StoredTask, bytes: Uint8Array, position: number): Promise<void> {
  try {
    await task.read(bytes, position);
  } catch (cause) {
    throw broken(node.ip, "the connection ended within a piece", cause);
  }
}

function broken(hostname: string, why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("unavailable", `Cannot get a piece from ${hostname}: ${why}`, { cause });
}
