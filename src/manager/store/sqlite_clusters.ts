import { DamselflyError } from "../../core/error.ts";
import { isLive } from "./liveness.ts";
import { parseColumn, PeerClusterConfig, SchedulerClusterConfig, Scopes, SeedPeerClusterConfig } from "./records.ts";
import { isDuplicate, type Parameters, type Row } from "./sqlite_database.ts";
import { schedulerTable } from "./sqlite_services.ts";
import type { SqliteContext } from "./sqlite_context.ts";
import type { Cluster, ClusterFilter, ClusterInput, ClusterStore } from "./clusters.ts";
import type { Listed, Page } from "./repository.ts";

const SELECT_CLUSTERS = `
  SELECT scheduler_cluster.*, seed_peer_cluster.id AS seed_peer_cluster_id,
    seed_peer_cluster.config AS seed_peer_cluster_config
  FROM scheduler_cluster
  JOIN seed_peer_cluster_scheduler_cluster AS link ON link.scheduler_cluster_id = scheduler_cluster.id
  JOIN seed_peer_cluster ON seed_peer_cluster.id = link.seed_peer_cluster_id`;

/** Clusters in SQLite: a scheduler cluster, a seed peer cluster, and the link between them. */
export class SqliteClusters implements ClusterStore {
  readonly #context: SqliteContext;

  constructor(context: SqliteContext) {
    this.#context = context;
  }

  all(): Promise<Cluster[]> {
    const sql = `${SELECT_CLUSTERS} ORDER BY scheduler_cluster.id`;
    return this.#context.read(() => this.#context.database.all(sql).map(clusterOf));
  }

