import { dirname, posix } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { type Disk, type DiskFile, type FileStat, type OpenOptions, utf8Text } from "../runtime/disk.ts";

const DEFAULT_FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

interface Content {
  bytes: Uint8Array;
  mode: number;
  /** Counts changes, in place of a time. */
  changes: number;
}

/** A disk in memory: POSIX paths, hard links, files that stay readable while open after they are removed. */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Content>();
  /** With their modes. */
  readonly #directories = new Map<string, number>([["/", DIRECTORY_MODE]]);
  readonly #locked = new Set<Content>();
  readonly #capacityBytes: number;

  constructor(options: { readonly capacityBytes?: number } = {}) {
    this.#capacityBytes = options.capacityBytes ?? 2 ** 40;
  }

  openFile(path: string, options: OpenOptions = {}): Promise<DiskFile> {
    return attempt(() => {
      const at = normal(path);
      if (!this.#files.has(at) && options.create === true) this.#create(at, new Uint8Array(), DEFAULT_FILE_MODE);
      const content = this.#content("open", at);
      const file = new MemoryFile(content, at, options.create === true || options.write === true, (grown) => {
        if (this.#usedBytes() + grown > this.#capacityBytes) {
          throw new DamselflyError("no_space", `Cannot write ${at}: ENOSPC`);
        }
      }, () => this.#linksOf(content));
      if (options.truncateTo !== undefined) file.truncate(options.truncateTo);
      return file;
    });
  }

  mkdirAll(path: string): Promise<void> {
    return attempt(() => {
      for (let at = normal(path); at !== "/"; at = dirname(at)) {
        if (this.#files.has(at)) throw new DamselflyError("already_exists", `Cannot create directory ${at}: EEXIST`);
        if (!this.#directories.has(at)) this.#directories.set(at, DIRECTORY_MODE);
      }
    });
  }

  remove(path: string): Promise<void> {
    return attempt(() => {
      const at = normal(path);
      for (const file of [...this.#files.keys()]) if (isWithin(file, at)) this.#files.delete(file);
      for (const directory of [...this.#directories.keys()]) {
        if (isWithin(directory, at)) this.#directories.delete(directory);
      }
    });
  }

  removeEmpty(path: string): Promise<void> {
    return attempt(() => {
      const at = normal(path);
      const entries = [...this.#files.keys(), ...this.#directories.keys()];
      if (!entries.some((entry) => entry !== at && isWithin(entry, at))) this.#directories.delete(at);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return attempt(() => {
      const [source, target] = [normal(from), normal(to)];
      this.#requireDirectory("rename", dirname(target));
      if (this.#directories.has(source)) return this.#renameDirectory(source, target);
      this.#files.set(target, this.#content("rename", source));
      if (target !== source) this.#files.delete(source);
    });
  }

  link(existing: string, created: string): Promise<void> {
    return attempt(() => {
      const [source, target] = [normal(existing), normal(created)];
      if (this.#exists(target)) throw new DamselflyError("already_exists", `Cannot create link ${target}: EEXIST`);
      this.#requireDirectory("create link", dirname(target));
      const content = this.#content("create link", source);
      content.changes++;
      this.#files.set(target, content);
    });
  }

  lock(path: string): Promise<Disposable | undefined> {
    return attempt(() => {
      const at = normal(path);
      if (!this.#files.has(at)) this.#create(at, new Uint8Array(), DEFAULT_FILE_MODE);
      const content = this.#content("lock", at);
      if (this.#locked.has(content)) return undefined;
      this.#locked.add(content);
      return { [Symbol.dispose]: () => void this.#locked.delete(content) };
    });
  }

  copy(existing: string, created: string): Promise<void> {
    return attempt(() => {
      const { bytes, mode } = this.#content("copy", normal(existing));
      if (this.#usedBytes() + bytes.length > this.#capacityBytes) {
        throw new DamselflyError("no_space", `Cannot copy ${created}: ENOSPC`);
      }
      this.#create(normal(created), bytes.slice(), mode);
    });
  }

  readText(path: string): Promise<string> {
    return attempt(() => utf8Text(path, this.#content("read", normal(path)).bytes));
  }

  writeTextAtomic(path: string, text: string, options: { readonly mode?: number } = {}): Promise<void> {
    return attempt(() => {
      const at = normal(path);
      const mode = options.mode ?? this.#files.get(at)?.mode ?? DEFAULT_FILE_MODE;
      this.#create(at, new TextEncoder().encode(text), mode);
    });
  }

  stat(path: string): Promise<FileStat | undefined> {
    return attempt(() => {
      const at = normal(path);
      const mode = this.#directories.get(at);
      if (mode !== undefined) return { ...NO_TIMES, size: 0, isDirectory: true, mode, links: 2 };
      const content = this.#files.get(at);
      return content && fileStat(content, this.#linksOf(content));
    });
  }

  setMode(path: string, mode: number): Promise<void> {
    return attempt(() => {
      const at = normal(path);
      if (this.#directories.has(at)) this.#directories.set(at, mode);
      else this.#content("set the mode of", at).mode = mode;
    });
  }

  list(path: string): Promise<string[]> {
    return attempt(() => {
      const at = normal(path);
      this.#requireDirectory("list", at);
      return [...this.#files.keys(), ...this.#directories.keys()]
        .filter((entry) => entry !== "/" && dirname(entry) === at)
        .map((entry) => posix.basename(entry)).sort();
    });
  }

  /** Nothing here is a link. */
  readLink(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  space(): Promise<{ totalBytes: number; freeBytes: number }> {
    return attempt(() => ({
      totalBytes: this.#capacityBytes,
      freeBytes: Math.max(0, this.#capacityBytes - this.#usedBytes()),
    }));
  }

  #linksOf(content: Content): number {
    return this.#files.values().filter((other) => other === content).toArray().length;
  }

  #usedBytes(): number {
    return [...new Set(this.#files.values())].reduce((sum, content) => sum + content.bytes.length, 0);
  }

  #exists(path: string): boolean {
    return this.#files.has(path) || this.#directories.has(path);
  }

  #content(action: string, path: string): Content {
    const content = this.#files.get(path);
    if (content !== undefined) return content;
    const isDirectory = this.#directories.has(path);
    throw new DamselflyError(
      isDirectory ? "internal" : "not_found",
      `Cannot ${action} ${path}: ${isDirectory ? "EISDIR" : "ENOENT"}`,
    );
  }

  #create(path: string, bytes: Uint8Array, mode: number): void {
    this.#requireDirectory("open", dirname(path));
    if (this.#directories.has(path)) throw new DamselflyError("internal", `Cannot open ${path}: EISDIR`);
    this.#files.set(path, { bytes, mode, changes: 0 });
  }

  #requireDirectory(action: string, path: string): void {
    if (!this.#directories.has(path)) throw new DamselflyError("not_found", `Cannot ${action} ${path}: ENOENT`);
  }

  #renameDirectory(source: string, target: string): void {
    const moved = (path: string) => target + path.slice(source.length);
    for (const [path, content] of [...this.#files]) {
      if (isWithin(path, source)) this.#files.delete(path) && this.#files.set(moved(path), content);
    }
    for (const [path, mode] of [...this.#directories]) {
      if (isWithin(path, source)) this.#directories.delete(path) && this.#directories.set(moved(path), mode);
    }
  }
}

class MemoryFile implements DiskFile {
  readonly #content: Content;
  readonly #path: string;
  readonly #isWritable: boolean;
  readonly #reserve: (bytes: number) => void;
  readonly #links: () => number;
  #isClosed = false;

  constructor(
    content: Content,
    path: string,
    isWritable: boolean,
    reserve: (bytes: number) => void,
    links: () => number,
  ) {
    this.#content = content;
    this.#path = path;
    this.#isWritable = isWritable;
    this.#reserve = reserve;
    this.#links = links;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return attempt(() => {
      this.#requireOpen("read");
      const part = this.#content.bytes.subarray(position, position + buffer.length);
      buffer.set(part);
      return part.length;
    });
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return attempt(() => {
      this.#requireOpen("write");
      if (!this.#isWritable) throw new DamselflyError("internal", `Cannot write ${this.#path}: EBADF`);
      if (position + bytes.length > this.#content.bytes.length) this.truncate(position + bytes.length);
      this.#content.bytes.set(bytes, position);
      this.#content.changes++;
    });
  }

  /** Sets the size; grown space reads as zeros. */
  truncate(size: number): void {
    const before = this.#content.bytes;
    if (size > before.length) this.#reserve(size - before.length);
    const bytes = new Uint8Array(size);
    bytes.set(before.subarray(0, size));
    this.#content.bytes = bytes;
    this.#content.changes++;
  }

  sync(): Promise<void> {
    return attempt(() => this.#requireOpen("sync"));
  }

  stat(): Promise<FileStat> {
    return attempt(() => fileStat(this.#content, this.#links()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #requireOpen(action: string): void {
    if (this.#isClosed) throw new DamselflyError("internal", `Cannot ${action} ${this.#path}: EBADF`);
  }
}

const NO_TIMES = { mtimeMs: 0, changedMs: 0 };

function fileStat({ bytes, mode, changes }: Content, links: number): FileStat {
  return { ...NO_TIMES, size: bytes.length, isDirectory: false, mode, changedMs: changes, links };
}

function normal(path: string): string {
  return posix.resolve("/", path);
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/** What throws inside rejects outside, as on a real disk. */
async function attempt<T>(run: () => T): Promise<T> {
  await Promise.resolve();
  return run();
}
