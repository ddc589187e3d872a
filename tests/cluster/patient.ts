/** A node with a dfdaemon that runs, a containerd's files, and a doctor who looks at it. */
import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT as DFINIT_EXIT, runDfinit } from "../../dfinit/cli.ts";
import { peerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import { type DoctorEffects, runDoctor } from "../../src/doctor/doctor.ts";
import type { Level, Outcome } from "../../src/doctor/finding.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { writeYaml } from "./mains.ts";
import type { Node, Stage } from "./stage.ts";

const TESTDATA = join(import.meta.dirname ?? "", "../../dfinit/testdata");
const NEVER = new AbortController().signal;
const disk = realDisk(realRandom());

/** What a doctor said. */
export interface Diagnosis {
  readonly code: number;
  readonly outcomes: readonly Outcome[];
  /** The ids of outcomes of these levels, each once. */
  ids(...levels: Level[]): string[];
}

/** A node of a stage as the doctor sees it. */
export class Patient {
  /** Where the node's files are. */
  readonly root: string;
  readonly node: Node;
  readonly stage: Stage;
  #settings: Settings = {};

  constructor(root: string, node: Node, stage: Stage) {
    this.root = root;
    this.node = node;
    this.stage = stage;
  }

  /** Puts the files of a node there whose runtime dfinit has configured, and which started since. */
  async prepare(nodeName = "default_1_7"): Promise<void> {
    cpSync(join(TESTDATA, nodeName), this.root, { recursive: true });
    await this.configureDfdaemon({});
    await this.configureDfinit({ "containerRuntime.containerd.registries": [this.registryRow()] });
    await this.dfinit();
    this.touch("run/containerd/containerd.sock", 60_000);
  }

  /** The registry of the stage in the words of dfinit.yaml. */
  registryRow() {
    return { hostNamespace: this.stage.registry.namespace, serverAddr: this.stage.registry.url };
  }

  get dfinitYaml(): string {
    return join(this.root, "dfinit.yaml");
  }

  get dfdaemonYaml(): string {
    return join(this.root, "dfdaemon.yaml");
  }

  /** Writes the dfdaemon.yaml that the running one would have, but for `settings`. */
  async configureDfdaemon(settings: Settings): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    const { stage: { ip, dir, upstreams, managerAddress: manager }, node } = this;
    const { it, name } = node;
    const own = { name, isSeed: false, place: { ip, firstPort: 0 }, dir, upstreams, manager };
    await writeYaml(this.dfdaemonYaml, {
      ...peerSettings(own),
      "upload.server.port": it.upload.port,
      "proxy.server.port": it.mirror.port,
      "proxy.registryMirror.addr": this.stage.registry.url,
      "metrics.server.port": it.metrics.port,
      "health.server.port": it.health.port,
      "storage.server.tcpPort": it.pieces?.port,
      ...this.#settings,
    });
  }

  /** Writes a dfinit.yaml for this node's mirror. */
  async configureDfinit(settings: Settings): Promise<void> {
    await writeYaml(this.dfinitYaml, { "proxy.addr": this.node.mirror, ...settings });
  }

  /** Runs dfinit on the node's files. */
  async dfinit(): Promise<void> {
    let said = "";
    const print = (text: string) => void (said += text);
    const args = ["--config", this.dfinitYaml, "--root", this.root];
    const code = await runDfinit(args, { disk, env: () => undefined, print, printError: print });
    if (code !== DFINIT_EXIT.done) throw new Error(said);
  }

  path(file: string): string {
    return join(this.root, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** Makes a file that was written `aheadMs` from now. */
  touch(file: string, aheadMs: number): void {
    this.write(file, "");
    const at = (Date.now() + aheadMs) / 1000;
    utimesSync(this.path(file), at, at);
  }

  /** The `hosts.toml` of the stage's registry. */
  get hostsToml(): string {
    return `etc/containerd/certs.d/${this.stage.registry.namespace}/hosts.toml`;
  }

  /** Where its files are, for the doctor's command line. */
  get paths(): string[] {
    return ["--config", this.dfdaemonYaml, "--dfinit", this.dfinitYaml, "--root", this.root];
  }

  /** Runs the doctor on the node. */
  async examine(args: readonly string[] = [], effects: Partial<DoctorEffects["runtime"]> = {}): Promise<Diagnosis> {
    let text = "";
    const terminal = { print: (part: string) => void (text += part), printError: () => {} };
    const runtime = { ...testRuntime({ disk }), ...effects };
    const told = { runtime, terminal, architecture: "amd64" };
    const code = await runDoctor([...this.paths, "--json", ...args], told, NEVER);
    const { checks } = JSON.parse(text) as { checks: Outcome[] };
    return {
      code,
      outcomes: checks,
      ids: (...levels) => [...new Set(checks.filter(({ level }) => levels.includes(level)).map(({ id }) => id))].sort(),
    };
  }
}
