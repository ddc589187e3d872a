import { cpSync, existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Login } from "./cri.ts";

/** Where Podman and CRI-O have their registries and policies. */
export const CONFIG_DIR = "/etc/containers";

/** A host whose container runtime reads `registries.conf`. */
export interface RegistriesConfHost extends AsyncDisposable {
  readonly files: ContainersFiles;
  /** Starts what runs all the time, if there is something. */
  start(): Promise<void>;
  /** Lets it read its files again, if it does not do that at each pull. */
  reload(): Promise<void>;
  /** Pulls with the login of the one who pulls, which is for the registry of the image. */
  pull(image: string, login?: Login): Promise<void>;
  /** Leaves a login where the host finds it for `registry`, which may have a path. */
  login(registry: string, login: Login): Promise<void>;
  remove(image: string): Promise<void>;
  /** The digest of the configuration of an image that was pulled. */
  idOf(image: string): Promise<string>;
}

/** An /etc/containers of a host's own, and the folder in which it keeps all else. */
export class ContainersFiles {
  readonly dir: string;
  /** The part of the host's `/` that is not the machine's: what dfinit gets as the root. */
  readonly hostRoot: string;

  private constructor(dir: string) {
    this.dir = dir;
    this.hostRoot = join(dir, "host");
  }

  /** Prepares a host in `dir`, with the files of the machine's package. */
  static async prepare(dir: string): Promise<ContainersFiles> {
    const files = new ContainersFiles(dir);
    await mkdir(files.path(CONFIG_DIR), { recursive: true });
    if (existsSync(CONFIG_DIR)) cpSync(CONFIG_DIR, files.path(CONFIG_DIR), { recursive: true });
    await writeFile(files.path(`${CONFIG_DIR}/policy.json`), '{"default":[{"type":"insecureAcceptAnything"}]}\n');
    await writeFile(files.logins, "{}\n");
    return files;
  }

  /** The file of logins that the runtime is told of. */
  get logins(): string {
    return join(this.dir, "auth.json");
  }

  /** Where a file of the host below /etc/containers is on the machine. */
  path(path: string): string {
    return join(this.hostRoot, path);
  }

  /** Bytes of the blob that has come farthest in a pull that is under way, if `dir` is the runtime's TMPDIR. */
  async largestDownload(): Promise<number> {
    const names = (await readdir(this.dir)).filter((name) => /storage\d+$/.test(name));
    const files = await Promise.all(names.map(async (name) => {
      return (await readdir(join(this.dir, name))).map((file) => join(this.dir, name, file));
    }));
    const sizes = await Promise.all(files.flat().map(async (file) => (await stat(file)).size));
    return Math.max(0, ...sizes);
  }
}
