import { DamselflyError } from "../../core/error.ts";
import { originOf } from "./source_requests.ts";
import type { SourceStage } from "./source_stage.ts";

/** A source that gives less is left for another one that a requester of the same digest named; measured over so long. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;
const PACE_MS = 2_000;
/** A source that was waited for less is not judged yet. */
const JUDGED_MS_MIN = PACE_MS / 2;

/** Ends a transfer whose place another source takes. */
export class SlowSource extends DamselflyError {
  constructor() {
    super("cancelled", "The source is too slow");
  }
}

/** How fast a source gives, over all transfers of a download; ends them all when it is slow and there is another. */
export class SourcePace implements Disposable {
  readonly #stage: SourceStage;
  readonly #timer: Disposable;
  #transfers = new AbortController();
  #bytes = 0;
  /** Transfers that wait for the source now, since when there is one, and for how long there was since it was judged. */
  #waitingCount = 0;
  #waitingSince = 0;
  #waitedMs = 0;

  constructor(stage: SourceStage) {
    this.#stage = stage;
    this.#timer = stage.clock.every(PACE_MS, () => this.#look());
  }

  /** Aborts the transfers that are under way now with {@link SlowSource}. */
  get signal(): AbortSignal {
    return this.#transfers.signal;
  }

  /** Bytes have come. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Waits for something of the source, which is judged by no other time: our limits, our disk, and whatever is there
   * already are not its fault.
   */
  async waited<T>(coming: Promise<T>): Promise<T> {
    const { clock } = this.#stage;
    if (this.#waitingCount++ === 0) this.#waitingSince = clock.now();
    try {
      return await coming;
    } finally {
      if (--this.#waitingCount === 0) this.#waitedMs += clock.now() - this.#waitingSince;
    }
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #look(): void {
    const now = this.#stage.clock.now();
    if (this.#waitingCount > 0) this.#waitedMs += now - this.#waitingSince;
    this.#waitingSince = now;
    if (this.#waitedMs < JUDGED_MS_MIN) return;
    const bytesPerSecond = Math.round(this.#bytes * 1000 / this.#waitedMs);
    [this.#bytes, this.#waitedMs] = [0, 0];
    const { stored, requests, log } = this.#stage;
    // Only a digest tells that two URLs have the same bytes.
    if (bytesPerSecond >= SLOW_BYTES_PER_SECOND || stored.record.digest === undefined) return;
    const slow = originOf(requests.current);
    if (!requests.slow(bytesPerSecond)) return;
    log.info("The source is slow, and another requester's is asked", { slow, bytesPerSecond });
    const transfers = this.#transfers;
    this.#transfers = new AbortController();
    transfers.abort(new SlowSource());
  }
}
