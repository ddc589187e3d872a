import { openSqliteStore } from "../manager/store/sqlite_store.ts";
import type { Store } from "../manager/store/store.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Log, silentLog } from "../runtime/log.ts";

/** A store of the manager that is gone when it is closed. */
export function memoryStore(clock: Clock, log: Log = silentLog()): Promise<Store> {
  return openSqliteStore(":memory:", { clock, log });
}
