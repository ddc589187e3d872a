import { DamselflyError, errorText } from "../../core/error.ts";
import { pieceAt, pieceRange } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { Source, SourceBody, SourceContent } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import type { PieceRecord, PieceWriter, StoredTask } from "../storage/storage.ts";
import { missingPieces, sourceRuns } from "./plan.ts";
import { originOf, type SourceRequests } from "./source_requests.ts";

/** A content is asked for again where it stopped so often, as long as no new byte comes. */
const ATTEMPTS_MAX = 5;
/** As often a source that answers 5xx is asked in total. */
const REFUSED_ATTEMPTS_MAX = 3;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 2_000;
const BUFFER_BYTES = 1024 * 1024;
/** A source that gives less is left for another one that a requester of the same digest named; measured over so long. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;
const PACE_MS = 2_000;
/** Answers that are about the requester and not about the content: another requester may fare better. */
const REFUSALS = new Set([401, 403, 404]);

/** What a fetch from the source works with. */
export interface SourceStage {
  readonly source: Source;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stored: StoredTask;
  readonly requests: SourceRequests;
  /** All of the content, if the source has begun to send it; it is disposed here. */
  readonly begun?: SourceBody | undefined;
  readonly acceptsRanges: boolean;
  /** The pieces that readers wait for now. */
  readonly readerPieces: () => Iterable<number>;
  readonly onPiece: (record: PieceRecord) => void;
}

/**
 * Fetches everything that is missing from the source: one request per run of missing pieces, pieces committed as
 * their bytes pass. A transfer that breaks off is resumed at the byte where it stopped. Throws `source_error`.
 */
export async function fetchFromSource(stage: SourceStage, signal: AbortSignal): Promise<void> {
  const { plan } = stage.stored.record;
  const version = new SourceVersion(stage.stored);
  let acceptsRanges = stage.acceptsRanges;
  await using _begun = stage.begun;
  let { begun } = stage;
  while (true) {
    const missing = missingPieces(plan, (number) => stage.stored.isRecorded(number));
    const [run] = sourceRuns(plan, missing, { acceptsRanges, readerPieces: stage.readerPieces() });
    if (run === undefined) {
      if (stage.stored.finishedPieceCount === plan.pieceCount) return;
      await stage.stored.checked(signal);
      continue;
    }
    const range = { start: pieceRange(plan, run.first).start, end: pieceRange(plan, run.last).end };
    try {
      const isWhole = run.first === 0 && run.last === plan.pieceCount - 1;
      const fetch = new RunFetch(stage, version, range, acceptsRanges);
      const body = isWhole ? begun : undefined;
      begun = undefined;
      await fetch.run(signal, body);
    } catch (error) {
      if (!acceptsRanges || sourceAnswerOf(error)?.ignoresRange !== true) throw error;
      acceptsRanges = false;
    }
  }
}

/** Which version of a content without a digest is fetched: that of the pieces that are here, else of the first answer. */
class SourceVersion {
  readonly #contentLength: number;
  readonly #hasDigest: boolean;
  #known: SourceContent["version"];

