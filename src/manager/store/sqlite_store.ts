import type { Clock } from "../../runtime/clock.ts";
import { ApplicationPriority, parseColumn } from "./records.ts";
import { SqliteClusters } from "./sqlite_clusters.ts";
import { SqliteContext } from "./sqlite_context.ts";
import { type Row, SqliteDatabase } from "./sqlite_database.ts";
import { schedulerTable, seedPeerTable, SqliteServices } from "./sqlite_services.ts";
import { SqliteUsers } from "./sqlite_users.ts";
import type { Application } from "./applications.ts";
import type { Store } from "./store.ts";

/** Opens the store in an SQLite file, which is created if absent. Fails as {@link SqliteDatabase.open} does. */
export function openSqliteStore(path: string, clock: Clock): Store {
  const database = SqliteDatabase.open(path, clock.wallMs());
  const context = new SqliteContext(database, clock);
  return {
    get revision() {
      return context.revision;
    },
    clusters: new SqliteClusters(context),
    schedulers: new SqliteServices(context, schedulerTable),
    seedPeers: new SqliteServices(context, seedPeerTable),
    users: new SqliteUsers(context),
    applications: {
      all: () => context.read(() => database.all("SELECT * FROM application ORDER BY id").map(applicationOf)),
    },
    [Symbol.asyncDispose]: () => context.read(() => database[Symbol.dispose]()),
  } as unknown as Store;
}

function applicationOf(row: Row): Application {
  return {
    id: Number(row["id"]),
    name: String(row["name"]),
    url: String(row["url"]),
    bio: String(row["bio"]),
    userId: Number(row["user_id"]),
    createdAtMs: Number(row["created_at"]),
    updatedAtMs: Number(row["updated_at"]),
    priority: parseColumn(ApplicationPriority, "application.priority", row["priority"]),
  };
}
