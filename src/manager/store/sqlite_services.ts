import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { isLive, millisecondsOfNanoseconds, nanosecondsOfMilliseconds } from "./liveness.ts";
import { parseColumn } from "./records.ts";
import { isMissingReference, type Parameters, type Row } from "./sqlite_database.ts";
import type { SqliteContext } from "./sqlite_context.ts";
import type {
  SchedulerInput,
  SchedulerRecord,
  SeedPeerInput,
  SeedPeerRecord,
  ServiceKey,
  ServiceState,
  ServiceStore,
} from "./services.ts";
import type { Times } from "./repository.ts";

/** How a kind of service lies in its table. */
export interface ServiceTable<Input extends ServiceKey, Record> {
  readonly table: string;
  readonly clusterTable: string;
  /** The words for it in messages. */
  readonly kind: string;
  /** What it says of itself besides its key, by column; the columns are the same each time. */
  columns(input: Input): Parameters;
  record(row: Row): Record;
}

/** The part of a record that every kind has. */
type ServiceRecord = ServiceKey & Times & {
  readonly id: number;
  readonly state: ServiceState;
  readonly lastKeepAliveAtMs: number;
  readonly keepAliveIntervalMs?: number;
};

const SchedulerConfigColumn = z.object({ manager_keep_alive_interval: z.number() });

/** Schedulers. */
export const schedulerTable: ServiceTable<SchedulerInput, SchedulerRecord> = {
  table: "scheduler",
  clusterTable: "scheduler_cluster",
  kind: "scheduler",
  columns: ({ port, idc, location, features, keepAliveIntervalMs }) => ({
    port,
    idc,
    location,
    features: JSON.stringify(features),
    config: JSON.stringify({ manager_keep_alive_interval: nanosecondsOfMilliseconds(keepAliveIntervalMs) }),
  }),
  record(row) {
    const config = parseColumn(SchedulerConfigColumn, "scheduler.config", row["config"]);
    return {
      ...serviceOf(row, "scheduler_cluster_id"),
      features: parseColumn(z.array(z.string()), "scheduler.features", row["features"]),
      keepAliveIntervalMs: millisecondsOfNanoseconds(config.manager_keep_alive_interval),
    };
  },
};

/** Seed peers. */
export const seedPeerTable: ServiceTable<SeedPeerInput, SeedPeerRecord> = {
  table: "seed_peer",
  clusterTable: "seed_peer_cluster",
  kind: "seed peer",
  columns: ({ type, port, downloadPort, idc, location }) => ({
    type,
    port,
    download_port: downloadPort,
    idc,
    location,
  }),
  record: (row) => ({
    ...serviceOf(row, "seed_peer_cluster_id"),
    type: String(row["type"]),
    downloadPort: Number(row["download_port"]),
    objectStoragePort: 0,
  }),
};

function serviceOf(row: Row, clusterColumn: string) {
  return {
    id: Number(row["id"]),
    hostname: String(row["host_name"]),
    ip: String(row["ip"]),
    port: Number(row["port"]),
    idc: String(row["idc"]),
    location: String(row["location"]),
    clusterId: Number(row[clusterColumn]),
    state: row["state"] === "active" ? "active" as const : "inactive" as const,
    lastKeepAliveAtMs: Number(row["last_keep_alive_at"]),
    createdAtMs: Number(row["created_at"]),
    updatedAtMs: Number(row["updated_at"]),
  };
}

