/** Programs that are no package of the machine: on PATH, or in the folder that TOOLS_BIN_DIR names, packed or not. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "./cache.ts";
import { isPacked, programFile, unpacked } from "./packed.ts";
import { findProgram } from "./programs.ts";

/** Where a tool is without unpacking it; undefined where it can't be had. */
export function toolFile(name: string): string | undefined {
  const installed = findProgram(name);
  if (installed !== undefined) return installed;
  const file = programFile(Deno.env.get("TOOLS_BIN_DIR") ?? "", [name]);
  return file === undefined || (isPacked(file) && findProgram("zstd") === undefined) ? undefined : file;
}

/** The path of a tool that can be started, unpacked on first use; undefined where it can't be had. */
export async function tool(name: string): Promise<string | undefined> {
  const file = toolFile(name);
  if (file === undefined || !isPacked(file)) return file;
  const { size } = await stat(file);
  const folder = await cachedFolder(`${name}-${size}`, async (scratch) => void await unpacked(file, scratch));
  return join(folder, name);
}
