import { DamselflyError } from "../../../core/error.ts";
import type { Change } from "../changes.ts";
import { isLive, type KeepAlives, liveUntilMs } from "../liveness.ts";
import type { Identified, Listed, Page } from "../repository.ts";
import type { Liveness, ServiceKey, ServiceStore } from "../services.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import { SqlTable, type TableSpec, type Where } from "./table.ts";

/** Rows that one cluster may have; anybody who reaches the gRPC port makes rows. */
export const SERVICES_PER_CLUSTER_MAX = 500;

/** What schedulers and seed peers both are. */
type ServiceRow = Identified & ServiceKey & Liveness & KeepAlives;

/** What must be said of a service: all that is not noted of it. */
type ServiceInputOf<Row> = Omit<Row, keyof Identified | keyof Liveness>;

/** Where a kind of service belongs. */
export interface ServiceKind {
  readonly clusterTable: "scheduler_cluster" | "seed_peer_cluster";
  readonly change: "schedulers" | "seed_peers";
}

/** Schedulers or seed peers. */
export class SqlServices<
  Row extends ServiceRow,
  Input extends ServiceInputOf<Row> & ServiceKey,
  Filter extends Where<Row>,
> implements ServiceStore<Input, Row, Filter> {
  readonly #context: SqlContext;
  readonly #table: SqlTable<Row>;
  readonly #kind: ServiceKind;

  constructor(context: SqlContext, spec: TableSpec<Row>, kind: ServiceKind) {
    this.#context = context;
    this.#table = new SqlTable(spec, context.log);
    this.#kind = kind;
  }

  all(): Promise<Row[]> {
    return this.#table.select(this.#context.database, {});
  }

  ofCluster(clusterId: number): Promise<Row[]> {
    return this.#table.select(this.#context.database, where({ clusterId }));
  }

  list(filter: Filter, page: Page): Promise<Listed<Row>> {
    return this.#table.list(this.#context.database, filter, page);
  }

  get(id: number): Promise<Row | undefined> {
    return this.#table.find(this.#context.database, where({ id }));
  }

  create(input: Input): Promise<Row> {
    return this.#write(input.clusterId, async (sql) => {
      await this.#checkCluster(sql, input);
      return await this.#insert(sql, input);
    });
  }

  async update(id: number, patch: Partial<Input>): Promise<Row> {
    let left: number | undefined;
    const row = await this.#write(patch.clusterId, async (sql) => {
      const before = await this.#table.existing(sql, id, "change");
      left = before.clusterId;
      if (patch.clusterId !== undefined) await this.#checkCluster(sql, { ...before, clusterId: patch.clusterId });
      await this.#set(sql, { id }, { ...patch, updatedAtMs: this.#now() });
      return await this.#table.existing(sql, id, "change");
    });
    if (left !== undefined && left !== patch.clusterId) this.#context.changes.tell(this.#changeOf(left));
    return row;
  }

  async remove(id: number): Promise<void> {
    const row = await this.#context.database.transaction(async (sql) => {
      const before = await this.#table.existing(sql, id, "delete");
      await this.#table.remove(sql, where({ id }));
      return before;
    });
    this.#context.changes.tell(this.#changeOf(row.clusterId));
  }

  async upsert(input: Input): Promise<Row> {
    try {
      return await this.#upsert(input);
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "already_exists") throw error;
      return await this.#upsert(input); // another manager was faster, so now there is one to change
    }
  }

  #upsert(input: Input): Promise<Row> {
    return this.#write(input.clusterId, async (sql) => {
      const before = await this.#find(sql, input);
      if (before === undefined) {
        await this.#checkCluster(sql, input);
        await this.#makeRoom(sql, input.clusterId);
        return await this.#insert(sql, input);
      }
      await this.#set(sql, { id: before.id }, {
        ...input,
        lastKeepAliveAtMs: this.#now(),
        updatedAtMs: this.#now(),
      });
      return await this.#table.existing(sql, before.id, "register");
    });
  }

  async keepAlive(key: ServiceKey): Promise<Row> {
    const now = this.#now();
    const [before, after] = await this.#context.database.transaction(async (sql) => {
      const known = await this.#find(sql, key);
      if (known === undefined) {
        const kind = this.#table.spec.label;
        throw new DamselflyError(
          "not_found",
          `Cannot keep ${kind} ${key.hostname} (${key.ip}) alive: it is not registered in cluster ${key.clusterId}`,
        );
      }
      const updatedAtMs = known.state === "active" ? known.updatedAtMs : now;
      const alive = { state: "active" as const, lastKeepAliveAtMs: now, updatedAtMs };
      await this.#set(sql, { id: known.id }, alive);
      return [known, { ...known, ...alive }];
    });
    if (!isLive(before, now)) this.#context.changes.tell(this.#changeOf(key.clusterId));
    return after;
  }

  async markInactive({ hostname, ip, clusterId }: ServiceKey): Promise<void> {
    const inactive = { state: "inactive" as const, updatedAtMs: this.#now() };
    const count = await this.#set(this.#context.database, { hostname, ip, clusterId }, inactive);
    if (count > 0) this.#context.changes.tell(this.#changeOf(clusterId));
  }

  async unregister({ hostname, ip, clusterId }: ServiceKey): Promise<boolean> {
    const count = await this.#table.remove(this.#context.database, where({ hostname, ip, clusterId }));
    if (count > 0) this.#context.changes.tell(this.#changeOf(clusterId));
    return count > 0;
  }

  async removeSilent(ageMs: number): Promise<number> {
    const before = this.#now() - ageMs;
    const silent = (await this.all()).filter(({ lastKeepAliveAtMs }) => lastKeepAliveAtMs < before);
    const count = await this.#table.removeMany(this.#context.database, silent.map(({ id }) => id));
    for (const clusterId of new Set(silent.map((row) => row.clusterId))) {
      this.#context.changes.tell(this.#changeOf(clusterId));
    }
    return count;
  }

  async #insert(sql: Sql, input: Input): Promise<Row> {
    const row = { ...input, state: "inactive", lastKeepAliveAtMs: this.#now() } as unknown as Row;
    const id = await this.#table.insert(sql, row, this.#now());
    return await this.#table.existing(sql, id, "register");
  }

  /** Where the cluster is full, the row that was silent for longest goes. */
  async #makeRoom(sql: Sql, clusterId: number): Promise<void> {
    if (await this.#table.count(sql, where({ clusterId })) < SERVICES_PER_CLUSTER_MAX) return;
    const rows = await this.#table.select(sql, where({ clusterId }));
    const dead = rows.filter((row) => !isLive(row, this.#now()));
    const oldest = dead.toSorted((a, b) => lastSignOf(a) - lastSignOf(b))[0];
    if (oldest === undefined) {
      throw new DamselflyError(
        "resource_exhausted",
        `Cannot register ${this.#table.spec.label}: cluster ${clusterId} has ${rows.length} live ones, which is the most`,
      );
    }
    await this.#table.remove(sql, where({ id: oldest.id }));
  }

  async #checkCluster(sql: Sql, { hostname, clusterId }: ServiceKey): Promise<void> {
    const { clusterTable } = this.#kind;
    const [cluster] = await sql.all(`SELECT id FROM ${clusterTable} WHERE id = ? AND is_del = 0`, [clusterId]);
    if (cluster !== undefined) return;
    throw new DamselflyError(
      "not_found",
      `Cannot register ${this.#table.spec.label} ${hostname}: ${clusterTable.replaceAll("_", " ")} ${clusterId} does ` +
        "not exist",
    );
  }

  #find(sql: Sql, { hostname, ip, clusterId }: ServiceKey): Promise<Row | undefined> {
    return this.#table.find(sql, where({ hostname, ip, clusterId }));
  }

  #set(sql: Sql, fits: Partial<ServiceRow>, patch: object): Promise<number> {
    return this.#table.update(sql, where(fits), patch as Partial<Row>);
  }

  async #write(clusterId: number | undefined, work: (sql: Sql) => Promise<Row>): Promise<Row> {
    const row = await this.#context.database.transaction(work);
    this.#context.changes.tell(this.#changeOf(clusterId ?? row.clusterId));
    return row;
  }

  #changeOf(clusterId: number): Change {
    return { kind: this.#kind.change, clusterId };
  }

  #now(): number {
    return this.#context.clock.wallMs();
  }
}

function lastSignOf(row: ServiceRow): number {
  return Math.max(row.lastKeepAliveAtMs, liveUntilMs(row));
}

/** The type checker does not see that every kind of row has these keys. */
function where<Row extends ServiceRow>(fits: Partial<ServiceRow>): Where<Row> {
  return fits as unknown as Where<Row>;
}
