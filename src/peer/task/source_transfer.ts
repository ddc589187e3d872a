import { errorText } from "../../core/error.ts";
import { pieceAt, pieceRange, type PieceRun } from "../../core/piece.ts";
import type { SourceBody } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import type { PieceWriter } from "../storage/storage.ts";
import { SlowSource, type SourcePace } from "./source_pace.ts";
import type { SourceStage, SourceVersion } from "./source_stage.ts";

/** A content is asked for again where it stopped so often, as long as no new byte comes. */
const ATTEMPTS_MAX = 5;
/** As often a source that answers 5xx is asked in total. */
const REFUSED_ATTEMPTS_MAX = 3;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 2_000;
const BUFFER_BYTES = 1024 * 1024;
/** Bytes that others have fetched meanwhile pass by, for another request costs more; not if they are so many. */
const PASSED_BYTES_MAX = 4 * 1024 * 1024;
/** Answers that are about the requester and not about the content: another requester may fare better. */
const REFUSALS = new Set([401, 403, 404]);

/** What a transfer shares with the others of its download. */
export interface TransferParts extends SourceStage {
  readonly version: SourceVersion;
  readonly pace: SourcePace;
  /** Whether another transfer is at this piece. */
  readonly isFetched: (number: number) => boolean;
}

/** Fetches a run of pieces. One that breaks off goes on at the byte where it stopped. */
export class SourceTransfer {
  readonly #parts: TransferParts;
  readonly #start: number;
  #end: number;
  readonly #acceptsRanges: boolean;
  #position: number;
  #writer: PieceWriter | undefined;
  /** The piece that is being written, until it counts. */
  #writing: number | undefined;
  #pieceStartedAt = 0;
  #spentMs = 0;
  #finishedCount = 0;
  #hasGivenHeadStart = false;
  #buffer = new Uint8Array(BUFFER_BYTES);

  constructor(parts: TransferParts, { first, last }: PieceRun, acceptsRanges: boolean) {
    const { plan } = parts.stored.record;
    this.#parts = parts;
    this.#start = pieceRange(plan, first).start;
    this.#end = pieceRange(plan, last).end;
    this.#position = this.#start;
    this.#acceptsRanges = acceptsRanges;
  }

