import { applyChange, BACKUP_SUFFIX, forget } from "./apply.ts";
import type { HostFiles } from "./host_files.ts";
import { type Change, EMPTY_PLAN, type Plan, planning, refusing } from "./plan.ts";
import { fingerprint, readRecord, type WriteRecord, writeRecord } from "./record.ts";
import type { Runtime } from "./runtimes/runtime.ts";

const BY_HAND = "Take out the lines that name damselfly by hand, and run dfinit restore again";

/** Plans to bring back what was before dfinit, in every file that it wrote for `runtime`. Writes nothing. */
export function planRestore(runtime: Runtime, files: HostFiles): Promise<Plan> {
  return planning(async () => {
    const record = await readRecord(runtime.folder, files);
    const paths = new Set([...record.files.keys(), ...await runtime.candidates()]);
    const found = await Promise.all(
      [...paths].map((path) => restoreFile(path, record, runtime, files)),
    );
    const changes = found.filter((change) => change !== undefined);
    // First the line that makes the runtime look for other files, then those.
    const isLast = (change: Change) => runtime.noticed(change.path, change) === "at the next pull" ? 1 : 0;
    return { ...EMPTY_PLAN, changes: changes.sort((a, b) => isLast(a) - isLast(b)) };
  });
}

/**
 * Plans what becomes of files that dfinit wrote when its configuration asked for them, and that `plan` does not
 * mention any more: the `hosts.toml` of a registry that was taken off the list.
 */
export async function planLeftovers(plan: Plan, runtime: Runtime, files: HostFiles): Promise<Plan> {
  if (plan.refusals.length > 0) return plan;
  return await planning(async () => {
    const known = new Set([...plan.unchanged, ...plan.changes.map(({ path }) => path)]);
    const record = await readRecord(runtime.folder, files);
    const left = [...record.files.values()].filter(({ path, isLasting }) => !known.has(path) && isLasting !== true);
    const found = await Promise.all(left.map((entry) => restoreFile(entry.path, record, runtime, files)));
    return { ...plan, changes: [...plan.changes, ...found.filter((change) => change !== undefined)] };
  });
}

/** Makes the changes of a plan to restore, and removes copies, empty folders that dfinit made, and its record. */
export async function applyRestore(plan: Plan, runtime: Runtime, files: HostFiles): Promise<void> {
  for (const change of plan.changes) await applyChange(change, files);
  const record = new Map((await readRecord(runtime.folder, files)).files);
  // The record goes first, for it may be what keeps a folder of ours from being empty.
  await writeRecord(runtime.folder, files, { mirror: undefined, files: new Map() });
  const paths = new Set([...record.keys(), ...plan.changes.map(({ path }) => path)]);
  for (const path of paths) await forget(path, record, files);
}

/**
 * What a file is to become: the bytes that it held before dfinit where nobody else changed it since, and otherwise the
 * text that it holds now without ours.
 */
async function restoreFile(
  path: string,
  record: WriteRecord,
  runtime: Runtime,
  files: HostFiles,
): Promise<Change | undefined> {
  const { mirror = runtime.mirror } = record;
  const entry = record.files.get(path);
  const before = await files.read(path);
  if (before === undefined) return undefined;
  const original = entry?.existed === false ? undefined : await files.read(path + BACKUP_SUFFIX);
  const isAsWritten = entry !== undefined && fingerprint(before) === entry.sha256;
  const isKnown = isAsWritten && entry.isMixed !== true && (original !== undefined || !entry.existed);
  const text = isKnown
    ? original ?? ""
    : refusing(path, BY_HAND, () => runtime.without(path, before, { mirror, original }));
  if (entry === undefined && text === before) return undefined;
  const mayGo = original === undefined && (entry === undefined || !entry.existed);
  const after = mayGo && text.trim() === "" ? undefined : text;
  if (after === before) return undefined;
  const why = after === undefined
    ? "dfinit made it"
    : after === original
    ? "as it was before dfinit"
    : "without what dfinit added; what others changed since stays";
  return { path, before, after, why };
}
