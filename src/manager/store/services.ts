import type { Identified, Repository } from "./repository.ts";

/** The flag of a row; a live service is one that is active and fresh (`isLive`). */
export type ServiceState = "active" | "inactive";

/** What identifies a scheduler or a seed peer in its cluster. */
export interface ServiceKey {
  readonly hostname: string;
  readonly ip: string;
  readonly clusterId: number;
}

/** What a scheduler says of itself. */
export interface SchedulerInput extends ServiceKey {
  readonly port: number;
  readonly idc: string;
  readonly location: string;
  readonly features: readonly string[];
  /** How often it promises to send a keep-alive. */
  readonly keepAliveIntervalMs: number;
}

/** When a service was heard of. */
export interface Liveness {
  readonly state: ServiceState;
  readonly lastKeepAliveAtMs: number;
}

/** A registered scheduler. */
export interface SchedulerRecord extends SchedulerInput, Identified, Liveness {}

/** Which schedulers to list. */
export type SchedulerFilter = Partial<
  Pick<SchedulerRecord, "hostname" | "ip" | "clusterId" | "idc" | "location" | "state">
>;

/** What a seed peer says of itself; its `clusterId` is that of a seed peer cluster. */
export interface SeedPeerInput extends ServiceKey {
  readonly type: string;
  readonly port: number;
  readonly downloadPort: number;
  readonly objectStoragePort: number;
  readonly idc: string;
  readonly location: string;
}

/** A registered seed peer. */
export interface SeedPeerRecord extends SeedPeerInput, Identified, Liveness {}

/** Which seed peers to list. */
export type SeedPeerFilter = Partial<Omit<SeedPeerInput, "type">> & Partial<Pick<SeedPeerRecord, "type" | "state">>;

/** What schedulers and seed peers have in common for the manager. */
export interface ServiceStore<Input extends ServiceKey, Row, Filter> extends Repository<Row, Input, Filter> {
  /** All of them, by id. */
  all(): Promise<Row[]>;
  /** All of one cluster, by id. */
  ofCluster(clusterId: number): Promise<Row[]>;
  /**
   * Adds the service, inactive, or changes the one with its key. Fails with `not_found` without its cluster. Where a
   * cluster is full the one that is silent for longest gives way; fails with `resource_exhausted` when all are live.
   */
  upsert(input: Input): Promise<Row>;
  /** Notes a keep-alive: it is active now. Fails with `not_found` when it is not registered. */
  keepAlive(key: ServiceKey): Promise<Row>;
  /** Its keep-alive stream has ended. Does nothing when it is no longer registered. */
  markInactive(key: ServiceKey): Promise<void>;
  /** Removes the one with this key; whether it was there. */
  unregister(key: ServiceKey): Promise<boolean>;
  /** Removes those whose last keep-alive is older than `ageMs`; how many. */
  removeSilent(ageMs: number): Promise<number>;
}

/** Schedulers. */
export type SchedulerStore = ServiceStore<SchedulerInput, SchedulerRecord, SchedulerFilter>;

/** Seed peers. */
export type SeedPeerStore = ServiceStore<SeedPeerInput, SeedPeerRecord, SeedPeerFilter>;
