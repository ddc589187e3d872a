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

/** Peers, as of the last time they were counted. There is one for each key. */
export interface PeerStore extends Readable<PeerRecord, PeerFilter> {
  /** Fails with `already_exists` on a taken key, and with `not_found` without its cluster. */
  create(input: PeerInput): Promise<PeerRecord>;
  /** Fails with `not_found`. */
  remove(id: number): Promise<void>;
  /** How many peers of a cluster run which release, the most first. */
  versions(clusterId: number): Promise<PeerVersionCount[]>;
  /** Makes `peers` the peers of a cluster: adds, changes and removes. Fails with `not_found` without the cluster. */
  replace(clusterId: number, peers: readonly PeerInput[]): Promise<void>;
}
