/** What the manager remembers, as the services see it. Every method is one transaction. */
import type {
  ApplicationPriority,
  PeerClusterConfig,
  SchedulerClusterConfig,
  Scopes,
  SeedPeerClusterConfig,
} from "./records.ts";

/** When a row was made and last changed, in milliseconds since the Unix epoch. */
export interface Times {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What an administrator decides of a cluster. */
export interface ClusterInput {
  readonly name: string;
  readonly bio: string;
  readonly isDefault: boolean;
  readonly scopes: Scopes;
  readonly schedulerClusterConfig: SchedulerClusterConfig;
  readonly seedPeerClusterConfig: SeedPeerClusterConfig;
  readonly peerClusterConfig: PeerClusterConfig;
}

/** A cluster: one scheduler cluster, whose id it bears, and the one seed peer cluster linked to it. */
export interface Cluster extends ClusterInput, Times {
  readonly id: number;
  readonly seedPeerClusterId: number;
}

/** Which clusters to list: all, or the one of that name; `limit` of them after the first `offset`, by id. */
export interface ClusterQuery {
  readonly name?: string;
  readonly offset: number;
  readonly limit: number;
}

/** Exactly one cluster is the default at any time. */
export interface ClusterStore {
  /** All clusters, by id. */
  all(): Promise<Cluster[]>;
  list(query: ClusterQuery): Promise<{ readonly clusters: Cluster[]; readonly total: number }>;
  get(id: number): Promise<Cluster | undefined>;
  /** Makes the first cluster, or a default one, the only default. Fails with `already_exists` on a taken name. */
  create(input: ClusterInput): Promise<Cluster>;
  /**
   * Changes what `patch` holds. Fails with `not_found`, with `already_exists` on a taken name, and with
   * `failed_precondition` when no cluster would remain the default.
   */
  update(id: number, patch: Partial<ClusterInput>): Promise<Cluster>;
  /**
   * Removes a cluster with its dead schedulers and its seed peers. Fails with `not_found`, and with
   * `failed_precondition` for the default cluster and for one with a live scheduler.
   */
  remove(id: number): Promise<void>;
}

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

/** A registered scheduler. */
export interface SchedulerRecord extends SchedulerInput, Times {
  readonly id: number;
  readonly state: ServiceState;
  readonly lastKeepAliveAtMs: number;
}

/** What a seed peer says of itself; its `clusterId` is that of a seed peer cluster. */
export interface SeedPeerInput extends ServiceKey {
  readonly type: string;
  readonly port: number;
  readonly downloadPort: number;
  readonly idc: string;
  readonly location: string;
}

/** A registered seed peer. */
export interface SeedPeerRecord extends SeedPeerInput, Times {
  readonly id: number;
  readonly state: ServiceState;
  readonly lastKeepAliveAtMs: number;
}

/** What schedulers and seed peers have in common for the manager. */
export interface ServiceStore<Input extends ServiceKey, Record> {
  /** All of them, by id. */
  all(): Promise<Record[]>;
  /** Adds the service, inactive, or changes the one with its key. Fails with `not_found` without its cluster. */
  upsert(input: Input): Promise<Record>;
  /** Notes a keep-alive: it is active now. Fails with `not_found` when it is not registered. */
  keepAlive(key: ServiceKey): Promise<Record>;
  /** Its keep-alive stream has ended. Does nothing when it is no longer registered. */
  markInactive(key: ServiceKey): Promise<void>;
  /** Removes it; whether it was there. */
  remove(key: ServiceKey): Promise<boolean>;
  /** Removes those whose last keep-alive is older than `ageMs`; how many. */
  removeSilent(ageMs: number): Promise<number>;
}

/** Somebody who may sign in. */
export interface User extends Times {
  readonly id: number;
  readonly name: string;
  readonly passwordHash: string;
  readonly state: "enable" | "disable";
}

/** Who may sign in. */
export interface UserStore {
  get(id: number): Promise<User | undefined>;
  findByName(name: string): Promise<User | undefined>;
  /** Fails with `already_exists` on a taken name. */
  create(input: { readonly name: string; readonly passwordHash: string }): Promise<User>;
}

/** A named user of the cluster with a download priority. */
export interface Application {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly bio: string;
  readonly priority: ApplicationPriority;
}

/** Applications with a priority. */
export interface ApplicationStore {
  /** By id. */
  all(): Promise<Application[]>;
}

/** The database of the manager. */
export interface Store extends AsyncDisposable {
  /**
   * Grows with each write that may change which schedulers a peer is told. A keep-alive of a service that was live
   * leaves it, so that answers can be kept between them.
   */
  readonly revision: number;
  readonly clusters: ClusterStore;
  readonly schedulers: ServiceStore<SchedulerInput, SchedulerRecord>;
  readonly seedPeers: ServiceStore<SeedPeerInput, SeedPeerRecord>;
  readonly users: UserStore;
  readonly applications: ApplicationStore;
}
