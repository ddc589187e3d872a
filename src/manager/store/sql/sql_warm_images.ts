import { DamselflyError } from "../../../core/error.ts";
import type { WarmImage, WarmImageFilter, WarmImageInput, WarmImageStore } from "../warm_images.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { WARM_IMAGES } from "./schema.ts";
import { SqlRepository } from "./sql_repository.ts";
import type { SqlTable } from "./table.ts";

/** How often a change is decided anew because others were faster. */
const CHANGE_ATTEMPTS_MAX = 20;

/** Warm images. */
export class SqlWarmImages extends SqlRepository<WarmImage, WarmImageFilter> implements WarmImageStore {
  constructor(context: SqlContext) {
    super(context, WARM_IMAGES);
  }

  override create(input: WarmImageInput): Promise<WarmImage> {
    return super.create({ ...input, revision: 1 });
  }

  override async update(id: number, patch: Partial<WarmImageInput>): Promise<WarmImage> {
    const changed = await this.change(id, () => patch);
    if (changed !== undefined) return changed;
    throw new DamselflyError("not_found", `Cannot change warm image ${id}: it does not exist`);
  }

  async due(nowMs: number, limit: number): Promise<WarmImage[]> {
    const { database } = this.context;
    const rows = await database.all(
      `SELECT id FROM "${WARM_IMAGES.name}" WHERE is_del = 0 AND due_at > ? AND due_at <= ?
       ORDER BY due_at, id LIMIT ${integerOf(limit)}`,
      [database.dialect.time(0), database.dialect.time(nowMs)],
    );
    const images = await this.table.select(database, { id: rows.map((row) => integerOf(row["id"])) });
    return images.toSorted((a, b) => a.dueAtMs - b.dueAtMs);
  }

  async countRunning(): Promise<number> {
    const [row] = await this.context.database.all(
      `SELECT count(*) AS total FROM "${WARM_IMAGES.name}" WHERE is_del = 0 AND job_id > 0`,
    );
    return integerOf(row?.["total"]);
  }

  async change(
    id: number,
    decide: (image: WarmImage) => Partial<WarmImageInput> | undefined,
  ): Promise<WarmImage | undefined> {
    const { database, clock } = this.context;
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
      const image = await this.get(id);
      const patch = image === undefined ? undefined : decide(image);
      if (image === undefined || patch === undefined) return undefined;
      const changed = { ...patch, revision: image.revision + 1, updatedAtMs: clock.wallMs() };
      const count = await this.table.update(database, { id, revision: image.revision }, changed);
      if (count > 0) return { ...image, ...changed };
    }
    throw new DamselflyError("unavailable", `Cannot change warm image ${id}: others change it all the time`);
  }
}

/** Takes a cluster from warm images; one that named no other cluster goes, for none would stand for all of them. */
export async function leaveCluster(sql: Sql, table: SqlTable<WarmImage>, clusterId: number): Promise<void> {
  for (const { id, schedulerClusterIds, revision } of await table.select(sql, {})) {
    if (!schedulerClusterIds.includes(clusterId)) continue;
    const left = schedulerClusterIds.filter((other) => other !== clusterId);
    if (left.length === 0) await table.remove(sql, { id });
    else await table.update(sql, { id }, { schedulerClusterIds: left, revision: revision + 1 });
  }
}
