/** CRI-O with images, logins and an /etc/containers of its own: one node. Debian has no CRI-O, so Go builds it. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { criAnswers, criRemove, criStatus, type Login } from "./cri.ts";
import { pullImage } from "./crictl.ts";
import { goProgram } from "./go_program.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { findProgram, type Needs, requireProgram } from "./programs.ts";
import { CONFIG_DIR, ContainersFiles, type RegistriesConfHost } from "./registries_conf_host.ts";
import { waitFor } from "./wait.ts";

const CRIO = {
  module: "github.com/cri-o/cri-o",
  version: "v1.34.0",
  main: "cmd/crio",
  // What would need C libraries.
  tags: ["containers_image_openpgp", "exclude_graphdriver_btrfs"],
};
const START_TIMEOUT_MS = 60_000;
const RELOAD_TIMEOUT_MS = 30_000;
/** What CRI-O says when it has read `registries.conf` again. */
const RELOADED = "Applied new registry configuration";
/** A /run of its own keeps it from what the machine has there. */
const START_SCRIPT = `mount -t tmpfs run /run && mount --bind "$1" ${CONFIG_DIR} && shift && exec "$@"`;

/** What {@link CrioHost} needs from the machine. */
export const CRIO_NEEDS: Needs = {
  programs: ["conmon", "runc", "mount", "unshare"],
  missing: [findProgram("crio"), findProgram("go")].some((found) => found !== undefined)
    ? []
    : ["program crio, or go to build it"],
};

/** A node on which CRI-O pulls. */
export class CrioHost implements RegistriesConfHost {
  readonly files: ContainersFiles;
  readonly #program: string;
  #process: RunningProcess | undefined;

  private constructor(files: ContainersFiles, program: string) {
    this.files = files;
    this.#program = program;
  }

  /** Prepares a node in `dir`. */
  static async prepare(dir: string): Promise<CrioHost> {
    return new CrioHost(await ContainersFiles.prepare(dir), findProgram("crio") ?? await goProgram(CRIO));
  }

  async start(): Promise<void> {
    const { dir } = this.files;
    await mkdir(join(dir, "cni"), { recursive: true });
    await writeFile(join(dir, "crio.conf"), crioConf(this.files, this.#socket));
    const crio = startProcess({
      name: "crio",
      command: requireProgram("unshare"),
      args: [
        ...["--mount", "--propagation=private", "sh", "-c", START_SCRIPT, "sh", this.files.path(CONFIG_DIR)],
        ...[this.#program, "--config", join(dir, "crio.conf"), "--config-dir", ""],
      ],
      logDir: dir,
    });
    this.#process = crio;
    await crio.ready("the CRI image service", START_TIMEOUT_MS, () => criAnswers(this.#socket));
  }

  /** As `systemctl reload crio` does. */
  async reload(): Promise<void> {
    const crio = this.#process;
    if (crio === undefined) throw new Error("Cannot reload CRI-O: it was not started");
    const times = () => crio.log().split(RELOADED).length;
    const before = times();
    process.kill(crio.pid, "SIGHUP");
    await waitFor("CRI-O to read its files", RELOAD_TIMEOUT_MS, () => times() > before || undefined);
  }

  async pull(image: string, login?: Login): Promise<void> {
    await pullImage(this.#socket, image, login);
  }

  async login(registry: string, { username, password }: Login): Promise<void> {
    const { auths = {} } = JSON.parse(await readFile(this.files.logins, "utf8")) as { auths?: Record<string, unknown> };
    const auth = btoa(`${username}:${password}`);
    await writeFile(this.files.logins, JSON.stringify({ auths: { ...auths, [registry]: { auth } } }));
  }

  async remove(image: string): Promise<void> {
    await criRemove(this.#socket, image);
  }

  async idOf(image: string): Promise<string> {
    return `sha256:${(await criStatus(this.#socket, image))?.id}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.stop();
  }

  get #socket(): string {
    return join(this.files.dir, "crio.sock");
  }
}

/** A configuration whose folders lie in that of the host. It starts no containers, and all for that has to be there. */
function crioConf({ dir, logins }: ContainersFiles, socket: string): string {
  const part = (name: string) => JSON.stringify(join(dir, name));
  return `[crio]
root = ${part("images")}
runroot = ${part("run")}
storage_driver = "vfs"
log_dir = ${part("logs")}
version_file = ${part("version")}
clean_shutdown_file = ""
internal_wipe = false
[crio.api]
listen = ${JSON.stringify(socket)}
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
container_exits_dir = ${part("exits")}
container_attach_socket_dir = ${part("attach")}
pinns_path = ${JSON.stringify(requireProgram("true"))}
default_runtime = "runc"
[crio.runtime.runtimes.runc]
runtime_path = ${JSON.stringify(requireProgram("runc"))}
runtime_root = ${part("runc")}
[crio.image]
global_auth_file = ${JSON.stringify(logins)}
big_files_temporary_dir = ${JSON.stringify(dir)}
[crio.network]
network_dir = ${part("cni")}
plugin_dirs = [${part("cni-plugins")}]
[crio.nri]
enable_nri = false
`;
}
