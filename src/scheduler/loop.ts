import type { Clock } from "../runtime/clock.ts";
import { apply } from "./core/apply.ts";
import type { Chance, Effect, Event } from "./core/event.ts";
import type { State } from "./core/state.ts";
import type { Untimed } from "./parse.ts";

/** The loop around the core: takes an event, applies it, performs the effects. What comes of those are events again. */
export class SchedulerLoop {
  readonly state: State;
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #perform: (effect: Effect) => void;
  readonly #pending: Untimed<Event>[] = [];
  #running = false;

  /** `perform` must not throw; it may dispatch. */
  constructor(state: State, { clock, random }: { clock: Clock; random: Chance }, perform: (effect: Effect) => void) {
    this.state = state;
    this.#clock = clock;
    this.#chance = random;
    this.#perform = perform;
  }

  /** Applies an event at the present time. An event that comes of an effect is applied after all effects. */
  dispatch(event: Untimed<Event>): void {
    this.#pending.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        const timed = { ...next, nowMs: this.#clock.now() } as Event;
        for (const effect of apply(this.state, timed, this.#chance)) this.#perform(effect);
      }
    } finally {
      this.#running = false;
    }
  }
}
