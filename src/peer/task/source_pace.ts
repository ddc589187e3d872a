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
  /** Transfers that our own limit holds now, since when there is one, and for how long there was since the last look. */
  #heldCount = 0;
  #heldSince = 0;
  #heldMs = 0;

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

  /** Waits for `passing`, which is a wait for our own limit: the source cannot be judged by that time. */
  async held(passing: Promise<unknown>): Promise<void> {
    const { clock } = this.#stage;
    if (this.#heldCount++ === 0) this.#heldSince = clock.now();
    try {
      await passing;
    } finally {
      if (--this.#heldCount === 0) this.#heldMs += clock.now() - this.#heldSince;
    }
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #look(): void {
    const sourceMs = Math.max(1, PACE_MS - this.#takeHeldMs());
    const bytesPerSecond = Math.round((this.#bytes - this.#lookedBytes) * 1000 / sourceMs);
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

  /** For how long transfers were held since the last call. */
  #takeHeldMs(): number {
    const now = this.#stage.clock.now();
    const heldMs = this.#heldMs + (this.#heldCount === 0 ? 0 : now - this.#heldSince);
    this.#heldMs = 0;
    this.#heldSince = now;
    return heldMs;
  }
}
