/**
 * Turns: what came from the source is told to one child at a time.
 *
 * Pieces from the source are nowhere else in the swarm. If all children heard of one at once, all would fetch it from
 * here, and the only line with something new on it would carry the same bytes again and again. So each of these pieces
 * is told to one child first, and so few at a time that they arrive soon; the children give them to each other. When
 * nothing is left that nobody was told of, the others hear of it too: then the line is free to help. What a slow child
 * was told of another one hears of as well, and until it has that it is told of nothing new.
 *
 * There may be very many children, and each piece is told to each of them once. Nothing else is done for all of them:
 * who is next is the first of a heap, and what all may hear of is one list, in which each child is at a place.
 */
import { Heap } from "../../core/heap.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { StoredTask } from "../storage/storage.ts";

/** Pieces of one task that children were told of in turn and that are not sent yet. */
const OPEN_TELLS_MAX = 12;
/** A child that has not asked for a piece so long after it was told has it from somebody else, or is gone. */
const ASK_TIMEOUT_MS = 200;
/**
 * A child that was told of a piece has so long for fetching it and giving it to others, before they are told too: so
 * many times what it takes to send one, within these bounds.
 */
const SPREAD_FACTOR = 16;
const SPREAD_MS_MIN = 500;
const SPREAD_MS_MAX = 10_000;
/** How much the last piece counts in the time that it takes to send one. */
const LAST_SENT_WEIGHT = 0.2;
/** A child that takes so many times as long as usual to fetch what it was told of is slow, but for so long nobody is. */
const SLOW_FACTOR = 4;
const SLOW_MS_MIN = ASK_TIMEOUT_MS;
/** How often these times are looked at. */
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
  /** The child was told because another one, which was told first, is slow. */
  readonly isPassedOn: boolean;
}

/** Pieces that somebody was told of, in that order, and when. */
interface Told {
  readonly order: { readonly number: number; readonly atMs: number }[];
  /** Where each of them is in `order`. */
  readonly places: Map<number, number>;
  /** Of those before this place all children may be told. */
  common: number;
}

function nothingTold(): Told {
  return { order: [], places: new Map(), common: 0 };
}

class TaskTurns {
  readonly #task: StoredTask;
  readonly #clock: Clock;
  readonly #children = new Set<Turn>();
  /** Children that may have something new, who was told longest ago first. Those that have left are among them. */
  #ready = new Heap<Turn>();
  /** Children that are not told yet of all that they may be told of. */
  readonly #behind = new Set<Turn>();
  #told = nothingTold();
  /** Turns that were given so far, with the first place that each child has when it joins. */
  #turns = 0;
  #open: Tell[] = [];
  /** What it took of late from telling of a piece until it was sent, in the mean. */
  #sentMs = 0;
  #timer: Disposable | undefined;

  constructor(task: StoredTask, clock: Clock) {
    this.#task = task;
    this.#clock = clock;
  }

