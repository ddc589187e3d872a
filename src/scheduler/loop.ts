import type { Clock } from "../runtime/clock.ts";
import { DamselflyError } from "../core/error.ts";
import { apply, hasMore } from "./core/apply.ts";
import type { Chance } from "../core/random_set.ts";
import type { Effect, Event, Untimed } from "./core/event.ts";
import type { State } from "./core/state.ts";

/**
 * The loop around the core: takes an event, applies it, performs the effects. What comes of those are events again. What
 * a step leaves undone is gone on with as soon as the messages that have arrived meanwhile had their turn.
 */
export class SchedulerLoop implements Disposable {
  readonly state: State;
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #perform: (effect: Effect) => void;
  readonly #follow: (event: Untimed<Event>) => void;
  readonly #pending: Untimed<Event>[] = [];
  readonly #stop = new AbortController();
  #running = false;
  #carriesOn = false;

  /** `perform` must not throw; it may dispatch. `follow` hears of each event once its effects are performed. */
  constructor(
    state: State,
    { clock, random }: { clock: Clock; random: Chance },
    perform: (effect: Effect) => void,
    follow: (event: Untimed<Event>) => void = () => {},
  ) {
    this.state = state;
    this.#clock = clock;
    this.#chance = random;
    this.#perform = perform;
    this.#follow = follow;
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
        this.#follow(next);
      }
    } finally {
      this.#running = false;
    }
    if (hasMore(this.state)) this.#carryOn();
  }

  /** Stops to go on with what is undone. */
  [Symbol.dispose](): void {
    this.#stop.abort(new DamselflyError("cancelled", "The scheduler stops"));
  }

  #carryOn(): void {
    if (this.#carriesOn || this.#stop.signal.aborted) return;
    this.#carriesOn = true;
    this.#clock.sleep(0, this.#stop.signal).then(() => {
      this.#carriesOn = false;
      this.dispatch({ type: "carry_on" });
    }, () => {});
  }
}
