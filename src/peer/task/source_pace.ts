import { DamselflyError } from "../../core/error.ts";
import { originOf } from "./source_requests.ts";
import type { SourceStage } from "./source_stage.ts";

/** A source that gives less is left for another one that a requester of the same digest named; measured over so long. */
const SLOW_BYTES_PER_SECOND = 1024 * 1024;
const PACE_MS = 2_000;

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
  #lookedBytes = 0;

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

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #look(): void {
    const bytesPerSecond = Math.round((this.#bytes - this.#lookedBytes) * 1000 / PACE_MS);
    this.#lookedBytes = this.#bytes;
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
