/**
 * Turns: what came from the source is told to one child at a time.
 *
 * Pieces from the source are nowhere else in the swarm. If all children heard of one at once, all would fetch it from
 * here, and the only line with something new on it would carry the same bytes again and again. So each of these pieces
 * is told to one child first, and so few at a time that they arrive soon; the children give them to each other. When
 * nothing is left that nobody was told of, the others hear of it too: then the line is free to help.
 */
import type { Clock } from "../../runtime/clock.ts";
import type { StoredTask } from "../storage/storage.ts";

/** Pieces of one task that children were told of in turn and that are not sent yet. */
const OPEN_TELLS_MAX = 8;
/** A child that has not asked for a piece so long after it was told has it from somebody else, or is gone. */
const ASK_TIMEOUT_MS = 200;
/** A child that was told of a piece has so long for fetching it and giving it to others, before they are told too. */
const SPREAD_MS = 500;
/** How often both times are looked at. */
const LOOK_INTERVAL_MS = 50;

/** The turns of all tasks of a host. */
export class Turns {
  readonly #clock: Clock;
  readonly #tasks = new WeakMap<StoredTask, TaskTurns>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A child that is told of the pieces of a task; disposing the result ends that. */
  join(task: StoredTask): Turn {
    const turns = this.#tasks.get(task) ?? new TaskTurns(task, this.#clock);
    this.#tasks.set(task, turns);
    return turns.join();
  }

  /** Somebody has asked for a piece; disposing the result says that it was sent, or never will be. */
  sending(task: StoredTask, number: number): Disposable | undefined {
    return this.#tasks.get(task)?.sending(number);
  }
}

/** One child was told of one piece. */
interface Tell {
  readonly turn: Turn;
  readonly number: number;
  readonly atMs: number;
  isAsked: boolean;
}

class TaskTurns {
  readonly #task: StoredTask;
  readonly #clock: Clock;
  /** Who was told last is at the end. */
  readonly #children = new Set<Turn>();
  /** Pieces that somebody was told of, and when. */
  readonly #told = new Map<number, number>();
  #open: Tell[] = [];
  #timer: Disposable | undefined;

  constructor(task: StoredTask, clock: Clock) {
    this.#task = task;
    this.#clock = clock;
  }

  join(): Turn {
    const turn = new Turn(this.#task, this.#told, { onHeld: () => this.#go(), onLeft: () => this.#leave(turn) });
    this.#children.add(turn);
    this.#timer ??= this.#clock.every(LOOK_INTERVAL_MS, () => this.#go());
    return turn;
  }

  sending(number: number): Disposable | undefined {
    const tell = this.#open.find((open) => open.number === number && !open.isAsked);
    if (tell === undefined) return undefined;
    tell.isAsked = true;
    return {
      [Symbol.dispose]: () => {
        this.#open = this.#open.filter((open) => open !== tell);
        this.#go();
      },
    };
  }

  #leave(turn: Turn): void {
    this.#children.delete(turn);
    this.#open = this.#open.filter((open) => open.turn !== turn);
    if (this.#children.size > 0) return this.#go();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    // Those who come later may be many, and none of them has anything.
    this.#told.clear();
  }

  #go(): void {
    const nowMs = this.#clock.now();
    this.#open = this.#open.filter(({ isAsked, atMs }) => isAsked || nowMs - atMs < ASK_TIMEOUT_MS);
    while (this.#open.length < OPEN_TELLS_MAX) {
      const turn = this.#children.values().find(({ hasNew }) => hasNew);
      if (turn === undefined) return this.#tellOthers(nowMs);
      const number = turn.tellNew();
      this.#told.set(number, nowMs);
      this.#open.push({ turn, number, atMs: nowMs, isAsked: false });
      this.#children.delete(turn);
      this.#children.add(turn);
    }
  }

  #tellOthers(nowMs: number): void {
    for (const turn of this.#children) turn.tellOld((number) => nowMs - (this.#told.get(number) ?? nowMs) >= SPREAD_MS);
  }
}

/** What happens to a {@link Turn}. */
interface TurnListener {
  readonly onHeld: () => void;
  readonly onLeft: () => void;
}

/** The turn of one child. */
export class Turn implements Disposable {
  readonly #task: StoredTask;
  /** Pieces that somebody was told of. */
  readonly #told: ReadonlyMap<number, number>;
  readonly #listener: TurnListener;
  /** Pieces that the child is not told of yet. */
  readonly #held = new Set<number>();
  /** All pieces that were held, as they came; those before `#nextNew` were told to somebody. */
  readonly #arrived: number[] = [];
  #nextNew = 0;
  #due: number[] = [];
  #rung = Promise.withResolvers<void>();

  constructor(task: StoredTask, told: ReadonlyMap<number, number>, listener: TurnListener) {
    this.#task = task;
    this.#told = told;
    this.#listener = listener;
  }

  /** Whether something is held that nobody was told of. */
  get hasNew(): boolean {
    while (this.#nextNew < this.#arrived.length && this.#told.has(this.#arrived[this.#nextNew] as number)) {
      this.#nextNew++;
    }
    return this.#nextNew < this.#arrived.length;
  }

  /** Whether the child was told of all that came. */
  get isOver(): boolean {
    return this.#held.size === 0 && this.#due.length === 0;
  }

  /** Of pieces that have come, and that the child wants, holds those of the source; gives what it is told of now. */
  sort(come: readonly number[]): number[] {
    const isOfSource = (number: number) => this.#task.piece(number)?.trafficType === "back_to_source";
    const held = come.filter(isOfSource);
    for (const number of held) this.#held.add(number);
    this.#arrived.push(...held);
    if (held.length > 0) this.#listener.onHeld();
    const due = this.#due;
    this.#due = [];
    this.#rung = Promise.withResolvers();
    return [...come.filter((number) => !isOfSource(number)), ...due];
  }

  /** The turn of the child has come, and it {@link hasNew}; gives the piece that it is told of. */
  tellNew(): number {
    const number = this.#arrived[this.#nextNew] as number;
    this.#tell(number);
    return number;
  }

  /** The child is told of what is held for it and `isDue`. */
  tellOld(isDue: (number: number) => boolean): void {
    for (const number of this.#held) if (isDue(number)) this.#tell(number);
  }

  #tell(number: number): void {
    this.#held.delete(number);
    this.#due.push(number);
    this.#rung.resolve();
  }

  /** Resolves when there is something to tell. */
  next(): Promise<void> {
    return this.#rung.promise;
  }

  [Symbol.dispose](): void {
    this.#listener.onLeft();
  }
}