  join(): Turn {
    const turn = new Turn(this.#task, this.#told, this.#turns++, {
      onHeld: () => this.#onHeld(turn),
      onLeft: () => this.#leave(turn),
    });
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
        this.#onSent(tell);
        this.#go();
      },
    };
  }

  #onSent(tell: Tell): void {
    const { turn, atMs } = tell;
    this.#open = this.#open.filter((open) => open !== tell);
    const tookMs = this.#clock.now() - atMs;
    // One slow child says little of the others.
    const countedMs = Math.min(tookMs, SLOW_FACTOR * this.#sentMs);
    this.#sentMs = this.#sentMs === 0 ? tookMs : this.#sentMs + LAST_SENT_WEIGHT * (countedMs - this.#sentMs);
    if (turn.slow.delete(tell) && turn.hasNew && !turn.isReady) this.#makeReady(turn);
  }

  #onHeld(turn: Turn): void {
    if (turn.hasNew && !turn.isReady) this.#makeReady(turn);
    if (turn.isBehind) this.#behind.add(turn);
    this.#go();
  }

  #makeReady(turn: Turn): void {
    turn.isReady = true;
    this.#ready.add(turn);
  }

  #leave(turn: Turn): void {
    this.#children.delete(turn);
    this.#behind.delete(turn);
    this.#open = this.#open.filter((open) => open.turn !== turn);
    if (this.#children.size > 0) return this.#go();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    // Those who come later may be many, and none of them has anything.
    this.#told = nothingTold();
    this.#ready = new Heap();
  }

  #go(): void {
    const nowMs = this.#clock.now();
    this.#open = this.#open.filter(({ isAsked, atMs }) => isAsked || nowMs - atMs < ASK_TIMEOUT_MS);
    this.#passOn(nowMs);
    while (this.#open.length < OPEN_TELLS_MAX) {
      const turn = this.#ready.take();
      if (turn === undefined) return this.#tellOthers(nowMs);
      turn.isReady = false;
      if (!this.#children.has(turn) || !turn.hasNew || turn.slow.size > 0) continue;
      const number = turn.tellNew(this.#turns++);
      this.#told.places.set(number, this.#told.order.push({ number, atMs: nowMs }) - 1);
      this.#open.push({ turn, number, atMs: nowMs, isAsked: false, isPassedOn: false });
      this.#makeReady(turn);
    }
  }

  /** What slow children were told of, others are told of too, once: it would come to the swarm no sooner than to them. */
  #passOn(nowMs: number): void {
    const slowMs = Math.max(SLOW_MS_MIN, SLOW_FACTOR * this.#sentMs);
    const slow = this.#open.filter(({ isPassedOn, atMs }) => !isPassedOn && nowMs - atMs >= slowMs);
    if (slow.length === 0 || this.#sentMs === 0) return;
    this.#open = this.#open.filter((tell) => !slow.includes(tell));
    for (const tell of slow) {
      const { turn: { slow: tells }, number } = tell;
      tells.add(tell);
      const other = this.#children.values().find((turn) => turn.slow.size === 0 && turn.tellAlso(number));
      if (other !== undefined) this.#open.push({ turn: other, number, atMs: nowMs, isAsked: false, isPassedOn: true });
    }
  }

  #tellOthers(nowMs: number): void {
    const told = this.#told;
    const before = told.common;
    const spreadMs = Math.min(SPREAD_MS_MAX, Math.max(SPREAD_MS_MIN, SPREAD_FACTOR * this.#sentMs));
    const isSpread = ({ atMs }: { readonly atMs: number }) => nowMs - atMs >= spreadMs;
    while (told.common < told.order.length && isSpread(told.order[told.common] as Told["order"][number])) told.common++;
    for (const turn of told.common > before ? this.#children : this.#behind) turn.catchUp();
    this.#behind.clear();
  }
}

/** What happens to a {@link Turn}. */
interface TurnListener {
  readonly onHeld: () => void;
  readonly onLeft: () => void;
}

/** The turn of one child. */
export class Turn implements Disposable {
  /** Its turn comes after those with a smaller number: when it was told last, or joined. */
  at: number;
  /** It waits for its turn. */
  isReady = false;
  /** Pieces that it was told of, and that take it very long. */
  readonly slow = new Set<object>();
  readonly #task: StoredTask;
  readonly #told: Told;
  readonly #listener: TurnListener;
  /** Pieces that the child is not told of yet. */
  readonly #held = new Set<number>();
  /** All pieces that were held, as they came; those before `#nextNew` were told to somebody. */
  readonly #arrived: number[] = [];
  #nextNew = 0;
  /** Of what all may be told of, the child was told before this place; and what came to it after that. */
  #caughtUp = 0;
  #late: number[] = [];
  #due: number[] = [];
  #rung = Promise.withResolvers<void>();

  constructor(task: StoredTask, told: Told, at: number, listener: TurnListener) {
    this.#task = task;
    this.#told = told;
    this.at = at;
    this.#listener = listener;
  }

  /** Whether something is held that nobody was told of. */
  get hasNew(): boolean {
    const { places } = this.#told;
    while (this.#nextNew < this.#arrived.length && places.has(this.#arrived[this.#nextNew] as number)) this.#nextNew++;
    return this.#nextNew < this.#arrived.length;
  }

  /** Whether something is held that all may be told of. */
  get isBehind(): boolean {
    return this.#late.length > 0 || this.#caughtUp < this.#told.common;
  }

  /** Whether the child was told of all that came. */
  get isOver(): boolean {
    return this.#held.size === 0 && this.#due.length === 0;
  }

  /** Of pieces that have come, and that the child wants, holds those of the source; gives what it is told of now. */
  sort(come: readonly number[]): number[] {
    const isOfSource = (number: number) => this.#task.piece(number)?.trafficType === "back_to_source";
    const held = come.filter(isOfSource);
    for (const number of held) this.#hold(number);
    if (held.length > 0) this.#listener.onHeld();
    const due = this.#due;
    this.#due = [];
    this.#rung = Promise.withResolvers();
    return [...come.filter((number) => !isOfSource(number)), ...due];
  }

  #hold(number: number): void {
    this.#held.add(number);
    this.#arrived.push(number);
    if ((this.#told.places.get(number) ?? Infinity) < this.#caughtUp) this.#late.push(number);
  }

  /** The turn of the child has come, and it {@link hasNew}; gives the piece that it is told of. The next one comes at `at`. */
  tellNew(at: number): number {
    const number = this.#arrived[this.#nextNew] as number;
    this.#tell(number);
    this.at = at;
    return number;
  }

  /** The child is told of a piece that another one was told of before; false when it was, or does not want it. */
  tellAlso(number: number): boolean {
    const isHeld = this.#held.has(number);
    this.#tell(number);
    return isHeld;
  }

  /** The child is told of what is held for it and all may be told of. */
  catchUp(): void {
    const { order, common } = this.#told;
    for (const number of this.#late) this.#tell(number);
    this.#late = [];
    while (this.#caughtUp < common) this.#tell((order[this.#caughtUp++] as Told["order"][number]).number);
  }

  #tell(number: number): void {
    if (!this.#held.delete(number)) return;
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
