import { join } from "node:path";
import { errorText } from "../../core/error.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { RecordStore } from "./record_store.ts";

const DATABASE = "pulls.db";
const MEMORY_DATABASE = ":memory:";

/**
 * Opens the records in the directory of the storage, which must be open, so that it is nobody else's. What is damaged is
 * begun anew, and where nothing can be written they are kept in memory, with a warning: no pull needs them.
 */
export async function openRecords(
  dir: string,
  { disk, log, random }: { readonly disk: Disk; readonly log: Log; readonly random: Random },
): Promise<RecordStore> {
  const path = join(dir, DATABASE);
  try {
    return new RecordStore(path, random.uuid());
  } catch (error) {
    log.warn("The records of pulls cannot be read, and are begun anew", { path, error: errorText(error) });
  }
  try {
    for (const suffix of ["", "-wal", "-shm"]) await disk.remove(path + suffix);
    return new RecordStore(path, random.uuid());
  } catch (error) {
    log.warn("Records of pulls are kept until the next start only", { path, error: errorText(error) });
    return new RecordStore(MEMORY_DATABASE, random.uuid());
  }
}
