/** Podman with images, logins and an /etc/containers of its own: one host. */
import { cpSync, existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram, run } from "./programs.ts";

/** What {@link PodmanHost} needs from the machine. */
export const PODMAN_PROGRAMS = ["podman", "mount", "unshare"] as const;

/** Where Podman has its configuration. */
const CONFIG_DIR = "/etc/containers";
const START_SCRIPT = `mount --bind "$1" ${CONFIG_DIR} && shift && exec "$@"`;

/** A host on which Podman pulls. It runs in a mount namespace in which /etc/containers is a folder of the host. */
export class PodmanHost {
  /** The part of the host's `/` that is not the machine's: what dfinit gets as the root. */
  readonly hostRoot: string;
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.hostRoot = join(dir, "host");
  }

  /** Prepares a host in `dir`, with the files of the machine's package. */
  static async prepare(dir: string): Promise<PodmanHost> {
    const host = new PodmanHost(dir);
    await mkdir(host.path(CONFIG_DIR), { recursive: true });
    if (existsSync(CONFIG_DIR)) cpSync(CONFIG_DIR, host.path(CONFIG_DIR), { recursive: true });
    await writeFile(host.path(`${CONFIG_DIR}/policy.json`), '{"default":[{"type":"insecureAcceptAnything"}]}\n');
    await writeFile(host.#logins, "{}\n");
    return host;
  }

  get #logins(): string {
    return join(this.#dir, "auth.json");
  }

  /** Where a file of the host below /etc/containers is on the machine. */
  path(path: string): string {
    return join(this.hostRoot, path);
  }

  async pull(image: string): Promise<void> {
    await this.#podman("pull", "--quiet", image);
  }

  /** Bytes of the blob that has come farthest in a pull that is under way. */
  async largestDownload(): Promise<number> {
    const names = (await readdir(this.#dir)).filter((name) => name.startsWith("storage"));
    const files = await Promise.all(names.map(async (name) => {
      return (await readdir(join(this.#dir, name))).map((file) => join(this.#dir, name, file));
    }));
    const sizes = await Promise.all(files.flat().map(async (file) => (await stat(file)).size));
    return Math.max(0, ...sizes);
  }

  async remove(image: string): Promise<void> {
    await this.#podman("rmi", "--force", image);
  }

  /** The digest of the configuration of an image that was pulled. */
  async idOf(image: string): Promise<string> {
    return `sha256:${(await this.#podman("image", "inspect", "--format", "{{.Id}}", image)).trim()}`;
  }

  async login(registry: string, username: string, password: string): Promise<void> {
    await this.#podman("login", "--tls-verify=false", "--username", username, "--password", password, registry);
  }

  #podman(...args: string[]): Promise<string> {
    const places = [
      "--root",
      join(this.#dir, "images"),
      "--runroot",
      join(this.#dir, "run"),
      "--storage-driver",
      "vfs",
    ];
    return run(requireProgram("unshare"), [
      ...["--mount", "--propagation=private", "sh", "-c", START_SCRIPT, "sh", this.path(CONFIG_DIR)],
      ...[requireProgram("podman"), ...places, ...args],
    ], { env: { REGISTRY_AUTH_FILE: this.#logins, TMPDIR: this.#dir } });
  }
}