/** Schedulers or seed peers in SQLite. */
export class SqliteServices<Input extends ServiceKey, Record extends ServiceRecord> implements
  Pick<
    ServiceStore<Input, Record, unknown>,
    "all" | "upsert" | "keepAlive" | "markInactive" | "unregister" | "removeSilent"
  > {
  readonly #context: SqliteContext;
  readonly #table: ServiceTable<Input, Record>;
  /** The condition that picks the row of a key. */
  readonly #isKey: string;

  constructor(context: SqliteContext, table: ServiceTable<Input, Record>) {
    this.#context = context;
    this.#table = table;
    this.#isKey = `${table.clusterTable}_id = :clusterId AND host_name = :hostname AND ip = :ip`;
  }

  all(): Promise<Record[]> {
    const { table, record } = this.#table;
    return this.#context.read(() => this.#context.database.all(`SELECT * FROM ${table} ORDER BY id`).map(record));
  }

  upsert(input: Input): Promise<Record> {
    const columns = this.#table.columns(input);
    const names = Object.keys(columns);
    const sql = `
      INSERT INTO ${this.#table.table} (created_at, updated_at, last_keep_alive_at, state, ${this.#table.clusterTable}_id,
        host_name, ip, ${names.join(", ")})
      VALUES (:now, :now, :now, 'inactive', :clusterId, :hostname, :ip, ${names.map((name) => `:${name}`).join(", ")})
      ON CONFLICT (${this.#table.clusterTable}_id, host_name, ip) DO UPDATE
        SET updated_at = :now, last_keep_alive_at = :now, ${names.map((name) => `${name} = :${name}`).join(", ")}
      RETURNING *`;
    return this.#context.write(() => {
      try {
        const row = this.#context.database.get(sql, { ...keyOf(input), ...columns, now: this.#context.nowMs() });
        this.#context.changed();
        return this.#table.record(row ?? {});
      } catch (cause) {
        if (!isMissingReference(cause)) throw cause;
        const cluster = this.#table.clusterTable.replaceAll("_", " ");
        throw new DamselflyError(
          "not_found",
          `Cannot register ${this.#table.kind} ${input.hostname}: ${cluster} ${input.clusterId} does not exist`,
          { cause },
        );
      }
    });
  }

  keepAlive(key: ServiceKey): Promise<Record> {
    const { table, kind, record } = this.#table;
    return this.#context.write(() => {
      const row = this.#context.database.get(`SELECT * FROM ${table} WHERE ${this.#isKey}`, keyOf(key));
      if (row === undefined) {
        throw new DamselflyError(
          "not_found",
          `Cannot keep ${kind} ${key.hostname} (${key.ip}) alive: it is not registered in cluster ${key.clusterId}`,
        );
      }
      const before = record(row);
      const now = this.#context.nowMs();
      if (!isLive(before, now)) this.#context.changed();
      const updatedAtMs = before.state === "active" ? before.updatedAtMs : now;
      this.#context.database.run(
        `UPDATE ${table} SET state = 'active', last_keep_alive_at = :now, updated_at = :updatedAtMs WHERE id = :id`,
        { id: before.id, now, updatedAtMs },
      );
      return { ...before, state: "active" as const, lastKeepAliveAtMs: now, updatedAtMs };
    });
  }

  markInactive(key: ServiceKey): Promise<void> {
    const sql = `UPDATE ${this.#table.table} SET state = 'inactive', updated_at = :now WHERE ${this.#isKey}`;
    return this.#context.write(() => {
      const count = this.#context.database.run(sql, { ...keyOf(key), now: this.#context.nowMs() });
      if (count > 0) this.#context.changed();
    });
  }

  unregister(key: ServiceKey): Promise<boolean> {
    return this.#context.write(() => {
      const count = this.#context.database.run(`DELETE FROM ${this.#table.table} WHERE ${this.#isKey}`, keyOf(key));
      if (count > 0) this.#context.changed();
      return count > 0;
    });
  }

  removeSilent(ageMs: number): Promise<number> {
    const sql = `DELETE FROM ${this.#table.table} WHERE last_keep_alive_at < :before`;
    return this.#context.write(() => {
      const count = this.#context.database.run(sql, { before: this.#context.nowMs() - ageMs });
      if (count > 0) this.#context.changed();
      return count;
    });
  }
}

function keyOf({ hostname, ip, clusterId }: ServiceKey): Parameters {
  return { hostname, ip, clusterId };
}
