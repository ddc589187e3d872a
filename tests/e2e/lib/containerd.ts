/**
 * A containerd with a root, a state folder and a socket of its own: one node of a cluster. It runs in a mount namespace
 * in which /etc/containerd is a folder of the node, so each node has its configuration where every node has it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import { criAnswers, criRemove, criStatus, type ImageStatus, type Login } from "./cri.ts";
import { crictl, pullImage } from "./crictl.ts";
import { unpackSuitePackage } from "./debian.ts";
import { requireProgram, run } from "./programs.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { stopwatch } from "./wait.ts";

/** What {@link ContainerdNode} needs from the machine. */
export const CONTAINERD_PROGRAMS = ["containerd", "runc", "mount", "umount", "unshare"] as const;
/** The plugin that pulls images: its id in a version 2 and in a version 3 file. */
const CRI_PLUGINS = new Set(["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images"]);
const START_TIMEOUT_MS = 60_000;
/** Debian's suites that have newer ones: the last 1.x, and a 2.x, whose configuration is a version 3 file. */
const SUITES = { "1.7": "trixie", "2.x": "sid" } as const;

/** Where a node has containerd's configuration. */
export const CONFIG_FILE = "/etc/containerd/config.toml";
const CONFIG_DIR = "/etc/containerd";
const START_SCRIPT = `mount --bind "$1" ${CONFIG_DIR} && exec "$2" --config ${CONFIG_FILE}`;

/** containerd as a program, and what it says its version is. */
export interface ContainerdProgram {
  readonly path: string;
  readonly version: string;
}

/** The machine's own containerd (1.x on Debian 12: configuration version 2). */
export async function installedContainerd(): Promise<ContainerdProgram> {
  return await identify(requireProgram("containerd"));
}

/** One out of a newer Debian suite, unpacked and not installed. */
export async function newerContainerd(version: keyof typeof SUITES): Promise<ContainerdProgram> {
  return await identify(join(await unpackSuitePackage(SUITES[version], "containerd"), "usr/bin/containerd"));
}

async function identify(path: string): Promise<ContainerdProgram> {
  const version = /\b\d+\.\d+\.\d+\b/.exec(await run(path, ["--version"]))?.[0];
  if (version === undefined) throw new Error(`Cannot tell the version of ${path}`);
  return { path, version };
}

/** A node: its containerd may be stopped and started again, with its images kept. */
export class ContainerdNode implements AsyncDisposable {
  readonly name: string;
  readonly dir: string;
  /** The part of the node's `/` that is not the machine's: what dfinit gets as the node's root. */
  readonly hostRoot: string;
  readonly socket: string;
  readonly #program: ContainerdProgram;
  readonly netns: string | undefined;
  #process: RunningProcess | undefined;

  private constructor(name: string, dir: string, program: ContainerdProgram, netns: string | undefined) {
    this.name = name;
    this.dir = dir;
    this.#program = program;
    this.netns = netns;
    this.hostRoot = join(dir, "host");
    this.socket = join(dir, "containerd.sock");
  }

  /**
   * Prepares a node in `dir`, with the program's own default configuration moved to that folder. Does not start it.
   * Its network is that of this process unless `netns` names another.
   */
  static async prepare(
    name: string,
    dir: string,
    program: ContainerdProgram,
    netns?: string,
  ): Promise<ContainerdNode> {
    const node = new ContainerdNode(name, dir, program, netns);
    await mkdir(join(node.hostRoot, CONFIG_DIR), { recursive: true });
    const config = await run(program.path, ["config", "default"]);
    const snapshotter = await overlayWorks(join(dir, "overlay-trial")) ? "overlayfs" : "native";
    await writeFile(node.hostPath(CONFIG_FILE), moveConfig(config, dir, snapshotter));
    return node;
  }

  /** Where a file of the node below /etc/containerd is on the machine. */
  hostPath(path: string): string {
    return join(this.hostRoot, path);
  }

