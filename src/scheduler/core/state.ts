import { Explanations } from "./explanations.ts";
import type { PeerState, TaskState } from "./fsm.ts";
import type { Gates } from "./gates.ts";
import type { PeerGroups } from "./peer_groups.ts";
import type { PeersByPlace } from "./places.ts";
import type { RandomSet } from "../../core/random_set.ts";
import type { Reputation } from "./reputation.ts";
import type { PriorityLevel, Settings } from "./settings.ts";
import { type Swarm, Swarms, type Trace } from "./swarms.ts";

/** How much the scheduler remembers. What goes beyond is refused with `resource_exhausted`. */
export interface Limits {
  readonly hostsMax: number;
  readonly tasksMax: number;
  /** Peers of all tasks together; one takes about 2.5 KB. */
  readonly peersMax: number;
  readonly peersPerTaskMax: number;
  /** What one host may have, so that it does not take the room of the others. */
  readonly peersPerHostMax: number;
  readonly tasksPerHostMax: number;
  readonly streamsPerHostMax: number;
}

/** Room for the largest clusters, in about half a gigabyte of memory. */
export const DEFAULT_LIMITS: Limits = {
  hostsMax: 20_000,
  tasksMax: 50_000,
  peersMax: 200_000,
  peersPerTaskMax: 100_000,
  peersPerHostMax: 20_000,
  tasksPerHostMax: 10_000,
  streamsPerHostMax: 2_000,
};

/** What a host said about itself, as far as decisions go by it. */
export interface HostFacts {
  readonly id: string;
  readonly isSeed: boolean;
  readonly idc: string;
  /** Elements from wide to narrow, separated by `|`. */
  readonly location: string;
  /** Upload ceiling in bits per second; 0 is unknown. */
  readonly txBitsPerSecondMax: number;
  /** It gives pieces in whatever cut a child asks for, and takes over the cut of its parents while it has no piece. */
  readonly cutsAsAsked: boolean;
  /** Whether it may be a parent at all. */
  readonly isShared: boolean;
  /** The announcement itself; carried for the edge and never looked into. */
  readonly announcement: unknown;
}

/** A host and what is expected of it at the moment. */
export interface Host {
  facts: HostFacts;
  /** See `places.ts`. */
  places: readonly string[];
  /** How often it announces itself, in milliseconds; 0 when it did not say. */
  announceIntervalMs: number;
  /** When it last said anything. */
  seenAtMs: number;
  /** An earlier run of the scheduler knew it, and it has said nothing since. */
  isRestored: boolean;
  readonly peers: Set<Peer>;
  /** The same peers, by their task. */
  readonly peersByTask: Map<Task, Peer[]>;
  /** Open streams of its peers. */
  streams: number;
  /** Tasks for which it was triggered as a seed peer and has not registered. */
  readonly triggers: Set<Task>;
  /** Children of all its peers; and the load that they mean. */
  uploads: number;
  txBitsPerSecond: number;
  uploadBytes: number;
  uploadPieces: number;
  /** How fast children get pieces from it, in bytes per millisecond; 0 while nobody got any. */
  bytesPerMs: number;
  /** What the hosts of its children say of it. */
  readonly reputation: Reputation;
  /** A seed peer that could not be reached is left alone until then. */
  skippedUntilMs: number;
}

/** What a task is; the same for all its peers. */
export interface TaskFacts {
  readonly id: string;
  readonly type: number;
  /** Without user, password and query: those may be secrets. */
  readonly url: string;
  readonly digest: string | undefined;
  readonly tag: string | undefined;
  readonly application: string | undefined;
  readonly filteredQueryParams: readonly string[];
}

/** A seed peer that was asked to fetch a task and has not registered for it yet. */
export interface AwaitedSeed {
  readonly host: Host;
  /** From then on nobody waits for it any more. */
  readonly deadlineMs: number;
}

