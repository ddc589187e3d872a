/** Podman with images, logins and an /etc/containers of its own: one host. */
import { join } from "node:path";
import type { Login } from "./cri.ts";
import { requireProgram, run } from "./programs.ts";
import { CONFIG_DIR, ContainersFiles, type RegistriesConfHost } from "./registries_conf_host.ts";

/** What {@link PodmanHost} needs from the machine. */
export const PODMAN_PROGRAMS = ["podman", "mount", "unshare"] as const;

const START_SCRIPT = `mount --bind "$1" ${CONFIG_DIR} && shift && exec "$@"`;

/** A host on which Podman pulls. It runs in a mount namespace in which /etc/containers is a folder of the host. */
export class PodmanHost implements RegistriesConfHost {
  private constructor(readonly files: ContainersFiles) {}

  /** Prepares a host in `dir`. */
  static async prepare(dir: string): Promise<PodmanHost> {
    return new PodmanHost(await ContainersFiles.prepare(dir));
  }

  async start(): Promise<void> {}

  async reload(): Promise<void> {}

  async pull(image: string, login?: Login): Promise<void> {
    const creds = login === undefined ? [] : ["--creds", `${login.username}:${login.password}`];
    await this.#podman("pull", "--quiet", ...creds, image);
  }

  async login(registry: string, { username, password }: Login): Promise<void> {
    await this.#podman("login", "--tls-verify=false", "--username", username, "--password", password, registry);
  }

  async remove(image: string): Promise<void> {
    await this.#podman("rmi", "--force", image);
  }

  async idOf(image: string): Promise<string> {
    return `sha256:${(await this.#podman("image", "inspect", "--format", "{{.Id}}", image)).trim()}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #podman(...args: string[]): Promise<string> {
    const { dir } = this.files;
    const places = ["--root", join(dir, "images"), "--runroot", join(dir, "run"), "--storage-driver", "vfs"];
    return run(requireProgram("unshare"), [
      ...["--mount", "--propagation=private", "sh", "-c", START_SCRIPT, "sh", this.files.path(CONFIG_DIR)],
      ...[requireProgram("podman"), ...places, ...args],
    ], { env: { REGISTRY_AUTH_FILE: this.files.logins, TMPDIR: dir } });
  }
}
