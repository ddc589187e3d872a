import type { Identified } from "../repository.ts";
import type { ColumnDefinition } from "./database.ts";
import {
  APPLICATIONS,
  AUDITS,
  CONFIGS,
  JOBS,
  OAUTH_PROVIDERS,
  PEERS,
  SCHEDULER_CLUSTERS,
  SCHEDULERS,
  SEED_PEER_CLUSTERS,
  SEED_PEERS,
  TOKENS,
  USERS,
  WARM_HOSTS,
  WARM_IMAGES,
} from "./schema.ts";
import { TRAFFIC_BYTES } from "./traffic_bytes.ts";
import { columnNamesOf, definitionsOf, type TableSpec } from "./table.ts";

/** A table as it is made. */
export interface SqlTableDefinition {
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** Where it is not an `id`. */
  readonly primaryKey?: readonly string[];
  readonly unique: Readonly<Record<string, readonly string[]>>;
  readonly indexes: Readonly<Record<string, readonly string[]>>;
  /** What a column was called before, by its name today. */
  readonly formerly: Readonly<Record<string, string>>;
}

/** Rules of roles, as casbin writes them: `p, role, object, action` and `g, user id, role`. */
export const CASBIN_RULE = "casbin_rule";
/** Secrets of the manager itself; Dragonfly has no such table. */
export const SECRET = "damselfly_secret";
/** Which seed peers serve which schedulers. */
export const CLUSTER_LINK = "seed_peer_cluster_scheduler_cluster";
/** What clusters a job is for. */
export const JOB_SCHEDULER_CLUSTER = "job_scheduler_cluster";
export const JOB_SEED_PEER_CLUSTER = "job_seed_peer_cluster";
/** What jobs that have not ended were ordered with, and which manager runs them; Dragonfly has no such table. */
export const JOB_ORDER = "damselfly_job_order";
/** What one manager does for all; Dragonfly has no such table. */
export const TURN = "damselfly_turn";

/** What the swarm has moved, by the hour, and how far its tellers have been heard; Dragonfly has no such tables. */
export const TRAFFIC = "damselfly_traffic";
export const TRAFFIC_SENDER = "damselfly_traffic_sender";
/** The last minutes of it; each row is used again and again. */
export const TRAFFIC_MINUTE = "damselfly_traffic_minute";
const AMOUNTS = TRAFFIC_BYTES.map((name) => ({ name, type: "integer" as const }));

/** All tables of the manager. */
export const SQL_TABLES: readonly SqlTableDefinition[] = [
  definition(USERS),
  definition(TOKENS),
  definition(OAUTH_PROVIDERS),
  definition(SCHEDULER_CLUSTERS),
  definition(SEED_PEER_CLUSTERS),
  definition(SCHEDULERS),
  definition(SEED_PEERS),
  definition(PEERS),
  definition(APPLICATIONS),
  definition(CONFIGS),
  definition(JOBS, { task_result: "result" }),
  definition(AUDITS),
  definition(WARM_IMAGES),
  definition(WARM_HOSTS),
  join(CLUSTER_LINK, "scheduler_cluster_id", "seed_peer_cluster_id"),
  join(JOB_SCHEDULER_CLUSTER, "scheduler_cluster_id", "job_id"),
  join(JOB_SEED_PEER_CLUSTER, "seed_peer_cluster_id", "job_id"),
  {
    name: CASBIN_RULE,
    columns: [
      { name: "id", type: "id" },
      ...["ptype", "v0", "v1", "v2", "v3", "v4", "v5"].map((name) => ({ name, type: { text: 100 } })),
    ],
    unique: {},
    indexes: {},
    formerly: {},
  },
  {
    name: SECRET,
    columns: [{ name: "name", type: { text: 256 } }, { name: "value", type: { text: 1024 } }],
    primaryKey: ["name"],
    unique: {},
    indexes: {},
    formerly: {},
  },
  {
    name: JOB_ORDER,
    columns: [
      { name: "job_id", type: "reference" },
      { name: "sealed", type: "long" },
      { name: "owner", type: { text: 64 } },
      ...["beat", "deadline_ms", "kept_until_ms"].map((name) => ({ name, type: "integer" as const })),
      { name: "cancelled_by", type: { text: 256 } },
    ],
    primaryKey: ["job_id"],
    unique: {},
    indexes: { idx_damselfly_job_order_owner: ["owner"] },
    formerly: {},
  },
  {
    name: TRAFFIC,
    columns: [
      { name: "row_key", type: { text: 64 } },
      { name: "hour_ms", type: "integer" },
      ...["registry", "repository", "application", "idc"].map((name) => ({ name, type: { text: 256 } })),
      ...AMOUNTS,
    ],
    primaryKey: ["row_key"],
    unique: {},
    indexes: { idx_damselfly_traffic_hour: ["hour_ms"] },
    formerly: {},
  },
  {
    name: TRAFFIC_SENDER,
    columns: [
      { name: "id", type: { text: 64 } },
      { name: "sequence", type: "integer" },
      { name: "heard_at_ms", type: "integer" },
    ],
    primaryKey: ["id"],
    unique: {},
    indexes: { idx_damselfly_traffic_sender_heard: ["heard_at_ms"] },
    formerly: {},
  },
  {
    name: TRAFFIC_MINUTE,
    columns: [{ name: "slot", type: "integer" }, { name: "minute_ms", type: "integer" }, ...AMOUNTS],
    primaryKey: ["slot"],
    unique: {},
    indexes: {},
    formerly: {},
  },
  {
    name: TURN,
    columns: [{ name: "name", type: { text: 256 } }, { name: "due_ms", type: "integer" }],
    primaryKey: ["name"],
    unique: {},
    indexes: {},
    formerly: {},
  },
];

function definition<Row extends Identified>(
  spec: TableSpec<Row>,
  formerly: Readonly<Record<string, string>> = {},
): SqlTableDefinition {
  return {
    name: spec.name,
    columns: definitionsOf(spec),
    unique: columnNamesOf(spec, spec.unique),
    indexes: columnNamesOf(spec, spec.indexes ?? {}),
    formerly,
  };
}

function join(name: string, one: string, other: string): SqlTableDefinition {
  return {
    name,
    columns: [{ name: one, type: "reference" }, { name: other, type: "reference" }],
    primaryKey: [one, other],
    unique: {},
    indexes: {},
    formerly: {},
  };
}
