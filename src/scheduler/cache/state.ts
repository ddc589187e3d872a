import { DEFAULT_LIMITS, emptyState, type Limits, type Peer, type State } from "../core/state.ts";
import type { Settings } from "../core/settings.ts";
import { CACHE_TTL_MS } from "../../core/persistent_cache.ts";

/** What the importer said of a task; the same for all its copies. */
export interface CacheTaskFacts {
  readonly id: string;
  /** Hosts that shall keep it until its time is over. */
  readonly replicaCount: number;
  readonly tag: string | undefined;
  readonly application: string | undefined;
  readonly pieceLength: number;
  readonly contentLength: number;
  readonly pieceCount: number;
  readonly ttlMs: number;
}

/** Where the import of a task stands; the words are those on the wire (wire.md §4.11). */
export type CacheTaskState = "Uploading" | "Succeeded" | "Failed";

/** The peer that imports, or imported, a task. */
export interface Importer {
  readonly peerId: string;
  readonly hostId: string;
}

/** A task of the persistent cache. Who has a copy is in the swarm, by the same id. */
export interface CacheTask {
  readonly facts: CacheTaskFacts;
  readonly importer: Importer;
  state: CacheTaskState;
  /** How many replicas there were at a time, as far as others did not take their place; and since when some are lost. */
  replicasSeen: number;
  lostSinceMs: number | undefined;
  /** Hosts that are being made replicas. */
  readonly replicating: Set<string>;
  /** Hosts that could not be made one, and until when they are left alone. */
  readonly skippedUntilMs: Map<string, number>;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** All that is known of the persistent cache; in memory only. Times are those of the monotonic clock. */
export interface CacheState {
  readonly tasks: Map<string, CacheTask>;
  /** The copies and downloads: the core's state, for this family of tasks. */
  readonly swarm: State;
  readonly startedAtMs: number;
  /** Where the round through all tasks goes on. */
  round: Iterator<CacheTask> | undefined;
}

/** Less than for images: files are imported one by one. */
const LIMITS: Limits = { ...DEFAULT_LIMITS, tasksMax: 20_000, peersMax: 100_000 };

/** A persistent cache that nobody has imported anything into. */
export function emptyCacheState(settings: Settings, nowMs: number, limits: Limits = LIMITS): CacheState {
  const swarm = emptyState(cacheSettings(settings), nowMs, limits);
  return { tasks: new Map(), swarm, startedAtMs: nowMs, round: undefined };
}

/** The settings for this family: there is no source that a seed peer could fetch from, and a copy stays for its time. */
export function cacheSettings(settings: Settings): Settings {
  return { ...settings, triggersSeedPeers: false, gc: { ...settings.gc, peerTtlMs: CACHE_TTL_MS.max } };
}

/** The complete copies of a task. */
export function* copiesOf({ swarm }: CacheState, { facts }: CacheTask): Generator<Peer> {
  for (const peer of swarm.tasks.get(facts.id)?.peers.values() ?? []) if (peer.state === "Succeeded") yield peer;
}

/** Hosts that have a complete copy, and those of them that keep it until its time is over. */
export function replicaCounts(state: CacheState, task: CacheTask): { copies: number; persistent: number } {
  const copies = new Set<string>();
  const persistent = new Set<string>();
  for (const { host: { facts: { id } }, isPersistent } of copiesOf(state, task)) {
    copies.add(id);
    if (isPersistent) persistent.add(id);
  }
  return { copies: copies.size, persistent: persistent.size };
}
