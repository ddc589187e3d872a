import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Counter, Metrics } from "../../runtime/metrics.ts";

/** One line for so many splits says what there is to say: the remedy is the same for all of them. */
const WARNING_INTERVAL_MS = 60_000;

/** Downloads that go to the source because all parents cut the content into other pieces than those they have already. */
export class SplitSwarms {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #splits: Counter;
  #warnedAtMs = -Infinity;

  constructor({ clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#clock = clock;
    this.#log = log;
    this.#splits = metrics.counter(
      "dragonfly_client_split_swarm_total",
      "Downloads that went to the source because their parents cut the content otherwise",
    );
  }

  /** Notes a download; lengths are piece lengths in bytes. */
  add(taskId: string, ours: number, theirs: number): void {
    this.#splits.inc();
    const now = this.#clock.now();
    if (now - this.#warnedAtMs < WARNING_INTERVAL_MS) return;
    this.#warnedAtMs = now;
    this.#log.warn(
      "The rest of a task comes from the source, for its parents cut it into other pieces than those that are here; " +
        "set download.pieceLength: dragonfly on the peers of clusters with peers of both kinds",
      { taskId, ours, theirs },
    );
  }
}
