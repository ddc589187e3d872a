import type { Round, Rounds } from "./state.ts";

/** Looks at something in one step; each takes well under a microsecond. The rest is left to the next step. */
const LOOKS_PER_STEP = 1_000;

/** Begins a round over `all`, unless one goes on. */
export function beginRound<T>(round: Round<T>, all: Iterator<T>, nowMs: number): void {
  if (!isOver(round)) return;
  round.left = all;
  round.begunAtMs = nowMs;
}

/** Whether a round has come to its end. */
export function isOver(round: Round<unknown>): boolean {
  return round.left === undefined;
}

/** Goes on with a round as far as one step goes. `look` gives what it has cost, in looks. */
export function goOn<T>(round: Round<T>, look: (item: T) => number): void {
  if (round.left === undefined) return;
  for (let looks = 0; looks < LOOKS_PER_STEP;) {
    const { value, done } = round.left.next();
    if (done === true) {
      round.left = undefined;
      return;
    }
    looks += look(value);
  }
}

/** Whether all rounds have come to their end. */
export function areOver({ waiting, hosts, peers, tasks }: Rounds): boolean {
  return [waiting, hosts, peers, tasks].every(isOver);
}
