/** Where things that cost time are kept between runs: outside of the checkout, removable at any moment. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** The ring's cache folder: DAMSELFLY_E2E_CACHE, else below XDG_CACHE_HOME or ~/.cache. */
export function cacheDir(): string {
  const chosen = Deno.env.get("DAMSELFLY_E2E_CACHE");
  if (chosen !== undefined && chosen !== "") return chosen;
  return join(Deno.env.get("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "damselfly-e2e");
}

/**
 * The folder `key` of the cache. `fill` makes its content when it is absent; it works in a scratch folder, so a run
 * that dies half-way leaves nothing that a later run would trust.
 */
export async function cachedFolder(key: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheDir(), key);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDir(), { recursive: true });
  const scratch = await mkdtemp(join(cacheDir(), "filling-"));
  try {
    await fill(scratch);
    await rename(scratch, folder);
  } catch (error) {
    // Another process was faster; what it made is the same.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return folder;
}
