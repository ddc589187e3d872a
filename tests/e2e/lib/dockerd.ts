/** Docker Engine with data, a socket and an /etc/docker of its own, which knows other machines by names of ours. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { type RunningProcess, startProcess } from "./process.ts";
import { requireProgram, run } from "./programs.ts";

/** What {@link DockerHost} needs from the machine. */
export const DOCKER_PROGRAMS = ["dockerd", "docker", "containerd", "mount", "unshare"] as const;

/** The file that dfinit edits. */
export const DAEMON_FILE = "/etc/docker/daemon.json";

/** The name by which Docker knows its hub. */
export const HUB = "registry-1.docker.io";
const START_TIMEOUT_MS = 60_000;
/** A /run of its own keeps it from the machine's containerd, whose socket it would take. */
const START_SCRIPT =
  'mount -t tmpfs run /run && mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/docker && shift 2 && exec "$@"';

/** A host on which Docker pulls. */
export class DockerHost implements AsyncDisposable {
  /** The part of the host's `/` that is not the machine's: what dfinit gets as the root. */
  readonly hostRoot: string;
  readonly #dir: string;
  #process: RunningProcess | undefined;

  private constructor(dir: string) {
    this.#dir = dir;
    this.hostRoot = join(dir, "host");
  }

  /** Prepares a host in `dir` that finds other machines by name, with `daemon` as its `daemon.json`. */
  static async prepare(dir: string, names: Readonly<Record<string, string>>, daemon: string): Promise<DockerHost> {
    const host = new DockerHost(dir);
    await mkdir(join(host.hostRoot, "etc/docker"), { recursive: true });
    await writeFile(join(host.hostRoot, DAEMON_FILE), daemon);
    await writeFile(join(dir, "hosts"), hostsText(names));
    return host;
  }

  /** Starts the daemon, which trusts the authorities in `authorities` and no others, but for those of its files. */
  async start(authorities: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const part = (name: string) => join(this.#dir, name);
    const network = ["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"];
    const places = [
      ...["--config-file", join(this.hostRoot, DAEMON_FILE), "--data-root", part("data"), "--exec-root", part("exec")],
      ...["--pidfile", part("docker.pid"), "--host", this.#socket],
    ];
    const dockerd = startProcess({
      name: "dockerd",
      command: requireProgram("unshare"),
      args: [
        ...["--mount", "--propagation=private", "sh", "-c", START_SCRIPT, "sh"],
        ...[part("hosts"), join(this.hostRoot, "etc/docker")],
        ...[requireProgram("dockerd"), "--storage-driver=vfs", ...network, ...places],
      ],
      logDir: this.#dir,
      env: { ...env, SSL_CERT_FILE: authorities, SSL_CERT_DIR: "/nonexistent" },
    });
    this.#process = dockerd;
    await dockerd.ready("the API", START_TIMEOUT_MS, async () => {
      await this.#docker("version");
      return true;
    });
  }

  /** Makes the daemon read its file again, as `systemctl reload docker` does. */
  reload(): void {
    if (this.#process !== undefined) process.kill(this.#process.pid, "SIGHUP");
  }

  /** The mirrors of Docker Hub that the daemon goes by. */
  async mirrors(): Promise<string[]> {
    return JSON.parse(await this.#docker("info", "--format", "{{json .RegistryConfig.Mirrors}}")) ?? [];
  }

  async pull(image: string): Promise<void> {
    await this.#docker("pull", "--quiet", image);
  }

  /** Leaves a login where `docker login` does. */
  async login(registry: string, { username, password }: { username: string; password: string }): Promise<void> {
    await mkdir(join(this.#dir, ".docker"), { recursive: true });
    const auths = { [registry]: { auth: btoa(`${username}:${password}`) } };
    await writeFile(join(this.#dir, ".docker/config.json"), JSON.stringify({ auths }));
  }

  async remove(image: string): Promise<void> {
    await this.#docker("rmi", "--force", image);
  }

  /** The digest of the configuration of an image that was pulled. */
  async idOf(image: string): Promise<string> {
    return (await this.#docker("image", "inspect", "--format", "{{.Id}}", image)).trim();
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #socket(): string {
    return `unix://${join(this.#dir, "docker.sock")}`;
  }

  #docker(...args: string[]): Promise<string> {
    return run(requireProgram("docker"), ["--host", this.#socket, ...args], { env: { HOME: this.#dir } });
  }
}

/** An `/etc/hosts` with addresses by name. */
export function hostsText(names: Readonly<Record<string, string>>): string {
  const lines = Object.entries(names).map(([name, ip]) => `${ip} ${name}\n`);
  return `127.0.0.1 localhost\n${lines.join("")}`;
}
