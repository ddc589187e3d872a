import type { ByteRange } from "../../core/byte_range.ts";
import { pieceAt, piecesOf } from "../../core/piece.ts";
import type { StoredTask } from "../storage/storage.ts";
import { EarlyBytes, wrongBytes } from "./early_bytes.ts";

/** The most that one read gives. */
const READ_BYTES = 256 * 1024;

/** A task as its readers see it. */
export interface ReadableTask {
  /** Where the bytes are now. */
  readonly stored: StoredTask;
  /** Aborts, with the cause, when the download has failed. */
  readonly failed: AbortSignal;
  /** Resolves with what `stored` was replaced by, if that happens; rejects when it never will, or `signal` aborts. */
  replaced(signal: AbortSignal): Promise<StoredTask>;
  /** A reader waits for bytes that are not there. */
  onWait(): void;
  /** Whether only what is read is fetched, so that the content may never be complete here. */
  readonly isOnlyRead?: boolean;
}

/** Where a reader is; its download fetches that first. */
export interface ReaderPosition {
  position: number;
  /** Where it ends. */
  readonly end: number;
}

/**
 * The bytes of `range` as a byte stream that reads only when it is pulled. What comes from the source is given before its
 * piece is complete. The last byte of the content is held back until the task is sealed, so that nobody holds all of an
 * unverified content; but not from who reads only an end of it, where nothing else is fetched.
 */
export function readTask(
  task: ReadableTask,
  range: ByteRange,
  readers: Set<ReaderPosition>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stop = new AbortController();
  const reader = new TaskReader(task, range, AbortSignal.any([stop.signal, task.failed]));
  const leave = () => void readers.delete(reader);
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: READ_BYTES,
    start(controller) {
      if (range.start >= range.end) controller.close();
      else readers.add(reader);
    },
    async pull(controller) {
      const request = controller.byobRequest;
      if (request?.view == null) return;
      const { buffer, byteOffset, byteLength } = request.view;
      try {
        const count = await reader.read(new Uint8Array(buffer, byteOffset, Math.min(byteLength, READ_BYTES)));
        request.respond(count);
        if (reader.position < range.end) return;
        leave();
        controller.close();
      } catch (error) {
        leave();
        if (!stop.signal.aborted) throw error;
      }
    },
    cancel(reason) {
      leave();
      stop.abort(reason);
    },
  }, { highWaterMark: 0 });
}

class TaskReader implements ReaderPosition {
  position: number;
  readonly end: number;
  readonly #task: ReadableTask;
  readonly #range: ByteRange;
  readonly #signal: AbortSignal;
  #stored: StoredTask;
  /** Of the piece at which the reader is, as long as that was not there. */
  #early: EarlyBytes | undefined;

  constructor(task: ReadableTask, range: ByteRange, signal: AbortSignal) {
    this.#task = task;
    this.#range = range;
    this.#signal = signal;
    this.#stored = task.stored;
    this.position = range.start;
    this.end = range.end;
  }

  /** Fills the beginning of `buffer` with the next bytes, at least one. */
  async read(buffer: Uint8Array): Promise<number> {
    while (true) {
      this.#signal.throwIfAborted();
      if (this.#isEarlyFinished()) await this.#settleEarly();
      // Found out in one step with the wait for a change, or one would be missed.
      const reading = this.#readFinished(buffer) ?? this.#readEarly(buffer);
      if (reading !== undefined) {
        const count = await reading;
        this.position += count;
        return count;
      }
      if (this.#stored.isDeleted) {
        await this.#follow();
        continue;
      }
      const change = this.#stored.nextBytes(this.#signal, pieceAt(this.#stored.record.plan, this.position));
      this.#task.onWait();
      await change;
    }
  }

  /** Reads of what is finished, if that is next. */
  #readFinished(buffer: Uint8Array): Promise<number> | undefined {
    const end = this.#readableEnd(this.position + buffer.length);
    if (end <= this.position || this.#early !== undefined) return undefined;
    return this.#stored.read(buffer.subarray(0, end - this.position), this.position);
  }

  /** Reads of the next piece while it comes, if something new of it is there. */
  #readEarly(buffer: Uint8Array): Promise<number> | undefined {
    const { plan } = this.#stored.record;
    const end = Math.min(this.position + buffer.length, this.#unsealedEnd);
    const piece = this.#early?.piece ?? this.#stored.coming(pieceAt(plan, this.position));
    // Once the piece is being written by somebody else, only all of it tells whether the bytes so far are right.
    if (piece === undefined || piece.isForgotten || Math.min(piece.end, end) <= this.position) return undefined;
    this.#early ??= new EarlyBytes(piece, this.position);
    return this.#early.read(this.#stored, buffer.subarray(0, end - this.position));
  }

  #isEarlyFinished(): boolean {
    return this.#early !== undefined && this.#stored.piece(this.#early.piece.number) !== undefined;
  }

  /** The piece of which some bytes were given early is finished: it must have those. */
  async #settleEarly(): Promise<void> {
    const early = this.#early;
    this.#early = undefined;
    if (early?.piece.isForgotten === true) await early.confirm(this.#stored);
  }

  /** What is given ends here before the task is sealed. */
  get #unsealedEnd(): number {
    const { contentLength } = this.#stored.record.plan;
    const givesEnd = this.#task.isOnlyRead === true && this.#range.start > 0;
    return Math.min(this.#range.end, givesEnd ? contentLength : contentLength - 1);
  }

  /** The end of the finished bytes from our position on, looking no further than `limit`. */
  #readableEnd(limit: number): number {
    const { plan, isSealed } = this.#stored.record;
    if (isSealed) return Math.min(limit, this.#range.end);
    const wanted = Math.min(limit, this.#unsealedEnd);
    let end = this.position;
    while (end < wanted) {
      const number = pieceAt(plan, end);
      if (this.#stored.piece(number) === undefined) break;
      end = (number + 1) * plan.pieceLength;
    }
    return Math.min(end, wanted);
  }

  /**
   * The content turned out to be wrong and was fetched anew. Who got only bytes that were right can go on; the others
   * must learn that theirs were wrong.
   */
  async #follow(): Promise<void> {
    const before = this.#stored;
    const after = await this.#task.replaced(this.#signal);
    while (!after.record.isSealed) {
      // Wrong again: the download is about to fail, and that ends the wait.
      if (after.isDeleted) await untilAborted(this.#signal);
      await after.nextChange(this.#signal);
    }
    const given = piecesOf(after.record.plan, { start: this.#range.start, end: this.position });
    const isRight = given.every((number) => before.piece(number)?.digest === after.piece(number)?.digest);
    if (!isRight) throw wrongBytes();
    this.#stored = after;
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
