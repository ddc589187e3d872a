/**
 * Why peers were answered as they were: what was looked at for each of the last answers of a task, and what became of
 * it. It is for people who ask; no decision goes by it. Bounded for each task, and over all tasks: where there is no
 * room for more, the task that had no answer for the longest time is silent again.
 */
import type { Peer, Task } from "./state.ts";

/** Answers that are remembered of one task. */
const PER_TASK_MAX = 50;
/** Answers that are remembered of all tasks; each takes up to 2 KB. */
const EXPLANATIONS_MAX = 10_000;
/** Peers that are named for one answer besides the parents; the first that were looked at. */
const REJECTED_MAX = 8;

/** Why a peer is no parent for a child. */
export type Rejection =
  | "same_host"
  | "not_shared"
  | "blocked"
  | "other_content"
  | "other_cut"
  | "would_close_cycle"
  | "unreliable"
  | "no_free_slot"
  | "slow_last_piece"
  | "farther_away"
  | "not_supplied"
  | "ranked_lower";

/** A peer that was looked at for a child, with what was known of it then. */
export interface Considered {
  readonly peerId: string;
  readonly hostId: string;
  /** Undefined for one that became a parent. */
  readonly rejection: Rejection | undefined;
  /** As in `Ranked`; undefined for one that was rejected before. */
  readonly near: number | undefined;
  readonly score: number | undefined;
  /** Children of its host, and how fast they got pieces, in bytes per millisecond; 0 while that is unknown. */
  readonly uploads: number;
  readonly bytesPerMs: number;
}

/** What a peer was told. */
export type Outcome = "from_parents" | "waits" | "back_to_source" | "refused";

/** One answer, and why it was this one. */
export interface Explanation {
  readonly atMs: number;
  readonly peerId: string;
  readonly hostId: string;
  readonly outcome: Outcome;
  /** Empty when parents say it all. */
  readonly reason: string;
  readonly considered: readonly Considered[];
  /** Others that were rejected, as far as they were counted. */
  readonly others: number;
}

/** Who became a parent for a child, and what became of the others that were looked at. Made for each answer: cheap. */
export class Choice {
  readonly parents: Peer[] = [];
  readonly #parentRanks: Rank[] = [];
  readonly #rejected: Peer[] = [];
  readonly #rejections: Rejection[] = [];
  readonly #ranks: (Rank | undefined)[] = [];
  /** Further looks that came to nothing, as far as they were taken. */
  others = 0;

  /** Whether no more of those that are rejected can be named. */
  get isFull(): boolean {
    return this.#rejected.length === REJECTED_MAX;
  }

  /** Whom it is about as they are now, the parents first, as far as they are named. */
  considered(): Considered[] {
    const taken = this.parents.map((peer, place) => considered(peer, undefined, this.#parentRanks[place]));
    const rejected = this.#rejected.map((peer, place) => considered(peer, this.#rejections[place], this.#ranks[place]));
    return taken.concat(rejected);
  }

  take(parent: Peer, rank: Rank): void {
    this.parents.push(parent);
    this.#parentRanks.push(rank);
  }

  /** One that is found in several samples is named once. */
  reject(peer: Peer, rejection: Rejection, rank?: Rank): void {
    if (this.isFull) {
      this.others += 1;
      return;
    }
    if (this.#rejected.includes(peer)) return;
    this.#rejected.push(peer);
    this.#rejections.push(rejection);
    this.#ranks.push(rank);
  }
}

/** How an algorithm ranked a peer, as in `Ranked`. */
interface Rank {
  readonly near: number;
  readonly score: number;
}

function considered({ id, host }: Peer, rejection: Rejection | undefined, rank: Rank | undefined): Considered {
  const { uploads, bytesPerMs, facts } = host;
  return { peerId: id, hostId: facts.id, rejection, near: rank?.near, score: rank?.score, uploads, bytesPerMs };
}

/** The explanations of all tasks. */
export class Explanations {
  /** The task that had an answer last is the last one. */
  readonly #byTask = new Map<Task, Explanation[]>();
  #count = 0;

  /** The last answers of a task, the oldest first. */
  of(task: Task): readonly Explanation[] {
    return this.#byTask.get(task) ?? [];
  }

  add(task: Task, explanation: Explanation): void {
    const ring = this.#byTask.get(task) ?? [];
    this.#byTask.delete(task);
    this.#byTask.set(task, ring);
    ring.push(explanation);
    this.#count += 1;
    if (ring.length > PER_TASK_MAX) {
      ring.shift();
      this.#count -= 1;
    }
    const [silent] = this.#byTask.keys();
    if (this.#count > EXPLANATIONS_MAX && silent !== undefined) this.forget(silent);
  }

  /** Forgets a task. */
  forget(task: Task): void {
    this.#count -= this.of(task).length;
    this.#byTask.delete(task);
  }
}
