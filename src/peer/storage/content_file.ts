import { errorText } from "../../core/error.ts";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";

/** Files that stay open although nobody uses them just now, since another piece is likely to be wanted soon. */
const IDLE_FILES_MAX = 64;

/** The open files of a storage that nobody uses, least recently used first; the oldest make way. */
export class IdleFiles implements AsyncDisposable {
  readonly #log: Log;
  readonly #files = new Set<ContentFile>();
  readonly #closing = new Set<Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  add(file: ContentFile): void {
    this.#files.add(file);
    const [oldest] = this.#files;
    if (this.#files.size > IDLE_FILES_MAX && oldest !== undefined) this.close(oldest);
  }

  remove(file: ContentFile): void {
    this.#files.delete(file);
  }

  /** Closes a file without making anybody wait. */
  close(file: ContentFile): void {
    this.#files.delete(file);
    const closing = file.close()
      .catch((error) => this.#log.warn("A content file could not be closed", { error: errorText(error) }))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of [...this.#files]) this.close(file);
    await Promise.all(this.#closing);
  }
}

/** The file of one task: open while it is used or held, and some time after. */
export class ContentFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #idle: IdleFiles;
  #file: Promise<DiskFile> | undefined;
  #users = 0;
  #isUnlinked = false;

  constructor(path: string, disk: Disk, idle: IdleFiles) {
    this.path = path;
    this.#disk = disk;
    this.#idle = idle;
  }

  /** Keeps the file from being closed until disposed. */
  hold(): Disposable {
    this.#users += 1;
    this.#idle.remove(this);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#leave();
        isHeld = false;
      },
    };
  }

  /** Runs `run` with the open file. */
  async use<T>(run: (file: DiskFile) => Promise<T>): Promise<T> {
    using _held = this.hold();
    return await run(await this.#open());
  }

  /** Gives the file another name. */
  async link(path: string): Promise<void> {
    await this.#disk.link(this.path, path);
  }

  /** Makes a copy at another path. */
  async copy(path: string): Promise<void> {
    await this.#disk.copy(this.path, path);
  }

  /** Removes the name. Who holds the file can go on to use it. */
  async unlink(): Promise<void> {
    const isHeld = this.#users > 0;
    using _held = this.hold();
    // What is not open yet could not be opened any more afterwards. When it cannot be opened there is nothing to keep.
    if (isHeld) await this.#open().catch(() => undefined);
    this.#isUnlinked = true;
    await this.#disk.remove(this.path);
  }

  /** Closes the file if it is open. */
  async close(): Promise<void> {
    const opening = this.#file;
    this.#file = undefined; // at once, for who comes while it is being closed must open it anew
    const file = await opening?.catch(() => undefined); // one that could not be opened need not be closed
    await file?.[Symbol.asyncDispose]();
  }

  #open(): Promise<DiskFile> {
    if (this.#file !== undefined) return this.#file;
    const opening = this.#disk.openFile(this.path, { write: true });
    this.#file = opening;
    opening.catch(() => {
      if (this.#file === opening) this.#file = undefined;
    });
    return opening;
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0 || this.#file === undefined) return;
    if (this.#isUnlinked) this.#idle.close(this);
    else this.#idle.add(this);
  }
}