  constructor({ record: { plan, digest, responseHeaders }, recordedPieceCount }: StoredTask) {
    this.#contentLength = plan.contentLength;
    this.#hasDigest = digest !== undefined;
    // Some servers name other validators in the answer to HEAD, so these only count where there is nothing better.
    if (!this.#hasDigest && recordedPieceCount > 0) this.#known = responseHeaders;
  }

  get content(): SourceContent {
    return { contentLength: this.#contentLength, version: this.#known };
  }

  /** The source has begun to answer. */
  answered({ version }: SourceBody): void {
    if (!this.#hasDigest) this.#known ??= version;
  }
}

class RunFetch {
  readonly #stage: SourceStage;
  readonly #version: SourceVersion;
  readonly #start: number;
  readonly #end: number;
  readonly #acceptsRanges: boolean;
  #position: number;
  #writer: PieceWriter | undefined;
  #pieceStartedAt = 0;
  #spentMs = 0;
  #finishedCount = 0;
  /** Since the pace was looked at last. */
  #pacedBytes = 0;
  #buffer = new Uint8Array(BUFFER_BYTES);

  constructor(
    stage: SourceStage,
    version: SourceVersion,
    range: { start: number; end: number },
    acceptsRanges: boolean,
  ) {
    this.#stage = stage;
    this.#version = version;
    this.#start = range.start;
    this.#end = range.end;
    this.#position = range.start;
    this.#acceptsRanges = acceptsRanges;
  }

  /** `begun` is a transfer of the range that has begun. */
  async run(signal: AbortSignal, begun?: SourceBody): Promise<void> {
    let first = begun;
    const { clock, random, log, requests } = this.#stage;
    let failures = 0;
    let furthest = this.#position;
    try {
      while (this.#position < this.#end) {
        try {
          const body = first;
          first = undefined;
          await this.#stream(signal, body);
        } catch (error) {
          signal.throwIfAborted();
          if (this.#position > furthest) failures = 0;
          furthest = Math.max(furthest, this.#position);
          if (error instanceof SlowSource) continue;
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
    const { source, requests } = this.#stage;
    if (!this.#acceptsRanges) this.#restart();
    const range = { start: this.#position, end: this.#end };
    const slow = new AbortController();
    using _pace = this.#watchPace(slow);
    try {
      const either = AbortSignal.any([signal, slow.signal]);
      await using body = begun ?? await source.read(requests.current, range, this.#version.content, either);
      // A transfer that was begun for somebody else does not end with our signal.
      const onAbort = () => void body[Symbol.asyncDispose]();
      if (begun !== undefined) either.addEventListener("abort", onAbort, { once: true });
      this.#version.answered(body);
      while (true) {
        const buffer = this.#buffer.length > 0 ? this.#buffer : new Uint8Array(BUFFER_BYTES);
        const step = await body.read(buffer);
        if (step === null) return;
        await this.#take(step.bytes);
        this.#buffer = new Uint8Array(step.bytes.buffer);
      }
    } catch (error) {
      throw slow.signal.aborted ? slow.signal.reason : error;
    }
  }

  /** Only a digest tells that two URLs have the same bytes. */
  get #mayChangeSource(): boolean {
    return this.#stage.stored.record.digest !== undefined;
  }

  /** Ends the transfer when it is slow and there is another source to try. */
  #watchPace(transfer: AbortController): Disposable {
    const { clock, requests, log } = this.#stage;
    this.#pacedBytes = 0;
    return clock.every(PACE_MS, () => {
      const bytesPerSecond = Math.round(this.#pacedBytes * 1000 / PACE_MS);
      this.#pacedBytes = 0;
      if (transfer.signal.aborted || !this.#mayChangeSource || bytesPerSecond >= SLOW_BYTES_PER_SECOND) return;
      const slow = originOf(requests.current);
      if (!requests.slow(bytesPerSecond)) return;
      log.info("The source is slow, and another requester's is asked", { slow, bytesPerSecond });
      transfer.abort(new SlowSource());
    });
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#pacedBytes += bytes.length;
    const { plan } = this.#stage.stored.record;
    for (let left = bytes; left.length > 0;) {
      const { start, end } = pieceRange(plan, pieceAt(plan, this.#position));
      if (this.#position === start) this.#beginPiece();
      const part = left.subarray(0, end - this.#position);
      await this.#writer?.write(part);
      this.#position += part.length;
      left = left.subarray(part.length);
      if (this.#position === end) await this.#endPiece();
    }
  }

  /** A piece that is there already has no writer: its bytes pass by. */
  #beginPiece(): void {
    this.#writer = this.#stage.stored.openPiece(pieceAt(this.#stage.stored.record.plan, this.#position));
    this.#pieceStartedAt = this.#stage.clock.now();
  }

  async #endPiece(): Promise<void> {
    if (this.#writer === undefined) return;
    // The mean so far: pieces of a stream come in bursts, and schedulers take a host whose last piece cost 20 times the
    // mean of the others for a bad parent (wire.md §4.6). Nothing is free, or whatever follows would be such a piece.
    this.#spentMs += this.#stage.clock.now() - this.#pieceStartedAt;
    this.#finishedCount++;
    const costMs = Math.max(1, Math.round(this.#spentMs / this.#finishedCount));
    const record = await this.#writer.commit({ parentId: "", trafficType: "back_to_source", costMs });
    this.#forgetPiece();
    this.#stage.onPiece(record);
  }

  #restart(): void {
    this.#forgetPiece();
    this.#position = this.#start;
  }

  #forgetPiece(): void {
    this.#writer?.[Symbol.dispose]();
    this.#writer = undefined;
  }
}

/** Ends a transfer whose place another source takes. */
class SlowSource extends DamselflyError {
  constructor() {
    super("cancelled", "The source is too slow");
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

/** The error of a content that the source itself gives with another digest than it should have. */
export function wrongContent(url: string, digest: string): DamselflyError {
  return new DamselflyError(
    "data_loss",
    `Cannot use the content of ${url}: the source's own bytes do not have the digest ${digest}`,
  );
}
