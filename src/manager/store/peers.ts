import type { Identified, Readable } from "./repository.ts";
import type { ServiceKey, ServiceState } from "./services.ts";

/** A peer as its scheduler reported it; its `clusterId` is that of a scheduler cluster. */
export interface PeerInput extends ServiceKey {
  readonly type: string;
  readonly idc: string;
  readonly location: string;
  readonly port: number;
  readonly downloadPort: number;
  readonly proxyPort: number;
  readonly objectStoragePort: number;
  readonly state: ServiceState;
  readonly os: string;
  readonly platform: string;
  readonly platformFamily: string;
  readonly platformVersion: string;
  readonly kernelVersion: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly buildPlatform: string;
}

/** A known peer. */
export interface PeerRecord extends PeerInput, Identified {}

/** Which peers to list. */
export type PeerFilter = Partial<PeerInput>;

/** How many peers run one release in one state. */
export interface PeerVersionCount extends Pick<PeerRecord, "gitVersion" | "gitCommit" | "state"> {
  readonly count: number;
}

/** How many peers of a cluster run one release of one make in one state. */
export interface PeerCount extends Pick<PeerRecord, "clusterId" | "gitVersion" | "buildPlatform" | "state"> {
  readonly count: number;
}

/** Different counts of all peers; peers say themselves what they run. */
export const PEER_COUNTS_MAX = 10_000;

/** Peers, as of the last time they were counted. There is one for each key. */
export interface PeerStore extends Readable<PeerRecord, PeerFilter> {
  /** Fails with `already_exists` on a taken key, and with `not_found` without its cluster. */
  create(input: PeerInput): Promise<PeerRecord>;
  /** Fails with `not_found`. */
  remove(id: number): Promise<void>;
  /** How many peers of a cluster run which release, the most first; at most `limit` rows. */
  versions(clusterId: number, limit: number): Promise<PeerVersionCount[]>;
  /** All peers, counted; the largest counts first, {@link PEER_COUNTS_MAX} at most. */
  counts(): Promise<PeerCount[]>;
  /** Makes `peers` the peers of a cluster: adds, changes and removes. Fails with `not_found` without the cluster. */
  replace(clusterId: number, peers: readonly PeerInput[]): Promise<void>;
}