  /** The node's configuration as it is now. */
  async config(): Promise<string> {
    return await readFile(this.hostPath(CONFIG_FILE), "utf8");
  }

  /** The folder of hosts.toml files that the CRI plugin reads, or "" when it reads none. */
  async configPath(): Promise<string> {
    const config = parse(await this.config()) as { plugins?: Record<string, { registry?: { config_path?: string } }> };
    const plugins = Object.entries(config.plugins ?? {});
    return plugins.find(([id]) => CRI_PLUGINS.has(id))?.[1].registry?.config_path ?? "";
  }

  /** Changes the node's configuration; a containerd that runs reads it when it starts again. */
  async configure(edit: (config: string) => string): Promise<void> {
    await writeFile(this.hostPath(CONFIG_FILE), edit(await this.config()));
  }

  async start(): Promise<void> {
    if (this.#process?.isAlive()) throw new Error(`Cannot start ${this.name}: it runs already`);
    // The mount point must exist, on the machine too; nothing is written there.
    await mkdir(CONFIG_DIR, { recursive: true });
    const etc = this.hostPath(CONFIG_DIR);
    const containerd = startProcess({
      name: `${this.name}-containerd`,
      command: requireProgram("unshare"),
      args: ["--mount", "--propagation=private", "sh", "-c", START_SCRIPT, "sh", etc, this.#program.path],
      logDir: this.dir,
      netns: this.netns,
    });
    this.#process = containerd;
    await containerd.ready("the CRI image service", START_TIMEOUT_MS, () => criAnswers(this.socket));
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Returns the milliseconds taken. */
  async pull(image: string, login?: Login): Promise<number> {
    await crictl(); // it may have to be built, which is no part of the pull
    const elapsedMs = stopwatch();
    await pullImage(this.socket, image, login);
    return elapsedMs();
  }

  async status(image: string): Promise<ImageStatus | undefined> {
    return await criStatus(this.socket, image);
  }

  async remove(image: string): Promise<void> {
    await criRemove(this.socket, image);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * A default configuration, of version 2 or 3, whose folders and sockets lie in `dir` and with a snapshotter that works
 * here. Everything else stays as containerd wrote it: that is the file dfinit has to edit.
 */
export function moveConfig(config: string, dir: string, snapshotter: string): string {
  const moved: readonly (readonly [RegExp, string])[] = [
    [/^(root = )['"].*['"]$/m, join(dir, "root")],
    [/^(state = )['"].*['"]$/m, join(dir, "state")],
    [/^(\s*address = )['"]\/run\/containerd\/containerd\.sock['"]$/m, join(dir, "containerd.sock")],
    [/^(\s*path = )['"]\/opt\/containerd['"]$/m, join(dir, "opt")],
  ];
  let text = config;
  for (const [line, path] of moved) {
    if (!line.test(text)) throw new Error(`Cannot move containerd's configuration to ${dir}: no line matches ${line}`);
    text = text.replace(line, (_, key: string) => `${key}"${path}"`);
  }
  // Only containerd 2.x has it, and it listens on a path that is the same for all of them.
  text = text.replace(
    /^(\s*socket_path = )['"].*nri\.sock['"]$/m,
    (_, key: string) => `${key}"${join(dir, "nri.sock")}"`,
  );
  return text.replaceAll(/^(\s*snapshotter = )['"]overlayfs['"]$/gm, (_, key: string) => `${key}"${snapshotter}"`);
}

/** Whether an overlay can be mounted below `dir`: not on top of another overlay, nor without privileges. */
async function overlayWorks(dir: string): Promise<boolean> {
  const part = (name: string) => join(dir, name);
  for (const name of ["lower", "upper", "work", "merged"]) await mkdir(part(name), { recursive: true });
  const options = `lowerdir=${part("lower")},upperdir=${part("upper")},workdir=${part("work")}`;
  try {
    await run(requireProgram("mount"), ["-t", "overlay", "overlay", "-o", options, part("merged")]);
  } catch {
    return false;
  }
  await run(requireProgram("umount"), [part("merged")]);
  return true;
}
