import { DamselflyError } from "../core/error.ts";

/** What {@link Disk.stat} knows of a path. */
export interface FileStat {
  readonly size: number;
  readonly isDirectory: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly mtimeMs: number;
  /** When content or names of the file last changed, as the system has it: nobody can set it. */
  readonly changedMs: number;
  /** How many names the file has. */
  readonly links: number;
}

/** An open file with positional I/O; several users may read and write it at once. */
export interface DiskFile extends AsyncDisposable {
  /** Reads into `buffer` from `position`; the count is 0 only at or past the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Returns when the content is on stable storage. */
  sync(): Promise<void>;
  stat(): Promise<FileStat>;
}

/** How {@link Disk.openFile} opens. */
export interface OpenOptions {
  /** Open for writing too. */
  readonly write?: boolean;
  /** Create the file when it is absent; implies `write`. */
  readonly create?: boolean;
  /** Set the file to this size, in bytes, sparse where it grows. */
  readonly truncateTo?: number;
}

/**
 * Disk as an argument. Absence is `undefined` from {@link Disk.stat}; every other failure is a `DamselflyError` with
 * the path in its text: `not_found`, `permission_denied`, `no_space`, or `internal`.
 */
export interface Disk {
  openFile(path: string, options?: OpenOptions): Promise<DiskFile>;
  mkdirAll(path: string): Promise<void>;
  /** Removes a file or a whole directory; an absent path is fine. */
  remove(path: string): Promise<void>;
  /** Removes a directory in which nothing is; any other, and an absent one, is left as it is. */
  removeEmpty(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Makes `created` a hard link to `existing`. */
  link(existing: string, created: string): Promise<void>;
  /**
   * Makes `created` a copy of a file, replacing what is there. The system copies, and shares the blocks where the file
   * system can; it cannot be stopped half-way.
   */
  copy(existing: string, created: string): Promise<void>;
  /** The text of a UTF-8 file, a byte order mark included. What is not UTF-8 is `invalid_argument`. */
  readText(path: string): Promise<string>;
  /** Replaces a file in one step: temporary file in the same directory, sync, rename. Keeps the mode it had. */
  writeTextAtomic(path: string, text: string, options?: { readonly mode?: number }): Promise<void>;
  /** Follows symbolic links. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Sets the permission bits of a path. */
  setMode(path: string, mode: number): Promise<void>;
  /**
   * Keeps others who would lock a file from it until the lock is disposed or the process has ended; makes the file when it
   * is absent. Undefined when somebody has the lock, or had it and put the file elsewhere.
   */
  lock(path: string): Promise<Disposable | undefined>;
  /** The names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  /** Where a symbolic link points to, as it is written in it; undefined when `path` is no link. */
  readLink(path: string): Promise<string | undefined>;
  /** The space of the volume that holds `path`. */
  space(path: string): Promise<{ readonly totalBytes: number; readonly freeBytes: number }>;
}

/** The text of a file's bytes, nothing replaced and nothing dropped. Throws `invalid_argument` that names `path`. */
export function utf8Text(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot read ${path}: it is not UTF-8`, { cause });
  }
}