/** Content that is fetched once and shared, with its graph of peers. */
export interface Task {
  readonly facts: TaskFacts;
  state: TaskState;
  /** Undefined while unknown. */
  contentLength: number | undefined;
  pieceCount: number;
  readonly peers: Map<string, Peer>;
  /** Peers that can be a parent; see `suppliers.ts`. */
  readonly suppliers: PeerGroups;
  readonly suppliersByPlace: PeersByPlace;
  /** Peers that can be a mate; see `mates.ts`. */
  readonly mates: PeerGroups;
  readonly matesByPlace: PeersByPlace;
  /** Those of them that give their places what comes from others; see `gates.ts`. */
  readonly gates: Gates;
  /** Those of them from whom all pieces come in the end. While there is none, there are no parents. */
  readonly roots: RandomSet<Peer>;
  /** How often a peer with children lost a parent: whatever was known to be supplied before may not be any more. */
  losses: number;
  /** Peers without an answer, the one that waits longest first. */
  readonly waiters: Set<Peer>;
  /** The pass over them that goes on, see `waiting.ts`; and where the next one goes on after the longest waiters. */
  pass: Pass | undefined;
  nextWaiters: Iterator<Peer> | undefined;
  /** Peers that were sent to the source and have not ended. */
  readonly fetchers: Set<Peer>;
  /** Those of them that are still about to begin there. */
  readonly hopes: PeerGroups;
  trigger: AwaitedSeed | undefined;
  /** Somebody went to the source because those who have the content cut it otherwise; that is told once. */
  isSplit: boolean;
  /** Fetches in a row that came to nothing. */
  sourceFailures: number;
  /** When a seed peer last failed at the source. */
  seedFailedAtMs: number | undefined;
  /** What people may see of it; see `swarms.ts`. */
  readonly swarm: Swarm;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** Deciding anew for the peers that wait for a task, so many in a step. */
export interface Pass {
  readonly peers: Iterator<Peer>;
  /** Peers in a row for whom nothing had changed. */
  fruitless: number;
  /** Something happened since it began, so that another one is due. */
  isOutdated: boolean;
}

/** A half-open range of bytes as a peer asks for it. */
export interface WantedRange {
  readonly start: number;
  readonly length: number;
}

/** What a peer wants and how; fixed from its registration on. */
export interface Wish {
  readonly priority: PriorityLevel;
  readonly range: WantedRange | undefined;
  /** Lengths in bytes; undefined while the peer does not know. */
  readonly contentLength: number | undefined;
  readonly pieceLength: number | undefined;
  readonly pieceCount: number;
  /** Pieces that it fetches at a time. */
  readonly concurrentPieces: number;
  /** It must go to the source: the scheduler itself asked it to. */
  readonly needBackToSource: boolean;
  readonly disableBackToSource: boolean;
  /** It holds everything already. */
  readonly metadataOnly: boolean;
}

/** How long pieces took: enough for a mean and a deviation. */
export interface PieceCosts {
  count: number;
  meanMs: number;
  /** Sum of squared differences from the mean (Welford). */
  squares: number;
  lastMs: number;
  /** The mean before the last one, which the last one is compared with. */
  meanBeforeMs: number;
}

/** One download of a task on a host. */
export interface Peer {
  readonly id: string;
  readonly task: Task;
  readonly host: Host;
  readonly wish: Wish;
  state: PeerState;
  /** The stream on which it is answered; undefined when that is gone. */
  streamId: number | undefined;
  readonly parents: Set<Peer>;
  readonly children: Set<Peer>;
  /** Peers with which it exchanges pieces while both download; see `mates.ts`. */
  readonly mates: Set<Peer>;
  /** How it cuts the content, in bytes: as it said when it registered, or as its pieces show; undefined while unknown. */
  pieceLength: number | undefined;
  /** Ids of peers that failed it. */
  readonly blocked: Set<string>;
  /** Ids of all parents that it was given, and of those of them that it got pieces from. */
  readonly assigned: Set<string>;
  readonly servedBy: Set<string>;
  /** See `dag.ts`: above that of all parents; and a bound below that of all children. */
  level: number;
  lowestChild: number;
  /** {@link Task.losses} when pieces could arrive at it, -1 when that is not known. */
  suppliedAt: number;
  /** It has parents, but no piece can arrive from any of them, as far as is known. */
  isStranded: boolean;
  /** Answers so far on its stream. */
  answers: number;
  waitingSinceMs: number | undefined;
  /** Since when it is expected to begin at the source; undefined before and after. */
  sentToSourceAtMs: number | undefined;
  readonly costs: PieceCosts;
  piecesFinished: number;
  /** It promised to keep the content: it is not forgotten as one of many. Only in the persistent cache. */
  isPersistent: boolean;
  /** What people may see of it; see `swarms.ts`. */
  readonly trace: Trace;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** Everything the scheduler knows. It changes in `apply` only. */
export interface State {
  settings: Settings;
  readonly limits: Limits;
  readonly hosts: Map<string, Host>;
  /** Those of them that are seed peers. */
  readonly seeds: Set<Host>;
  readonly tasks: Map<string, Task>;
  /** The peers of all tasks. */
  readonly peers: Map<string, Peer>;
  /** Tasks in which somebody waits, and how many that are in all. */
  readonly waitingTasks: Set<Task>;
  waiters: number;
  /** Tasks with a pass that goes on. */
  readonly backlog: Set<Task>;
  /** Peers that have ended and still have children. */
  readonly leaving: Set<Peer>;
  /** Hosts that are gone and still have peers. */
  readonly leavingHosts: Set<Host>;
  /** Why the last answers were as they were. */
  readonly explanations: Explanations;
  /** Who got what from whom when. */
  readonly swarms: Swarms;
  /** Where rounds over all of something go on, which take several steps. */
  readonly rounds: Rounds;
}

/** A look at all of something, so many in a step. */
export interface Round<T> {
  /** Where it goes on; undefined between two rounds. */
  left: Iterator<T> | undefined;
  /** When the last one began. */
  begunAtMs: number;
}

/** What is looked at from time to time: tasks in which somebody waits, and what can be forgotten. */
export interface Rounds {
  readonly waiting: Round<Task>;
  readonly hosts: Round<Host>;
  readonly peers: Round<Peer>;
  readonly tasks: Round<Task>;
}

/** A scheduler that knows nobody yet. */
export function emptyState(settings: Settings, nowMs: number, limits: Limits = DEFAULT_LIMITS): State {
  return {
    settings,
    limits,
    hosts: new Map(),
    seeds: new Set(),
    tasks: new Map(),
    peers: new Map(),
    waitingTasks: new Set(),
    waiters: 0,
    backlog: new Set(),
    leaving: new Set(),
    leavingHosts: new Set(),
    explanations: new Explanations(),
    swarms: new Swarms(),
    rounds: {
      waiting: { left: undefined, begunAtMs: nowMs },
      hosts: { left: undefined, begunAtMs: nowMs },
      peers: { left: undefined, begunAtMs: nowMs },
      tasks: { left: undefined, begunAtMs: nowMs },
    },
  };
}
