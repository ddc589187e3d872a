import { DamselflyError } from "../../../core/error.ts";
import {
  PEER_COUNTS_MAX,
  type PeerCount,
  type PeerFilter,
  type PeerInput,
  type PeerRecord,
  type PeerStore,
  type PeerVersionCount,
} from "../peers.ts";
import type { SqlContext } from "./context.ts";
import type { ServiceState } from "../services.ts";
import type { RawRow, Sql } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { PEERS } from "./schema.ts";
import { SqlRepository } from "./sql_repository.ts";

/** Peers. */
export class SqlPeers extends SqlRepository<PeerRecord, PeerFilter> implements PeerStore {
  constructor(context: SqlContext) {
    super(context, PEERS);
  }

  override create(input: PeerInput): Promise<PeerRecord> {
    const { database, clock } = this.context;
    return database.transaction(async (sql) => {
      await checkCluster(sql, input.clusterId, `store peer ${input.hostname}`);
      const id = await this.table.insert(sql, input, clock.wallMs());
      return await this.table.existing(sql, id, "store");
    });
  }

  async versions(clusterId: number, limit: number): Promise<PeerVersionCount[]> {
    const rows = await this.context.database.all(
      `SELECT git_version, git_commit, state, count(*) AS total FROM "${PEERS.name}"
       WHERE scheduler_cluster_id = ? AND is_del = 0 GROUP BY git_version, git_commit, state
       ORDER BY total DESC, git_version, git_commit, state LIMIT ${integerOf(limit)}`,
      [clusterId],
    );
    return rows.map((row) => ({
      gitVersion: String(row["git_version"]),
      gitCommit: String(row["git_commit"]),
      state: stateOf(row),
      count: Number(row["total"]),
    }));
  }

  async counts(): Promise<PeerCount[]> {
    const rows = await this.context.database.all(
      `SELECT scheduler_cluster_id, git_version, build_platform, state, count(*) AS total FROM "${PEERS.name}"
       WHERE is_del = 0 GROUP BY scheduler_cluster_id, git_version, build_platform, state
       ORDER BY total DESC LIMIT ${integerOf(PEER_COUNTS_MAX)}`,
    );
    return rows.map((row) => ({
      clusterId: integerOf(row["scheduler_cluster_id"]),
      gitVersion: String(row["git_version"]),
      buildPlatform: String(row["build_platform"]),
      state: stateOf(row),
      count: integerOf(row["total"]),
    }));
  }

  replace(clusterId: number, peers: readonly PeerInput[]): Promise<void> {
    const { database, clock } = this.context;
    return database.transaction(async (sql) => {
      await checkCluster(sql, clusterId, "store peers");
      const before = await this.table.select(sql, { clusterId });
      const left = new Map(before.map((peer) => [keyOf(peer), peer]));
      const added = new Map<string, PeerInput>();
      for (const peer of peers) {
        const known = left.get(keyOf(peer));
        left.delete(keyOf(peer));
        if (known === undefined) added.set(keyOf(peer), { ...peer, clusterId });
        else if (differs(known, peer)) {
          await this.table.update(sql, { id: known.id }, { ...peer, clusterId, updatedAtMs: clock.wallMs() });
        }
      }
      await this.table.insertMany(sql, [...added.values()], clock.wallMs());
      await this.table.removeMany(sql, [...left.values()].map(({ id }) => id));
    });
  }
}

async function checkCluster(sql: Sql, clusterId: number, action: string): Promise<void> {
  const [cluster] = await sql.all("SELECT id FROM scheduler_cluster WHERE id = ? AND is_del = 0", [clusterId]);
  if (cluster !== undefined) return;
  throw new DamselflyError("not_found", `Cannot ${action}: scheduler cluster ${clusterId} does not exist`);
}

function stateOf({ state }: RawRow): ServiceState {
  return state === "active" ? "active" : "inactive";
}

function keyOf({ hostname, ip }: PeerInput): string {
  return `${ip} ${hostname}`;
}

function differs(known: PeerRecord, peer: PeerInput): boolean {
  return Object.entries(peer).some(([key, value]) => key !== "clusterId" && known[key as keyof PeerInput] !== value);
}
