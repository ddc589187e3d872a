import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { DamselflyError, type ErrorCode } from "../core/error.ts";
import { type Disk, type DiskFile, type FileStat, type OpenOptions, utf8Text } from "./disk.ts";
import type { Random } from "./random.ts";

/** Up to this a synchronous read costs less than the round trip of an asynchronous one (deno-platform.md §4). */
const SYNC_BYTES_MAX = 256 * 1024;

/**
 * After so many bytes that were written synchronously everybody else has a turn. Bytes of a transfer are always there,
 * so that without it other sockets wait for as long as they come; an operation of the blocking pool makes the event loop
 * look at them, which `setImmediate` does not. It costs 30 µs, and these bytes some milliseconds.
 */
const TURN_BYTES = 1024 * 1024;
/**
 * So many turns in a row, for a message has to pass the loop several times: it is read, understood, and answered. With
 * one turn a peer that took bytes in answered after 27 ms in the median, with three after 6 (docs/peer-numbers.md).
 */
const TURNS_IN_A_ROW = 3;

const DEFAULT_FILE_MODE = 0o644;

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not_found",
  EEXIST: "already_exists",
  EACCES: "permission_denied",
  EPERM: "permission_denied",
  EROFS: "permission_denied",
  ENOSPC: "no_space",
  EDQUOT: "no_space",
  // Deno's own permission system.
  NotCapable: "permission_denied",
};

/** The system decides whether a directory is empty, so that nothing goes that somebody puts there meanwhile. */
async function removeEmpty(path: string): Promise<void> {
  try {
    await fs.promises.rmdir(path);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes((error as { code?: string }).code ?? "")) throw error;
  }
}

async function guarded<T>(action: string, path: string, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof DamselflyError) throw cause;
    const { code, name, message } = cause as NodeJS.ErrnoException;
    const known = CODES[code ?? name] ?? "internal";
    throw new DamselflyError(known, `Cannot ${action} ${path}: ${code ?? message}`, { cause });
  }
}

const openFd = promisify(fs.open);
const closeFd = promisify(fs.close);
const truncateFd = promisify(fs.ftruncate);
const syncFd = promisify(fs.fsync);
const statFd = promisify(fs.fstat);

