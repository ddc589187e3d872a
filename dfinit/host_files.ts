import { basename, dirname, join, normalize } from "node:path/posix";
import { DamselflyError, type ErrorCode } from "../src/core/error.ts";
import type { Disk } from "../src/runtime/disk.ts";
import { RefusalError } from "./plan.ts";

/** No configuration of a container runtime comes near this; what does is something else. */
const FILE_BYTES_MAX = 1024 * 1024;

const FOLDER_MODE = 0o755;

/** As many as Linux follows on the way to one file. */
const LINKS_MAX = 40;

/** The way out, for each failure that is the node's and not ours. */
const TODO: Partial<Record<ErrorCode, string>> = {
  invalid_argument: "Save the file as UTF-8: dfinit must not guess what its other bytes mean",
  no_space: "Free some space on that volume",
  permission_denied:
    "Run as root and mount the directory writable; a system with a read-only /etc has its own way to set mirrors",
};

/** The node's files by the paths the node knows them by, wherever its root is mounted. */
export class HostFiles {
  readonly #disk: Disk;
  readonly #root: string;

  /** `root` is where the node's `/` is mounted here, `/` when we run on the node itself. */
  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = normalize(root).replace(/\/+$/, "");
  }

  /** The content of a file; undefined when it does not exist. Throws {@link RefusalError} for what cannot be read. */
  async read(path: string): Promise<string | undefined> {
    const real = await this.#resolve(path);
    const stat = await this.#disk.stat(real);
    if (stat === undefined) return undefined;
    if (stat.isDirectory) throw new RefusalError(path, "it is a directory", "Name the file itself");
    if (stat.size > FILE_BYTES_MAX) {
      throw new RefusalError(
        path,
        `it has ${stat.size} bytes, more than ${FILE_BYTES_MAX}`,
        "Name a configuration file",
      );
    }
    return await this.#guarded(path, "read", () => this.#disk.readText(real));
  }

  /** The names in a directory, sorted; undefined when there is no such directory. */
  async list(path: string): Promise<string[] | undefined> {
    const real = await this.#resolve(path);
    const stat = await this.#disk.stat(real);
    if (stat === undefined || !stat.isDirectory) return undefined;
    return await this.#guarded(path, "list", () => this.#disk.list(real));
  }

  /** Whether a file or directory exists. */
  async exists(path: string): Promise<boolean> {
    return await this.#disk.stat(await this.#resolve(path)) !== undefined;
  }

  /**
   * Replaces a file in one step, keeping its owner, and its mode unless another is named; makes the directories above.
   * Follows symbolic links.
   */
  async write(path: string, text: string, options: { readonly mode?: number } = {}): Promise<void> {
    const real = await this.#resolve(path);
    await this.#guarded(path, "write", async () => {
      await this.#makeFolders(dirname(real));
      await this.#disk.writeTextAtomic(real, text, options);
    });
  }

  /** Makes a file of the node a copy of one of ours, in one step, so that a program which runs stays whole. */
  async place(source: string, path: string, mode: number): Promise<void> {
    const real = await this.#resolve(path);
    const partial = `${real}.damselfly.part`;
    await this.#guarded(path, "write", async () => {
      await this.#makeFolders(dirname(real));
      await this.#disk.copy(source, partial);
      await this.#disk.setMode(partial, mode);
      await this.#disk.rename(partial, real);
    });
  }

  /** Makes a directory, and those above. */
  async makeFolder(path: string): Promise<void> {
    const real = await this.#resolve(path);
    await this.#guarded(path, "make", () => this.#makeFolders(real));
  }

  /** Removes a directory with everything in it; one that does not exist is fine. */
  async removeFolder(path: string): Promise<void> {
    const real = await this.#resolve(path);
    await this.#guarded(path, "remove", () => this.#disk.remove(real));
  }

  /** Removes a file; one that does not exist is fine. A symbolic link goes itself, and what it points to stays. */
  async remove(path: string): Promise<void> {
    const real = await this.#resolveFolder(path);
    if ((await this.#disk.stat(real))?.isDirectory) throw new RefusalError(path, "it is a directory", "Remove it");
    await this.#guarded(path, "remove", () => this.#disk.remove(real));
  }

  /** Removes a folder in which nothing is; any other stays. */
  async removeEmptyFolder(path: string): Promise<void> {
    const real = await this.#resolve(path);
    await this.#guarded(path, "remove", () => this.#disk.removeEmpty(real));
  }

  /** The folders that have to be made for `folder` to exist, the outermost first. */
  async missingFolders(folder: string): Promise<string[]> {
    if (folder === "/" || await this.exists(folder)) return [];
    return [...await this.missingFolders(dirname(folder)), folder];
  }

  /** When a file was last written, in milliseconds since 1970; undefined when it does not exist. */
  async writtenAt(path: string): Promise<number | undefined> {
    return (await this.#disk.stat(await this.#resolve(path)))?.mtimeMs;
  }

  /** Copies a file, mode included, unless the copy exists: the first original is the one worth keeping. */
  async keepFirst(path: string, copy: string): Promise<void> {
    if (await this.exists(copy)) return;
    const real = await this.#resolve(path);
    const stat = await this.#disk.stat(real);
    const target = await this.#resolve(copy);
    await this.#guarded(copy, "write", async () => {
      await this.#disk.writeTextAtomic(target, await this.#disk.readText(real), { mode: stat?.mode ?? 0o644 });
    });
  }

  /** Gives a file the content and the mode of the copy that {@link keepFirst} made, which goes. */
  async takeBack(path: string, copy: string): Promise<void> {
    const text = await this.read(copy);
    if (text === undefined) return;
    const mode = (await this.#disk.stat(await this.#resolve(copy)))?.mode;
    await this.write(path, text, mode === undefined ? {} : { mode });
    await this.remove(copy);
  }

  /** What is not there yet can be looked into by everybody, for a umask is meant for what a person writes. */
  async #makeFolders(real: string): Promise<void> {
    const missing: string[] = [];
    for (let at = real; await this.#disk.stat(at) === undefined; at = dirname(at)) missing.push(at);
    await this.#disk.mkdirAll(real);
    for (const folder of missing) await this.#disk.setMode(folder, FOLDER_MODE);
  }

  async #resolveFolder(path: string): Promise<string> {
    const at = join("/", path);
    return join(await this.#resolve(dirname(at)), basename(at));
  }

  #resolve(path: string): Promise<string> {
    return this.#guarded(path, "find", async () => this.#root + await this.#follow(join("/", path)));
  }

  /**
   * Where a path of the node is below the mounted root, the way the node itself would find it: an absolute link starts
   * at the node's `/`, and nothing leads above it. A plain look through our own root would end in our container.
   */
  async #follow(path: string, trail = { links: 0 }): Promise<string> {
    let at = "/";
    for (const name of path.split("/")) {
      const next = join(at, name);
      const target = name === ".." ? undefined : await this.#disk.readLink(this.#root + next);
      if (target === undefined) {
        at = next;
        continue;
      }
      if (++trail.links > LINKS_MAX) throw new RefusalError(path, "symbolic links lead in a circle", "Mend the links");
      at = await this.#follow(target.startsWith("/") ? target : `${at}/${target}`, trail);
      if (await this.#disk.stat(this.#root + at) === undefined) {
        throw new RefusalError(path, `"${name}" is a symbolic link to nowhere`, "Name the file the link points to");
      }
    }
    return at;
  }

  async #guarded<T>(path: string, action: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      const todo = TODO[error.code];
      if (todo === undefined) throw error;
      throw new RefusalError(path, `cannot ${action} it: ${error.message}`, todo, error);
    }
  }
}
