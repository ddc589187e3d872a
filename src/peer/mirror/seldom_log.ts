import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** A registry that goes on failing is one line in the log in this time. */
const WARN_INTERVAL_MS = 60_000;
/** Registries that are remembered for that; requesters name them. */
const REGISTRIES_MAX = 1_024;

/** Warnings of which each registry gets one a minute, however many requests it has. */
export class SeldomLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #warned: ExpiringMap<true>;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#warned = new ExpiringMap({ now: () => clock.now(), sizeMax: REGISTRIES_MAX });
  }

  /** Warns of a registry (`host:port`), unless that was done lately. */
  warn(registry: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#warned.has(registry)) return;
    this.#warned.set(registry, true, this.#clock.now() + WARN_INTERVAL_MS);
    this.#log.warn(message, { registry, ...fields });
  }
}
