import { dirname, join } from "node:path/posix";
import { BACKUP_SUFFIX } from "../../dfinit/apply.ts";
import type { HostFiles } from "../../dfinit/host_files.ts";
import { DamselflyError } from "../core/error.ts";
import { UNIT_FOLDER } from "./install.ts";
import { fingerprint, type InstallRecord, readRecord, removeRecord } from "./record.ts";
import { serviceName, unitName } from "./unit.ts";

/** Below these a folder that a component made holds nothing but what that keeps; another one may be somebody's. */
const DATA_FOLDER = /^\/(?:var\/lib|var\/cache|var\/run|run)\/[^/]+/;

/** What became of what `damselfly install` made. */
export interface Uninstalled {
  readonly removed: readonly string[];
  /** What held something else before, and does again. */
  readonly restored: readonly string[];
  /** What stays, and why. */
  readonly left: readonly string[];
}

/**
 * Takes away what {@link install} brought. Configurations that were changed since, and what the components keep, stay
 * unless `purge` is set. Throws `failed_precondition` when nothing was installed, or a service still starts with the
 * host.
 */
export async function uninstall(
  { prefix, purge }: { readonly prefix: string; readonly purge: boolean },
  files: HostFiles,
): Promise<Uninstalled> {
  const record = await readRecord(prefix, files);
  if (record === undefined) {
    throw new DamselflyError(
      "failed_precondition",
      `Nothing is installed below ${prefix}; --prefix names another place`,
    );
  }
  await refuseEnabled(record, files);
  const [removed, restored, left]: [string[], string[], string[]] = [[], [], []];
  for (const path of record.files) {
    if (!await files.exists(path)) continue;
    const isRestored = await files.exists(path + BACKUP_SUFFIX);
    if (isRestored) await files.takeBack(path, path + BACKUP_SUFFIX);
    else await files.remove(path);
    (isRestored ? restored : removed).push(path);
  }
  for (const { path, sha256 } of record.configs) {
    const text = await files.read(path);
    if (text === undefined) continue;
    if (purge || fingerprint(text) === sha256) {
      await files.remove(path);
      removed.push(path);
    } else left.push(`${path}: it was changed since; --purge removes it`);
  }
  await removeData(record, purge, files, { removed, left });
  await removeRecord(prefix, files);
  for (const folder of record.folders.toReversed()) await files.removeEmptyFolder(folder);
  return { removed, restored, left };
}

async function removeData(
  { data, shared }: InstallRecord,
  purge: boolean,
  files: HostFiles,
  { removed, left }: { removed: string[]; left: string[] },
): Promise<void> {
  for (const folder of data) {
    if (!await files.exists(folder)) continue;
    if (purge && DATA_FOLDER.test(folder) && !shared.includes(folder)) {
      await files.removeFolder(folder);
      // systemd puts a link there for a service with a user of its own.
      await files.remove(folder);
      if (DATA_FOLDER.test(dirname(folder))) await files.removeEmptyFolder(dirname(folder));
      removed.push(`${folder}/`);
    } else left.push(`${folder}/: ${purge ? "it may hold more than ours; remove it yourself" : "--purge removes it"}`);
  }
}

/** systemd links the units that it starts with the host; without their files it would complain at each start. */
async function refuseEnabled({ components }: InstallRecord, files: HostFiles): Promise<void> {
  const names: string[] = [];
  for (const component of components) {
    const link = join(UNIT_FOLDER, "multi-user.target.wants", unitName(component));
    if (await files.exists(link)) names.push(serviceName(component));
  }
  if (names.length === 0) return;
  throw new DamselflyError(
    "failed_precondition",
    `The host still runs what is to go. First: systemctl disable --now ${names.join(" ")}`,
  );
}
