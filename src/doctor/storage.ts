import { join } from "node:path";
import { formatBytes } from "../cli/format.ts";
import type { DfdaemonConfig } from "../config/dfdaemon.ts";
import { DamselflyError, errorText } from "../core/error.ts";
import type { DoctorRuntime } from "./ask.ts";
import { found, type Outcome, SERVICE, well } from "./finding.ts";

/** Written into `storage.dir` and removed at once: nothing else tells whether it can be written to. */
const PROBE_NAME = ".damselfly-doctor";
/** With less, the next large image does not fit. */
const FREE_BYTES_LOW = 5 * 1024 ** 3;
/** With less, hardly any layer does. */
const FREE_BYTES_MIN = 512 * 1024 ** 2;

/** What is known of the volume of `storage.dir`. */
export interface StorageFacts {
  readonly dir: string;
  /** Undefined when there is no such directory. */
  readonly space: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  readonly write: "possible" | "read-only" | "no space" | "denied" | "not tried";
  /** What writing failed with. */
  readonly problem?: string;
  /** `gc.policy.diskThreshold`; 0 is the whole volume. */
  readonly quotaBytes: number;
}

/** Looks at the volume, and tries to write. */
export async function lookAtStorage(
  { storage: { dir }, gc }: DfdaemonConfig,
  { disk }: Pick<DoctorRuntime, "disk">,
): Promise<StorageFacts> {
  const facts = { dir, quotaBytes: gc.policy.diskThreshold };
  try {
    if (await disk.stat(dir) === undefined) return { ...facts, space: undefined, write: "not tried" };
  } catch (error) {
    return { ...facts, space: undefined, write: "denied", problem: errorText(error) };
  }
  const space = await disk.space(dir).catch(() => undefined);
  const probe = join(dir, PROBE_NAME);
  try {
    await disk.writeTextAtomic(probe, "damselfly doctor\n");
    await disk.remove(probe);
    return { ...facts, space, write: "possible" };
  } catch (error) {
    const problem = errorText(error);
    const code = error instanceof DamselflyError ? error.code : undefined;
    const isReadOnly = /EROFS|read-only/i.test(problem);
    const write = isReadOnly ? "read-only" : code === "no_space" ? "no space" : "denied";
    return { ...facts, space, write, problem };
  }
}

/** Whether contents can be kept. */
export function judgeStorage({ dir, space, write, problem, quotaBytes }: StorageFacts): Outcome[] {
  const other = "or give storage.dir of dfdaemon.yaml another volume";
  if (write === "not tried") {
    return [
      found("doctor.disk.missing", dir, "there is no such directory", `systemctl start ${SERVICE}, which makes it`),
    ];
  }
  if (write === "denied") {
    return [found("doctor.disk.denied", dir, `it cannot be looked at: ${problem}`, "run the doctor as root")];
  }
  if (write === "read-only") {
    return [found("doctor.disk.read_only", dir, "it is on a read-only volume", `mount it writable, ${other}`)];
  }
  const free = space === undefined ? "an unknown number of bytes" : formatBytes(space.freeBytes);
  const isFull = space !== undefined && space.freeBytes < FREE_BYTES_MIN;
  if (write === "no space" || isFull) {
    const what = isFull ? `${free} are free` : "nothing can be written to it: bytes, inodes or a quota have run out";
    return [found("doctor.disk.full", dir, what, `make room on the volume, ${other}`)];
  }
  const outcomes: Outcome[] = [];
  if (space !== undefined && space.freeBytes < FREE_BYTES_LOW) {
    outcomes.push(found("doctor.disk.low", dir, `only ${free} are free`, `make room on the volume, ${other}`));
  }
  if (space !== undefined && quotaBytes > space.totalBytes) {
    const what = `gc.policy.diskThreshold allows ${formatBytes(quotaBytes)}, and the volume has ` +
      formatBytes(space.totalBytes);
    outcomes.push(found("doctor.disk.quota", dir, what, "lower gc.policy.diskThreshold"));
  }
  return outcomes.length > 0 ? outcomes : [well("doctor.disk", dir, `${free} are free, and it can be written to`)];
}
