import { DamselflyError } from "../../core/error.ts";
import type { PieceRun } from "../../core/piece.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import type { Source, SourceBody, SourceContent } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import type { PieceRecord, StoredTask } from "../storage/storage.ts";
import { SourcePace } from "./source_pace.ts";
import { nextTransfer } from "./source_plan.ts";
import type { SourceRequests } from "./source_requests.ts";
import { SourceTransfer } from "./source_transfer.ts";
import type { Wanted } from "./wanted.ts";

/** What a fetch from the source works with. */
export interface SourceStage {
  readonly source: Source;
  /** Of what comes from sources, for all tasks together. */
  readonly sourceLimit: BandwidthLimit;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stored: StoredTask;
  readonly requests: SourceRequests;
  /** All of the content, if the source has begun to send it; it is disposed here. */
  readonly begun?: SourceBody | undefined;
  readonly acceptsRanges: boolean;
  readonly wanted: Wanted;
  readonly onPiece: (record: PieceRecord) => void;
  /** What the second piece waits for. */
  readonly headStart?: ((signal: AbortSignal) => Promise<void> | undefined) | undefined;
}

/**
 * Fetches everything that is wanted from the source, in one transfer, and in others besides for readers who are
 * elsewhere and where little of it is in one place; pieces are committed as their bytes pass. Ends when nothing is
 * missing. Throws `source_error`.
 */
export async function fetchFromSource(stage: SourceStage, signal: AbortSignal): Promise<void> {
  await using _begun = stage.begun;
  await using transfers = new SourceTransfers(stage, signal);
  await transfers.run();
}

class SourceTransfers implements AsyncDisposable {
  readonly #stage: SourceStage;
  readonly #version: SourceVersion;
  readonly #pace: SourcePace;
  readonly #signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #running = new Map<SourceTransfer, Promise<void>>();
  #acceptsRanges: boolean;
  #failure: { readonly error: unknown } | undefined;
  #begun: SourceBody | undefined;

  constructor(stage: SourceStage, signal: AbortSignal) {
    this.#stage = stage;
    this.#version = new SourceVersion(stage.stored);
    this.#pace = new SourcePace(stage);
    this.#signal = AbortSignal.any([signal, this.#over.signal]);
    this.#acceptsRanges = stage.acceptsRanges;
    this.#begun = stage.begun;
  }

  async run(): Promise<void> {
    const { stored, wanted } = this.#stage;
    while (true) {
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#startMore();
      const isLeft = !wanted.isAll && stored.recordedPieceCount < stored.record.plan.pieceCount;
      if (this.#running.size > 0 || isLeft) await wanted.demand.next(this.#signal);
      else if (stored.finishedPieceCount < stored.record.plan.pieceCount) await stored.checked(this.#signal);
      else return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new DamselflyError("cancelled", "The source is not needed any more"));
    await Promise.all(this.#running.values());
    this.#pace[Symbol.dispose]();
  }

  #startMore(): void {
    for (let run = this.#next(); run !== undefined; run = this.#next()) this.#start(run);
  }

  #next(): PieceRun | undefined {
    const { stored, wanted } = this.#stage;
    const { plan } = stored.record;
    return nextTransfer({
      plan,
      isWanted: (number) => !stored.isRecorded(number) && wanted.isWanted(number, plan),
      running: [...this.#running.keys()].flatMap(({ ahead }) => ahead ?? []),
      readers: wanted.ahead(plan),
      acceptsRanges: this.#acceptsRanges,
    });
  }

  #start(run: PieceRun): void {
    const { stored, wanted: { demand } } = this.#stage;
    const shared = { ...this.#stage, version: this.#version, pace: this.#pace };
    const isFetched = (number: number): boolean => this.#isFetched(number, transfer);
    const acceptsRanges = this.#acceptsRanges;
    const transfer: SourceTransfer = new SourceTransfer({ ...shared, isFetched }, run, acceptsRanges);
    const isAll = run.first === 0 && run.last === stored.record.plan.pieceCount - 1;
    const begun = isAll ? this.#begun : undefined;
    if (!isAll) void this.#begun?.[Symbol.asyncDispose]();
    this.#begun = undefined;
    const running = transfer.run(this.#signal, begun).catch((error) => {
      // A source that knows no ranges is asked for all of it, as soon as nobody else is at it.
      if (acceptsRanges && sourceAnswerOf(error)?.ignoresRange === true) this.#acceptsRanges = false;
      else this.#failure ??= { error };
    }).finally(() => {
      this.#running.delete(transfer);
      demand.ring();
    });
    this.#running.set(transfer, running);
  }

  /** Whether another transfer is at this piece. */
  #isFetched(number: number, but: SourceTransfer): boolean {
    return [...this.#running.keys()].some((transfer) => transfer !== but && transfer.ahead?.first === number);
  }
}

/** Which version of a content without a digest is fetched: that of the pieces that are here, else of the first answer. */
export class SourceVersion {
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

/** The error of a content that the source itself gives with another digest than it should have. */
export function wrongContent(url: string, digest: string): DamselflyError {
  return new DamselflyError(
    "data_loss",
    `Cannot use the content of ${url}: the source's own bytes do not have the digest ${digest}`,
  );
}
