import { dirname, join, normalize } from "node:path/posix";
import { DamselflyError } from "../src/core/error.ts";
import type { Disk } from "../src/runtime/disk.ts";
import { RefusalError } from "./plan.ts";

/** No configuration of a container runtime comes near this; what does is something else. */
const FILE_BYTES_MAX = 1024 * 1024;

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

  /** Replaces a file in one step, keeping its mode and owner; makes the directories above. Follows symbolic links. */
  async write(path: string, text: string): Promise<void> {
    const real = await this.#resolve(path);
    await this.#guarded(path, "write", async () => {
      await this.#disk.mkdirAll(dirname(real));
      await this.#disk.writeTextAtomic(real, text);
    });
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

  #resolve(path: string): Promise<string> {
    return this.#guarded(path, "find", () => this.#follow(path));
  }

  /** A link that leaves the mounted root would be followed into our own container, not into the node. */
  async #follow(path: string): Promise<string> {
    const inside = this.#root + join("/", path);
    let existing = inside;
    while (await this.#disk.stat(existing) === undefined && existing !== dirname(existing)) {
      existing = dirname(existing);
    }
    const root = this.#root === "" ? "" : await this.#disk.realPath(this.#root);
    const real = await this.#disk.realPath(existing);
    if (real !== (root || "/") && !real.startsWith(`${root}/`)) {
      throw new RefusalError(path, "a symbolic link on the way leaves --root", "Name the file the link points to");
    }
    if (existing !== inside) await this.#refuseDangling(path, existing, inside);
    return join(real, inside.slice(existing.length));
  }

  async #refuseDangling(path: string, existing: string, inside: string): Promise<void> {
    const [next = ""] = inside.slice(existing.length).split("/").filter((name) => name !== "");
    const stat = await this.#disk.stat(existing);
    if (stat === undefined || !stat.isDirectory) return;
    const names = await this.#disk.list(existing);
    if (!names.includes(next)) return;
    throw new RefusalError(
      path,
      `"${next}" is a symbolic link to nowhere`,
      "Name the file the link points to",
    );
  }

  async #guarded<T>(path: string, action: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      if (error.code !== "permission_denied" && error.code !== "no_space") throw error;
      const todo = error.code === "no_space"
        ? "Free some space on that volume"
        : "Run as root and mount the directory writable; a system with a read-only /etc has its own way to set mirrors";
      throw new RefusalError(path, `cannot ${action} it: ${error.message}`, todo, error);
    }
  }
}