  /** The piece that it is at, and the last one that it is to fetch; undefined when it is at its end. */
  get ahead(): PieceRun | undefined {
    const { plan } = this.#parts.stored.record;
    const first = this.#writing ?? (this.#position < this.#end ? pieceAt(plan, this.#position) : undefined);
    return first === undefined ? undefined : { first, last: pieceAt(plan, this.#end - 1) };
  }

  /** `begun` is a transfer of the range that has begun. */
  async run(signal: AbortSignal, begun?: SourceBody): Promise<void> {
    let first = begun;
    const { clock, random, log, requests } = this.#parts;
    let failures = 0;
    let furthest = this.#position;
    try {
      while (this.#position < this.#end) {
        const asked = requests.current;
        try {
          const body = first;
          first = undefined;
          await this.#stream(signal, body);
        } catch (error) {
          signal.throwIfAborted();
          if (this.#position > furthest) failures = 0;
          furthest = Math.max(furthest, this.#position);
          if (error instanceof SlowSource) continue;
          // Another transfer has left that requester meanwhile: the one who took his place is not to blame.
          if (requests.current !== asked && !isAboutRange(error)) {
            failures = 0;
            continue;
          }
          const status = sourceAnswerOf(error)?.status;
          if (status !== undefined && REFUSALS.has(status) && requests.refused()) continue;
          const attemptsMax = status === undefined ? ATTEMPTS_MAX : REFUSED_ATTEMPTS_MAX;
          if (!isResumable(error) || ++failures >= attemptsMax) {
            if (!this.#mayChangeSource || isAboutRange(error) || !requests.failed()) throw error;
            failures = 0;
            log.warn("The source fails, and another requester's is asked", { error: errorText(error) });
            continue;
          }
          log.info("The source broke off and is asked again", { position: this.#position, error: errorText(error) });
          const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1));
          await clock.sleep(Math.round(pauseMs * (0.5 + random.float() / 2)), signal);
        }
      }
    } finally {
      this.#forgetPiece();
    }
  }

  async #stream(signal: AbortSignal, begun?: SourceBody): Promise<void> {
    const { source, requests, version, pace, sourceLimit, stored } = this.#parts;
    if (!this.#acceptsRanges) this.#restart();
    const range = { start: this.#position, end: this.#end };
    const slow = pace.signal;
    try {
      const either = AbortSignal.any([signal, slow]);
      await using body = begun ?? await pace.waited(source.read(requests.current, range, version.content, either));
      // A transfer that was begun for somebody else does not end with our signal.
      const onAbort = () => void body[Symbol.asyncDispose]();
      if (begun !== undefined) {
        either.throwIfAborted();
        either.addEventListener("abort", onAbort, { once: true });
      }
      version.answered(body);
      while (true) {
        const buffer = this.#buffer.length > 0 ? this.#buffer : new Uint8Array(BUFFER_BYTES);
        const step = await pace.waited(body.read(buffer));
        if (step === null) return;
        await this.#take(step.bytes);
        await this.#giveHeadStart(either);
        await sourceLimit.pass(stored.record.taskId, step.bytes.length, either);
        this.#buffer = new Uint8Array(step.bytes.buffer);
        if (this.#end < range.end && this.#position >= this.#end) return;
      }
    } catch (error) {
      throw slow.aborted ? slow.reason : error;
    }
  }

  /** Others get the first piece of the content before more is taken in. */
  async #giveHeadStart(signal: AbortSignal): Promise<void> {
    if (this.#hasGivenHeadStart || this.#finishedCount === 0 || this.#position >= this.#end) return;
    this.#hasGivenHeadStart = true;
    await this.#parts.headStart?.(signal);
  }

  /** Only a digest tells that two URLs have the same bytes. */
  get #mayChangeSource(): boolean {
    return this.#parts.stored.record.digest !== undefined;
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#parts.pace.count(bytes.length);
    const { plan } = this.#parts.stored.record;
    for (let left = bytes; left.length > 0;) {
      const { start, end } = pieceRange(plan, pieceAt(plan, this.#position));
      if (this.#position === start) {
        if (this.#endsHere()) return;
        this.#beginPiece();
      }
      const part = left.subarray(0, end - this.#position);
      await this.#writer?.write(part);
      this.#position += part.length;
      left = left.subarray(part.length);
      if (this.#position === end) await this.#endPiece();
    }
  }

  /** Ends the transfer early when nobody wants what is next, another one is there, or others have brought much of it. */
  #endsHere(): boolean {
    const { stored, isFetched, wanted } = this.#parts;
    const { plan } = stored.record;
    const next = pieceAt(plan, this.#position);
    const isLeft = !wanted.isWanted(next, plan);
    let number = next;
    while (number <= pieceAt(plan, this.#end - 1) && stored.isRecorded(number)) number++;
    const passed = (number - next) * plan.pieceLength;
    const isAtEnd = this.#position + passed >= this.#end;
    if (!this.#acceptsRanges || !(isLeft || isFetched(next) || passed > PASSED_BYTES_MAX || (passed > 0 && isAtEnd))) {
      return false;
    }
    this.#end = this.#position;
    return true;
  }

  /** A piece that is there already has no writer: its bytes pass by. */
  #beginPiece(): void {
    const { stored } = this.#parts;
    const number = pieceAt(stored.record.plan, this.#position);
    this.#writer = stored.openPiece(number, { isReadable: true });
    if (this.#writer !== undefined) this.#writing = number;
    this.#pieceStartedAt = this.#parts.clock.now();
  }

  async #endPiece(): Promise<void> {
    if (this.#writer === undefined) return;
    // The mean so far: pieces of a stream come in bursts, and schedulers take a host whose last piece cost 20 times the
    // mean of the others for a bad parent (wire.md §4.6). Nothing is free, or whatever follows would be such a piece.
    this.#spentMs += this.#parts.clock.now() - this.#pieceStartedAt;
    this.#finishedCount++;
    const costMs = Math.max(1, Math.round(this.#spentMs / this.#finishedCount));
    const record = await this.#writer.commit({ parentId: "", trafficType: "back_to_source", costMs });
    this.#forgetPiece();
    this.#parts.onPiece(record);
  }

  #restart(): void {
    this.#forgetPiece();
    this.#position = this.#start;
  }

  #forgetPiece(): void {
    this.#writer?.[Symbol.dispose]();
    this.#writer = undefined;
    this.#writing = undefined;
  }
}

/** It is no fault of the source: it was asked for a part, or for a version, that it does not give. */
function isAboutRange(error: unknown): boolean {
  const answer = sourceAnswerOf(error);
  return answer === undefined || answer.ignoresRange === true || answer.isOtherVersion === true;
}

/** Whether asking again may help: the transfer broke, or the source itself is in trouble. */
function isResumable(error: unknown): boolean {
  const status = sourceAnswerOf(error)?.status;
  return !isAboutRange(error) && (status === undefined || status >= 500);
}
