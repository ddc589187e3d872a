import { dirname, join } from "node:path/posix";
import { MemoryDisk } from "./memory_disk.ts";

/** A disk in memory that holds `files`, by absolute path. */
export async function diskWith(files: Readonly<Record<string, string>>, disk = new MemoryDisk()): Promise<MemoryDisk> {
  for (const [path, text] of Object.entries(files)) {
    await disk.mkdirAll(dirname(path));
    await disk.writeTextAtomic(path, text);
  }
  return disk;
}

/** The text of every file below `path`, by absolute path, sorted. */
export async function filesOn(disk: MemoryDisk, path = "/"): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await disk.list(path)) {
    const inside = join(path, name);
    const stat = await disk.stat(inside);
    if (stat?.isDirectory) Object.assign(found, await filesOn(disk, inside));
    else found[inside] = await disk.readText(inside);
  }
  return found;
}

/** Every folder below `path`, sorted. */
export async function foldersOn(disk: MemoryDisk, path = "/"): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list(path)) {
    const inside = join(path, name);
    if ((await disk.stat(inside))?.isDirectory) found.push(inside, ...await foldersOn(disk, inside));
  }
  return found;
}
