import type { Disk } from "../src/runtime/disk.ts";
import { runDfinit } from "./cli.ts";

/** Runs dfinit with these arguments on the files of a disk, and says how it ended and what it printed. */
export async function dfinitOn(disk: Disk, ...args: string[]) {
  let [out, error] = ["", ""];
  const code = await runDfinit(args, {
    disk,
    env: () => undefined,
    print: (text) => void (out += text),
    printError: (text) => void (error += text),
  });
  return { code, out, error };
}

/** The same with the configuration of these tests. */
export function dfinit(disk: Disk, ...args: string[]) {
  return dfinitOn(disk, "-c", "/dfinit.yaml", ...args);
}
