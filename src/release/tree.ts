import { Buffer } from "node:buffer";
import { chmod, chown, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path/posix";
import { pack } from "tar-stream";

/** Who owns what is in images; archives belong to whoever unpacks them. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A file, link or folder of an archive or an image, at a path without a slash at its beginning. */
export type TreeEntry =
  | { readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly mode: number; readonly owner?: Owner };

const FOLDER_MODE = 0o755;
const ROOT: Owner = { uid: 0, gid: 0 };

/** A file of text. */
export function textEntry(path: string, text: string, mode = 0o644): TreeEntry {
  return { path, mode, content: new TextEncoder().encode(text) };
}

/**
 * An archive of entries, with the folders above them, in memory. It is the same for the same entries, in whatever order
 * they come: nothing in it is of the machine or of now; `time` is in seconds since 1970.
 */
export async function tarOf(entries: readonly TreeEntry[], time: number): Promise<Buffer> {
  const archive = pack();
  for (const entry of inOrder(entries)) {
    const head = { name: entry.path, mtime: new Date(time * 1000), uname: "", gname: "" };
    if ("linkTo" in entry) archive.entry({ ...head, ...ROOT, type: "symlink", linkname: entry.linkTo, mode: 0o777 });
    else if ("content" in entry) archive.entry({ ...head, ...ROOT, mode: entry.mode }, Buffer.from(entry.content));
    else {
      archive.entry({ ...head, ...entry.owner ?? ROOT, name: `${entry.path}/`, type: "directory", mode: entry.mode });
    }
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** By path, so that a folder stands before what is in it; folders that nobody names are made. */
function inOrder(entries: readonly TreeEntry[]): TreeEntry[] {
  const known = new Map<string, TreeEntry>();
  for (const entry of entries) {
    for (let folder = dirname(entry.path); folder !== "."; folder = dirname(folder)) {
      if (!known.has(folder)) known.set(folder, { path: folder, mode: FOLDER_MODE });
    }
    known.set(entry.path, entry);
  }
  return [...known.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Writes entries below a folder, with the folders above them, as their owner where that is allowed. */
export async function layOut(entries: readonly TreeEntry[], folder: string): Promise<void> {
  for (const entry of inOrder(entries)) {
    const path = join(folder, entry.path);
    if ("linkTo" in entry) await symlink(entry.linkTo, path);
    else if ("content" in entry) await writeFile(path, entry.content);
    else await mkdir(path, { recursive: true });
    if ("mode" in entry) await chmod(path, entry.mode);
    if ("owner" in entry && entry.owner !== undefined) await chown(path, entry.owner.uid, entry.owner.gid);
  }
}
