import { dirname, join, normalize } from "node:path/posix";
import { BACKUP_SUFFIX } from "../apply.ts";
import { invariant } from "../../src/core/invariant.ts";
import type { HostFiles } from "../host_files.ts";
import { RefusalError, refusing } from "../plan.ts";
import { parseToml, type TomlDocument } from "../toml_edit.ts";

/** More files than this in one configuration means that it imports itself in some way. */
const FILES_MAX = 64;

/** One file of containerd's configuration. */
export interface ConfigFile {
  readonly path: string;
  readonly document: TomlDocument;
  /** There is no such file yet, and it may be made. */
  readonly isNew: boolean;
  /** Whether the pattern that imports this file would import a backup next to it as well. */
  readonly importsBackup: boolean;
}

/**
 * `path` and the files it imports, in the order in which containerd loads them: breadth first, patterns relative to
 * the file that holds them, each file once (node-side.md §2.1). With `mayCreate` a first file that does not exist is an
 * empty one. Throws `RefusalError` for what cannot be read.
 */
export async function readConfigFiles(
  path: string,
  files: HostFiles,
  mayCreate: boolean,
): Promise<[ConfigFile, ...ConfigFile[]]> {
  const found: ConfigFile[] = [];
  const pending = [{ path: normalize(path), importsBackup: false }];
  for (const next of pending) {
    if (found.some((file) => file.path === next.path)) continue;
    if (found.length === FILES_MAX) {
      throw new RefusalError(path, `it imports more than ${FILES_MAX} files`, "Import fewer files");
    }
    const text = await files.read(next.path);
    const isNew = text === undefined && mayCreate && found.length === 0;
    if (text === undefined && !isNew) throw missing(path, next.path);
    const repair = "Repair the file, containerd cannot read it either";
    const document = refusing(next.path, repair, () => parseToml(text ?? ""));
    found.push({ ...next, document, isNew });
    for (const pattern of importsOf(document)) {
      pending.push(...await expand(join(dirname(next.path), pattern), pattern, files));
    }
  }
  const [main, ...imported] = found;
  invariant(main !== undefined, "the first file was read or refused");
  return [main, ...imported];
}

function importsOf({ values }: TomlDocument): string[] {
  const imports = values["imports"];
  return Array.isArray(imports) ? imports.filter((path) => typeof path === "string") : [];
}

async function expand(joined: string, pattern: string, files: HostFiles) {
  const path = pattern.startsWith("/") ? normalize(pattern) : joined;
  if (!path.includes("*")) return [{ path, importsBackup: false }];
  const segments = path.split("/").slice(1);
  let paths = [""];
  for (const [i, segment] of segments.entries()) {
    paths = (await Promise.all(paths.map((parent) => matches(parent, segment, i < segments.length - 1, files)))).flat();
  }
  const last = globPattern(segments.at(-1) ?? "");
  return paths.map((path) => ({
    path,
    importsBackup: last.test(path.slice(path.lastIndexOf("/") + 1) + BACKUP_SUFFIX),
  }));
}

async function matches(parent: string, segment: string, isDirectory: boolean, files: HostFiles): Promise<string[]> {
  if (!/[*?[\\]/.test(segment)) {
    return isDirectory || await files.exists(`${parent}/${segment}`) ? [`${parent}/${segment}`] : [];
  }
  const pattern = globPattern(segment);
  const names = await files.list(parent === "" ? "/" : parent) ?? [];
  return names.filter((name) => pattern.test(name)).map((name) => `${parent}/${name}`);
}

/** Go's `filepath.Match` for one segment: `*`, `?`, `[a-z]`, `[^a-z]`, and a backslash that quotes. */
export function globPattern(segment: string): RegExp {
  const source = segment.replaceAll(/\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|[\s\S]/g, (token, quoted, not, set) => {
    if (quoted !== undefined) return escapeRegExp(quoted);
    if (set !== undefined) return `[${not}${set.replaceAll(/[\[^]/g, "\\$&")}]`;
    return token === "*" ? ".*" : token === "?" ? "." : escapeRegExp(token);
  });
  return new RegExp(`^${source}$`, "su");
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function missing(main: string, path: string): RefusalError {
  if (path !== main) {
    return new RefusalError(path, `${main} imports it and it does not exist`, "Create it or remove the import");
  }
  return new RefusalError(
    path,
    "the file does not exist, and which configuration containerd runs with cannot be told without it",
    "Set containerRuntime.containerd.configPath to the file containerd reads; when it runs without any, as containerd " +
      "2 may, let dfinit write this one with --create-config",
  );
}
