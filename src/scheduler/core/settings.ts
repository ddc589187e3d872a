import type { Pattern } from "../../core/pattern.ts";

/** Levels of wire.md §1.1: 0 the table decides, 1 refuse, 2 never the source, 3 no seed peer, 4 to 6 seed peer first. */
export type PriorityLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** The priority that an application has, with its exceptions by URL (wire.md §5.6). */
export interface ApplicationPriority {
  readonly name: string;
  readonly level: PriorityLevel;
  readonly urls: readonly { readonly pattern: Pattern; readonly level: PriorityLevel }[];
}

/** After how much silence something is forgotten, and how often that is looked for; milliseconds. */
export interface GcSettings {
  readonly pieceTimeoutMs: number;
  readonly peerIntervalMs: number;
  readonly peerTtlMs: number;
  readonly taskIntervalMs: number;
  readonly hostIntervalMs: number;
  readonly hostTtlMs: number;
}

/** How parents are chosen: as Dragonfly does it, or as we do. */
export type AlgorithmName = "default" | "swarm";

/** What the scheduler goes by; changes when the manager says so. */
export interface Settings {
  readonly algorithm: AlgorithmName;
  /** Parents in one answer. */
  readonly candidateParentsMax: number;
  /** Parents that are scored for one answer. */
  readonly filterParentsMax: number;
  /** Children at a time of a normal host and of a seed peer, all tasks together. */
  readonly hostUploadsMax: number;
  readonly seedUploadsMax: number;
  /** Peers of one task that may be at the source at a time. */
  readonly sourcePeersMax: number;
  /** How long a peer that was sent to the source has to begin until another one is sent. */
  readonly sourceStartTimeoutMs: number;
  /** How long a peer that may not go to the source waits for somebody who does. */
  readonly noParentTimeoutMs: number;
  /** Whether seed peers are asked to fetch what no peer has. */
  readonly triggersSeedPeers: boolean;
  readonly applications: readonly ApplicationPriority[];
  readonly gc: GcSettings;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The settings of a scheduler that nobody configured (wire.md §4, manager-rest.md §7.2). */
export const DEFAULT_SETTINGS: Settings = {
  algorithm: "swarm",
  candidateParentsMax: 3,
  filterParentsMax: 15,
  hostUploadsMax: 200,
  seedUploadsMax: 2000,
  sourcePeersMax: 200,
  sourceStartTimeoutMs: 2_000,
  noParentTimeoutMs: 2_500,
  triggersSeedPeers: true,
  applications: [],
  gc: {
    pieceTimeoutMs: 30 * MINUTE_MS,
    peerIntervalMs: 10_000,
    peerTtlMs: 24 * HOUR_MS,
    taskIntervalMs: 30 * MINUTE_MS,
    hostIntervalMs: 5 * MINUTE_MS,
    hostTtlMs: HOUR_MS,
  },
};

/** The level of a download: its own, or for level 0 the one of its application, first by URL and then by name. */
export function priorityOf(
  applications: readonly ApplicationPriority[],
  download: { readonly priority: PriorityLevel; readonly application: string | undefined; readonly url: string },
): PriorityLevel {
  if (download.priority !== 0) return download.priority;
  const application = applications.find(({ name }) => name === download.application);
  return application?.urls.find(({ pattern }) => pattern.test(download.url))?.level ?? application?.level ?? 0;
}
