import { dirname, join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import type { SourceEntry } from "../peer/source/source.ts";
import { isIncluded } from "./included_files.ts";

/** A file below a directory. */
export interface DirectoryFile {
  readonly url: string;
  /** Below the output. */
  readonly path: string;
  readonly contentLength: number;
}

/** What is wanted of a directory. */
export interface DirectoryWish {
  readonly url: string;
  readonly includeFiles?: readonly string[];
  readonly maxFiles: number;
}

/**
 * The files of a directory that are wanted, by path. Throws `not_found` when there are none, `failed_precondition` when
 * there are too many, or when they cannot be files of a file system side by side.
 */
export function filesOf(entries: readonly SourceEntry[], wish: DirectoryWish): DirectoryFile[] {
  const wants = isIncluded(wish.includeFiles);
  const all = entries.filter(({ isDirectory }) => !isDirectory);
  const files = all.map(({ url, contentLength }) => ({ url, contentLength, path: pathBelow(wish.url, url) }))
    .filter(({ path }) => wants(path));
  if (files.length === 0) throw new DamselflyError("not_found", `Cannot find a file that is wanted below ${wish.url}`);
  if (files.length > wish.maxFiles) {
    const text = `Cannot download ${files.length} files: --max-files allows ${wish.maxFiles}`;
    throw new DamselflyError("failed_precondition", text);
  }
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw refused("two of its files have one path");
  for (const path of paths) {
    const above = parentsOf(path).find((parent) => paths.has(parent));
    if (above !== undefined) throw refused(`${above} is a file, and ${path} would be below it`);
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The directories below `output` that the files need. */
export function directoriesOf(files: readonly DirectoryFile[], output: string): string[] {
  return [...new Set(files.map(({ path }) => dirname(join(output, path))))];
}

/** The path of a file below its directory, whose URLs others have made. */
function pathBelow(directory: string, file: string): string {
  const [at, below] = [new URL(directory), URL.canParse(file) ? new URL(file) : undefined];
  const isBelow = below?.protocol === at.protocol && below.host === at.host && below.pathname.startsWith(at.pathname);
  if (!isBelow) throw refused("its list names a file that is not below it");
  let path: string;
  try {
    path = decodeURIComponent(below.pathname.slice(at.pathname.length));
  } catch {
    throw refused("its list has a URL that cannot be read");
  }
  const isPath = path.split("/").every((part) => !["", ".", ".."].includes(part)) && !/[\\\p{Cc}]/u.test(path);
  if (!isPath) throw refused(`"${path}" cannot be the path of a file`);
  return path;
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function refused(why: string): DamselflyError {
  return new DamselflyError("failed_precondition", `Cannot download the directory: ${why}`);
}
