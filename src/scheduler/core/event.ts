import type { DamselflyError } from "../../core/error.ts";
import type { Chance } from "../../core/random_set.ts";
import type { Settings } from "./settings.ts";
import type { Host, HostFacts, Peer, State, Task, TaskFacts, Wish } from "./state.ts";

/** What a piece report says. */
export interface PieceReport {
  readonly number: number;
  /** Where it begins in the content, in bytes. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly costMs: number;
  /** The peer it came from; undefined for the source. */
  readonly parentId: string | undefined;
}

/** Messages that a peer may send on its stream once it is registered, without more to say. */
export type PlainPeerMessage =
  | "started"
  | "back_to_source_started"
  | "piece_back_to_source_failed"
  | "finished"
  | "back_to_source_finished"
  | "failed"
  | "back_to_source_failed"
  | "stream_closed";

/** A message on a peer's stream. One for a peer that has no such stream any more has no effect. */
export type PeerEvent =
  & { readonly nowMs: number; readonly peerId: string; readonly streamId: number }
  & (
    | { readonly type: PlainPeerMessage }
    | { readonly type: "reschedule"; readonly failedParentIds: readonly string[] }
    | { readonly type: "piece_finished"; readonly piece: PieceReport }
    | { readonly type: "piece_failed"; readonly parentId: string; readonly temporary: boolean }
  );

/** A peer's first message. */
export interface RegisterEvent {
  readonly type: "register";
  readonly nowMs: number;
  readonly streamId: number;
  readonly hostId: string;
  readonly peerId: string;
  readonly task: TaskFacts;
  readonly wish: Wish;
  /** The request itself, with credentials: it goes into `trigger_seed` effects and is not remembered. */
  readonly download: unknown;
}

/** Everything that can happen to the scheduler. `nowMs` is monotonic. */
export type Event =
  | PeerEvent
  | RegisterEvent
  | {
    /** `host_restored` when it is the word of an earlier run of the scheduler, and not of the host. */
    readonly type: "host_announced" | "host_restored";
    readonly nowMs: number;
    readonly facts: HostFacts;
    readonly announceIntervalMs: number;
  }
  | { readonly type: "host_deleted"; readonly nowMs: number; readonly hostId: string }
  | {
    readonly type: "seed_trigger_failed";
    readonly nowMs: number;
    readonly taskId: string;
    readonly hostId: string;
    /** The source refused: another seed peer would not fare better. */
    readonly atSource: boolean;
    /** There was no connection to the seed peer. */
    readonly isUnreachable: boolean;
    readonly download: unknown;
  }
  | { readonly type: "seed_trigger_ended"; readonly nowMs: number; readonly taskId: string; readonly hostId: string }
  | { readonly type: "delete_task"; readonly nowMs: number; readonly hostId: string; readonly taskId: string }
  | { readonly type: "peer_persisted"; readonly nowMs: number; readonly peerId: string }
  | { readonly type: "delete_peer"; readonly nowMs: number; readonly peerId: string }
  | { readonly type: "settings_changed"; readonly nowMs: number; readonly settings: Settings }
  | { readonly type: "tick"; readonly nowMs: number }
  /** Goes on with what the steps before have left undone; see {@link hasMore}. */
  | { readonly type: "carry_on"; readonly nowMs: number };

/** An event without the time, which is added when it is applied. */
export type Untimed<E> = E extends unknown ? Omit<E, "nowMs"> : never;

/** A registration as it was parsed; stream and time are added when it is applied. */
export type Registration = Omit<Untimed<RegisterEvent>, "streamId">;

/** An answer to a peer; one kind for each reply of the protocol. */
export type Decision =
  | { readonly kind: "empty_task" }
  | { readonly kind: "metadata_only" }
  /** `mates`: see `mates.ts`. */
  | { readonly kind: "from_parents"; readonly parents: readonly Peer[]; readonly mates: readonly Peer[] }
  | { readonly kind: "back_to_source"; readonly reason: string };

/** What the edge has to do, in this order and before the next event. */
export type Effect =
  | { readonly type: "send"; readonly streamId: number; readonly peer: Peer; readonly decision: Decision }
  /** Peers of the task cannot share, because they cut it otherwise. */
  | { readonly type: "tell_split"; readonly peer: Peer }
  | { readonly type: "close_stream"; readonly streamId: number; readonly error: DamselflyError | undefined }
  | { readonly type: "trigger_seed"; readonly host: Host; readonly task: Task; readonly download: unknown };

/** One event being applied: what it works on and what came of it so far. */
export interface Step {
  readonly state: State;
  readonly nowMs: number;
  readonly chance: Chance;
  readonly effects: Effect[];
}
