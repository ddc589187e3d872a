import { fileURLToPath } from "node:url";
import { DamselflyError } from "../core/error.ts";
import type { Disk } from "../runtime/disk.ts";

/** Where a bundle keeps the console that it holds: a global, so that one line before the code can set it. */
export const EMBEDDED_CONSOLE = "damselfly.console";
/** Where `deno task console` puts the console of a checkout. */
export const CONSOLE_PACK = new URL("../../dist/console.json", import.meta.url);

/** The built console: the one in this bundle, else that of this checkout; undefined when there is none. */
export async function readConsolePack(disk: Pick<Disk, "readText">): Promise<string | undefined> {
  const embedded = (globalThis as Record<symbol, unknown>)[Symbol.for(EMBEDDED_CONSOLE)];
  if (typeof embedded === "string") return embedded;
  try {
    return await disk.readText(fileURLToPath(CONSOLE_PACK));
  } catch (error) {
    if (error instanceof DamselflyError && error.code === "not_found") return undefined;
    throw error;
  }
}
