/** Programs that lie in a folder, packed (`*.zst`) or not. */
import { chmodSync, existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { requireProgram, run } from "./programs.ts";

const PACKED = ".zst";

/** The file that holds a program under one of these names, or undefined. */
export function programFile(folder: string, names: readonly string[]): string | undefined {
  return names.flatMap((name) => [join(folder, name), join(folder, name + PACKED)]).find((path) => existsSync(path));
}

/** Whether {@link unpacked} has something to do for this file, and so needs `zstd`. */
export function isPacked(file: string): boolean {
  return file.endsWith(PACKED);
}

/** A program that can be started, of a file of {@link programFile}; what is packed is unpacked into `folder`. */
export async function unpacked(file: string, folder: string): Promise<string> {
  if (!isPacked(file)) return file;
  await mkdir(folder, { recursive: true });
  const program = join(folder, basename(file, PACKED));
  await run(requireProgram("zstd"), ["--decompress", "--quiet", "--force", file, "-o", program]);
  chmodSync(program, 0o755);
  return program;
}
