import { fileURLToPath } from "node:url";
import { DamselflyError } from "../core/error.ts";
import type { Disk } from "../runtime/disk.ts";
import { embedded } from "../runtime/embedded.ts";

/** Where `deno task console` puts the console of a checkout. */
export const CONSOLE_PACK = new URL("../../dist/console.json", import.meta.url);

/** The built console: the one in this bundle, else that of this checkout; undefined when there is none. */
export async function readConsolePack(disk: Pick<Disk, "readText">): Promise<string | undefined> {
  const held = embedded("console");
  if (held !== undefined) return held;
  try {
    return await disk.readText(fileURLToPath(CONSOLE_PACK));
  } catch (error) {
    if (error instanceof DamselflyError && error.code === "not_found") return undefined;
    throw error;
  }
}
