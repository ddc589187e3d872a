import { dirname } from "node:path/posix";
import type { HostFiles } from "./host_files.ts";
import { type Change, type Plan, RefusalError } from "./plan.ts";
import { fingerprint, readRecord, type RecordedFile, writeRecord } from "./record.ts";
import type { Runtime } from "./runtimes/runtime.ts";

/** Behind the name of a file that dfinit changed: what it held before dfinit first touched it. */
export const BACKUP_SUFFIX = ".damselfly.bak";

/**
 * Makes the changes of `plan` for `runtime`, one file after the other, each in one step.
 * The record is written first, so that a run that is cut off can still be restored. Throws {@link RefusalError} when a
 * file is no longer what the plan was made for, or cannot be written; files before it stay changed, and a second run
 * goes on.
 */
export async function applyPlan(
  plan: Plan,
  { folder, mirror }: Pick<Runtime, "folder" | "mirror">,
  files: HostFiles,
): Promise<void> {
  if (plan.changes.length === 0) return;
  const record = new Map((await readRecord(folder, files)).files);
  for (const change of plan.changes) {
    if (change.after !== undefined) record.set(change.path, await recordOf(change, change.after, record, files));
  }
  await writeRecord(folder, files, { mirror, files: record });
  for (const change of plan.changes) {
    await applyChange(change, files);
    if (change.after === undefined) await forget(change.path, record, files);
  }
  await writeRecord(folder, files, { mirror, files: record });
}

/** Makes one change, and keeps what the file held before the first one. */
export async function applyChange({ path, before, after }: Change, files: HostFiles): Promise<void> {
  if (await files.read(path) !== before) {
    throw new RefusalError(path, "it was changed while dfinit ran", "Run dfinit again");
  }
  if (after === undefined) return await files.remove(path);
  if (before !== undefined) await files.keepFirst(path, path + BACKUP_SUFFIX);
  await files.write(path, after);
}

/** Takes a file out of the record, with its copy and the folders that were made for it. */
export async function forget(path: string, record: Map<string, RecordedFile>, files: HostFiles): Promise<void> {
  await files.remove(path + BACKUP_SUFFIX);
  for (const folder of record.get(path)?.folders.toReversed() ?? []) await files.removeEmptyFolder(folder);
  record.delete(path);
}

async function recordOf(
  { path, before, isLasting }: Change,
  after: string,
  record: ReadonlyMap<string, RecordedFile>,
  files: HostFiles,
): Promise<RecordedFile> {
  const earlier = record.get(path);
  const isMixed = earlier?.isMixed === true || await isChangedSince(path, before, earlier, files);
  return {
    path,
    sha256: fingerprint(after),
    existed: earlier?.existed ?? before !== undefined,
    folders: earlier?.folders ?? await files.missingFolders(dirname(path)),
    ...(isLasting === true || earlier?.isLasting === true ? { isLasting: true } : {}),
    ...(isMixed ? { isMixed } : {}),
  };
}

/**
 * Whether a file is neither as dfinit wrote it nor as it was before. A run that was cut off may have left the latter,
 * with its copy or, as that is made first, without.
 */
async function isChangedSince(
  path: string,
  before: string | undefined,
  earlier: RecordedFile | undefined,
  files: HostFiles,
): Promise<boolean> {
  if (earlier === undefined || before === undefined || fingerprint(before) === earlier.sha256) return false;
  const copy = await files.read(path + BACKUP_SUFFIX);
  return copy === undefined ? !earlier.existed : copy !== before;
}
