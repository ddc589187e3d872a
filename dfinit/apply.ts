import type { HostFiles } from "./host_files.ts";
import { type Plan, RefusalError } from "./plan.ts";

/** Behind the name of a file that dfinit changed: what it held before dfinit first touched it. */
export const BACKUP_SUFFIX = ".damselfly.bak";

/**
 * Makes the changes of `plan`, one file after the other, each in one step. Throws {@link RefusalError} when a file is
 * no longer what the plan was made for, or cannot be written; files before it stay changed, and a second run goes on.
 */
export async function applyPlan(plan: Plan, files: HostFiles): Promise<void> {
  for (const { path, before, after } of plan.changes) {
    if (await files.read(path) !== before) {
      throw new RefusalError(path, "it was changed while dfinit ran", "Run dfinit again");
    }
    if (before !== undefined) await files.keepFirst(path, path + BACKUP_SUFFIX);
    await files.write(path, after);
  }
}