  list({ name }: ClusterFilter, { offset, limit }: Page): Promise<Listed<Cluster>> {
    const { database } = this.#context;
    const where = "WHERE :name IS NULL OR scheduler_cluster.name = :name";
    const filter = { name: name ?? null };
    return this.#context.read(() => ({
      rows: database.all(
        `${SELECT_CLUSTERS} ${where} ORDER BY scheduler_cluster.id LIMIT :limit OFFSET :offset`,
        { ...filter, limit, offset },
      ).map(clusterOf),
      total: Number(database.get(`SELECT count(*) AS total FROM scheduler_cluster ${where}`, filter)?.["total"]),
    }));
  }

  get(id: number): Promise<Cluster | undefined> {
    return this.#context.read(() => this.#find(id));
  }

  create(input: ClusterInput): Promise<Cluster> {
    return this.#write(input.name, () => {
      const { database } = this.#context;
      const isFirst = database.get("SELECT 1 FROM scheduler_cluster") === undefined;
      const isDefault = input.isDefault || isFirst;
      if (isDefault) this.#clearDefault();
      const columns = { ...columnsOf({ ...input, isDefault }), now: this.#context.nowMs() };
      const id = this.#insert(
        `INSERT INTO scheduler_cluster (created_at, updated_at, name, bio, config, client_config, seed_client_config,
          scopes, is_default)
         VALUES (:now, :now, :name, :bio, :config, :clientConfig, :seedClientConfig, :scopes, :isDefault)
         RETURNING id`,
        columns,
      );
      const seedPeerClusterId = this.#insert(
        `INSERT INTO seed_peer_cluster (created_at, updated_at, name, bio, config)
         VALUES (:now, :now, :name, :bio, :seedPeerClusterConfig) RETURNING id`,
        columns,
      );
      database.run(
        `INSERT INTO seed_peer_cluster_scheduler_cluster (seed_peer_cluster_id, scheduler_cluster_id)
         VALUES (:seedPeerClusterId, :id)`,
        { seedPeerClusterId, id },
      );
      return this.#existing(id, "create");
    });
  }

  update(id: number, patch: Partial<ClusterInput>): Promise<Cluster> {
    return this.#write(patch.name ?? "", () => {
      const { database } = this.#context;
      const before = this.#existing(id, "change");
      const after = { ...before, ...patch };
      if (before.isDefault && !after.isDefault) {
        throw new DamselflyError(
          "failed_precondition",
          `Cannot change cluster ${id}: it is the default cluster; make another one the default instead`,
        );
      }
      if (after.isDefault && !before.isDefault) this.#clearDefault();
      const columns = { ...columnsOf(after), id, now: this.#context.nowMs() };
      database.run(
        `UPDATE scheduler_cluster SET updated_at = :now, name = :name, bio = :bio, config = :config,
          client_config = :clientConfig, seed_client_config = :seedClientConfig, scopes = :scopes,
          is_default = :isDefault
         WHERE id = :id`,
        columns,
      );
      database.run(
        `UPDATE seed_peer_cluster SET updated_at = :now, name = :name, bio = :bio, config = :seedPeerClusterConfig
         WHERE id = :seedPeerClusterId`,
        { ...columns, seedPeerClusterId: before.seedPeerClusterId },
      );
      return this.#existing(id, "change");
    });
  }

  remove(id: number): Promise<void> {
    return this.#write("", () => {
      const { database } = this.#context;
      const cluster = this.#existing(id, "delete");
      if (cluster.isDefault) {
        throw new DamselflyError(
          "failed_precondition",
          `Cannot delete cluster ${id}: it is the default cluster; make another one the default first`,
        );
      }
      const schedulers = database.all("SELECT * FROM scheduler WHERE scheduler_cluster_id = :id", { id });
      const live = schedulers.map(schedulerTable.record).filter((record) => isLive(record, this.#context.nowMs()));
      if (live.length > 0) {
        const names = live.map(({ hostname }) => hostname).join(", ");
        throw new DamselflyError(
          "failed_precondition",
          `Cannot delete cluster ${id}: stop its schedulers first: ${names}`,
        );
      }
      database.run("DELETE FROM scheduler_cluster WHERE id = :id", { id });
      database.run("DELETE FROM seed_peer_cluster WHERE id = :id", { id: cluster.seedPeerClusterId });
    });
  }

  #write<T>(name: string, work: () => T): Promise<T> {
    return this.#context.write(() => {
      try {
        const result = work();
        this.#context.changed();
        return result;
      } catch (cause) {
        if (!isDuplicate(cause)) throw cause;
        throw new DamselflyError("already_exists", `Cannot name a cluster "${name}": the name is taken`, { cause });
      }
    });
  }

  #find(id: number): Cluster | undefined {
    const row = this.#context.database.get(`${SELECT_CLUSTERS} WHERE scheduler_cluster.id = :id`, { id });
    return row === undefined ? undefined : clusterOf(row);
  }

  #existing(id: number, action: string): Cluster {
    const cluster = this.#find(id);
    if (cluster !== undefined) return cluster;
    throw new DamselflyError("not_found", `Cannot ${action} cluster ${id}: it does not exist`);
  }

  #insert(sql: string, parameters: Parameters): number {
    return Number(this.#context.database.get(sql, parameters)?.["id"]);
  }

  #clearDefault(): void {
    this.#context.database.run("UPDATE scheduler_cluster SET is_default = 0 WHERE is_default = 1");
  }
}

function columnsOf(cluster: ClusterInput) {
  const { block_list } = cluster.seedPeerClusterConfig;
  return {
    name: cluster.name,
    bio: cluster.bio,
    config: JSON.stringify(cluster.schedulerClusterConfig),
    clientConfig: JSON.stringify(cluster.peerClusterConfig),
    // Seed peers read their block list from the scheduler cluster, never from their own (wire.md §5.5).
    seedClientConfig: JSON.stringify({ block_list }),
    scopes: JSON.stringify(cluster.scopes),
    isDefault: Number(cluster.isDefault),
    seedPeerClusterConfig: JSON.stringify(cluster.seedPeerClusterConfig),
  };
}

function clusterOf(row: Row): Cluster {
  return {
    id: Number(row["id"]),
    seedPeerClusterId: Number(row["seed_peer_cluster_id"]),
    name: String(row["name"]),
    bio: String(row["bio"]),
    isDefault: row["is_default"] === 1,
    scopes: parseColumn(Scopes, "scheduler_cluster.scopes", row["scopes"]),
    schedulerClusterConfig: parseColumn(SchedulerClusterConfig, "scheduler_cluster.config", row["config"]),
    seedPeerClusterConfig: parseColumn(
      SeedPeerClusterConfig,
      "seed_peer_cluster.config",
      row["seed_peer_cluster_config"],
    ),
    peerClusterConfig: parseColumn(PeerClusterConfig, "scheduler_cluster.client_config", row["client_config"]),
    createdAtMs: Number(row["created_at"]),
    updatedAtMs: Number(row["updated_at"]),
  };
}
