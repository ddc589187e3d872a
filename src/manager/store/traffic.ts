/** Bytes of the contents of a repository within an hour, as a host or a scheduler tells them. */
export interface TrafficAmount extends TrafficBytes {
  /** When the hour began; wall time. */
  readonly hourMs: number;
  readonly registry: string;
  /** Empty for what is no content of a registry. */
  readonly repository: string;
  readonly application: string;
}

/** Bytes by where they came from. */
export interface TrafficBytes {
  readonly originBytes: number;
  readonly peerBytes: number;
  readonly localBytes: number;
  /** What programs on hosts got; what seed peers fetched for others is none of it. */
  readonly servedBytes: number;
  readonly pulls: number;
}

/** What a sender tells once, and maybe again and again until it was heard. */
export interface TrafficStatement {
  readonly senderId: string;
  /** Larger with each statement of the sender. */
  readonly sequence: number;
  readonly idc: string;
  readonly amounts: readonly TrafficAmount[];
}

/** What totals can be told apart by. */
export const TRAFFIC_KEYS = ["registry", "repository", "application", "idc", "hour"] as const;
export type TrafficKey = typeof TRAFFIC_KEYS[number];

/** A total of all that has the same `name`. */
export interface TrafficTotal extends TrafficBytes {
  /** Of a repository with its registry; of an hour its beginning in milliseconds. */
  readonly name: string;
}

/** What hosts told within a minute of what they had moved just before. */
export interface TrafficMinute extends TrafficBytes {
  /** When the minute began; wall time. */
  readonly minuteMs: number;
}

/** The last minutes, so many, are told apart. */
export const TRAFFIC_MINUTES_MAX = 90;

/** Different registries, repositories, applications and IDCs of one hour; what comes on top is counted as `other`. */
export const TRAFFIC_ROWS_PER_HOUR_MAX = 2_000;
/** Bytes and pulls of one row; what comes on top is not counted, so that no database has to add up more than it can. */
export const TRAFFIC_OF_ROW_MAX = 2 ** 60;

/** The ledger: hourly totals of what the swarm moved. */
export interface TrafficStore {
  /** Adds a statement, unless it was added before; whether it was new. */
  add(statement: TrafficStatement): Promise<boolean>;
  /** Totals since a time, those that were served most first. */
  totals(by: TrafficKey, sinceMs: number, limit: number): Promise<TrafficTotal[]>;
  /** Everything since a time. */
  total(sinceMs: number): Promise<TrafficBytes>;
  /** The minutes since a time in which anything was told, in order. */
  minutes(sinceMs: number): Promise<TrafficMinute[]>;
  /** Removes hours that began before, and senders that were silent since; how many rows at most `limit` of each. */
  removeBefore(beforeMs: number, limit: number): Promise<number>;
}
