/** What is in an image. */
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { launcherText, warmLauncherText } from "../install/launcher.ts";
import { bundleFlags } from "../install/unit.ts";
import { IMAGE_LIBRARY, type ShippedImage } from "./images.ts";
import type { ShippedProgram } from "./programs.ts";
import { textEntry, type TreeEntry } from "./tree.ts";

const PROGRAM_MODE = 0o755;
const PERMISSION_BITS = 0o7777;

/** What is below a folder: files, links and folders, with their modes. */
export async function treeBelow(folder: string): Promise<TreeEntry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return await Promise.all(entries.map(async (entry): Promise<TreeEntry> => {
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length).replace(/^\/+/, "");
    if (entry.isSymbolicLink()) return { path, linkTo: await readlink(full) };
    const mode = (await lstat(full)).mode & PERMISSION_BITS;
    return entry.isDirectory() ? { path, mode } : { path, mode, content: await readFile(full) };
  }));
}

/** What all images share: the system that `docker/root.sh` laid out, and Deno. */
export function baseTree(system: readonly TreeEntry[], deno: Uint8Array): TreeEntry[] {
  return [
    ...system,
    { path: "tmp", mode: 0o1777 },
    { path: `${IMAGE_LIBRARY.slice(1)}/deno`, mode: PROGRAM_MODE, content: deno },
  ];
}

/** What an image has above that: its programs, its folders, and what it is made of. */
export function programTree(
  image: ShippedImage,
  programs: readonly ShippedProgram[],
  parts: {
    readonly bundleOf: (program: ShippedProgram) => Uint8Array;
    readonly permissionsOf: (program: ShippedProgram) => readonly string[];
    readonly documents: Readonly<Record<string, string>>;
  },
): TreeEntry[] {
  const { user } = image;
  return [
    ...programs.flatMap((program): TreeEntry[] => {
      const isLongLived = image.hasHealth && program.name === image.programs[0];
      const textOf = isLongLived ? warmLauncherText : launcherText;
      const [script, flags] = [`${program.name}.js`, [...bundleFlags(program.name), ...parts.permissionsOf(program)]];
      return [
        textEntry(`usr/bin/${program.name}`, textOf(IMAGE_LIBRARY, { flags, script }), PROGRAM_MODE),
        { path: `${IMAGE_LIBRARY.slice(1)}/${script}`, mode: 0o644, content: parts.bundleOf(program) },
      ];
    }),
    ...image.folders.map((path) => ({ path, mode: 0o755, ...user !== undefined && { owner: user } })),
    ...Object.entries(parts.documents).map(([name, text]) => textEntry(`usr/share/doc/damselfly/${name}`, text)),
  ];
}