class RealFile implements DiskFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #turns: Turns;
  #isClosed = false;

  constructor(fd: number, path: string, turns: Turns) {
    this.#fd = fd;
    this.#path = path;
    this.#turns = turns;
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return guarded("read", this.#path, () => {
      if (buffer.length <= SYNC_BYTES_MAX) return fs.readSync(this.#fd, buffer, 0, buffer.length, position);
      return new Promise<number>((resolve, reject) => {
        fs.read(this.#fd, buffer, 0, buffer.length, position, (error, n) => error ? reject(error) : resolve(n));
      });
    });
  }

  /**
   * Blocks the event loop until the system has taken the bytes, as every positional write does in Deno 2.9, those with
   * a callback or a promise too. A second handle that is no part of `node:fs` would not, and was no faster for pulls.
   */
  write(bytes: Uint8Array, position: number): Promise<void> {
    return guarded("write", this.#path, async () => {
      let done = 0;
      while (done < bytes.length) done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
      if (!this.#turns.isOver(bytes.length)) return;
      for (let turn = 0; turn < TURNS_IN_A_ROW; turn++) await statFd(this.#fd);
    });
  }

  sync(): Promise<void> {
    return guarded("sync", this.#path, () => syncFd(this.#fd));
  }

  stat(): Promise<FileStat> {
    return guarded("read", this.#path, () => fileStat(fs.fstatSync(this.#fd)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await guarded("close", this.#path, () => closeFd(this.#fd));
  }
}

/** Counts what is written, of all files of a disk together. */
class Turns {
  #bytes = 0;

  /** Whether it is somebody else's turn, after `bytes` more. */
  isOver(bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#bytes < TURN_BYTES) return false;
    this.#bytes = 0;
    return true;
  }
}

function fileStat(stat: fs.Stats): FileStat {
  const { size, mode, mtimeMs, ctimeMs: changedMs, nlink: links } = stat;
  return { size, isDirectory: stat.isDirectory(), mode: mode & 0o7777, mtimeMs, changedMs, links };
}

async function openFile(path: string, options: OpenOptions, turns: Turns): Promise<DiskFile> {
  const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;
  const flags = options.create === true ? O_RDWR | O_CREAT : options.write === true ? O_RDWR : O_RDONLY;
  const fd = await openFd(path, flags, DEFAULT_FILE_MODE);
  const file = new RealFile(fd, path, turns);
  try {
    if (options.truncateTo !== undefined) await truncateFd(fd, options.truncateTo);
    return file;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function writeTextAtomic(path: string, text: string, mode: number | undefined, random: Random): Promise<void> {
  const before = fs.statSync(path, { throwIfNoEntry: false });
  const temporary = join(dirname(path), `.${basename(path)}.${random.uuid().slice(0, 8)}.tmp`);
  const fd = await openFd(temporary, "wx", mode ?? (before === undefined ? DEFAULT_FILE_MODE : before.mode & 0o7777));
  try {
    try {
      fs.writeFileSync(fd, text);
      // The mode given to open is cut by the umask.
      fs.fchmodSync(fd, mode ?? (before === undefined ? DEFAULT_FILE_MODE : before.mode & 0o7777));
      if (before !== undefined && before.uid !== fs.fstatSync(fd).uid) fs.fchownSync(fd, before.uid, before.gid);
      await syncFd(fd);
    } finally {
      await closeFd(fd);
    }
    await fs.promises.rename(temporary, path);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw error;
  }
}

function lock(path: string): Disposable | undefined {
  const file = Deno.openSync(path, { create: true, write: true, mode: DEFAULT_FILE_MODE });
  try {
    const isOurs = file.tryLockSync(true) &&
      file.statSync().ino === fs.statSync(path, { throwIfNoEntry: false })?.ino;
    if (isOurs) return file;
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

/** `EINVAL` is how the system says that something is no link. */
async function readLink(path: string): Promise<string | undefined> {
  try {
    return await fs.promises.readlink(path);
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** The disk of the machine. */
export function realDisk(random: Random): Disk {
  const turns = new Turns();
  return {
    openFile: (path, options = {}) => guarded("open", path, () => openFile(path, options, turns)),
    mkdirAll: (path) =>
      guarded("create directory", path, async () => void (await fs.promises.mkdir(path, { recursive: true }))),
    remove: (path) => guarded("remove", path, () => fs.promises.rm(path, { recursive: true, force: true })),
    removeEmpty: (path) => guarded("remove", path, () => removeEmpty(path)),
    rename: (from, to) => guarded("rename", from, () => fs.promises.rename(from, to)),
    link: (existing, created) => guarded("create link", created, () => fs.promises.link(existing, created)),
    // The system's own copy, which shares blocks on XFS and Btrfs.
    copy: (existing, created) => guarded("copy", created, () => Deno.copyFile(existing, created)),
    readText: (path) => guarded("read", path, async () => utf8Text(path, await fs.promises.readFile(path))),
    writeTextAtomic: (path, text, options = {}) =>
      guarded("write", path, () => writeTextAtomic(path, text, options.mode, random)),
    stat: (path) =>
      guarded("read", path, () => {
        const stat = fs.statSync(path, { throwIfNoEntry: false });
        return stat === undefined ? undefined : fileStat(stat);
      }),
    setMode: (path, mode) => guarded("set the mode of", path, () => fs.promises.chmod(path, mode)),
    lock: (path) => guarded("lock", path, () => lock(path)),
    list: (path) => guarded("list", path, async () => (await fs.promises.readdir(path)).sort()),
    readLink: (path) => guarded("read the link", path, () => readLink(path)),
    space: (path) =>
      guarded("read the free space of", path, async () => {
        const { blocks, bavail, bsize } = await fs.promises.statfs(path);
        return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
      }),
  };
}
