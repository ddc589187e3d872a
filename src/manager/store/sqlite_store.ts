import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createSqlStore } from "./sql/sql_store.ts";
import { openSqlite } from "./sql/sqlite.ts";
import type { Store } from "./store.ts";

/** Opens the store in an SQLite file, which is created if absent. Fails as `openSqlite` and `migrate` do. */
export async function openSqliteStore(path: string, { clock, log }: { clock: Clock; log: Log }): Promise<Store> {
  return await createSqlStore(openSqlite(path), { clock, log, place: path, migrate: true });
}
