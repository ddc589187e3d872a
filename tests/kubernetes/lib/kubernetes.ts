/** A Kubernetes of this machine: nodes with a containerd each, of scripts in the folder that KUBERNETES_LAB_DIR names. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseMetrics, type Sample } from "../../../src/runtime/metrics_text.ts";
import { run } from "../../e2e/lib/programs.ts";
import { type RunningProcess, startProcess } from "../../e2e/lib/process.ts";
import { tool, toolFile } from "../../e2e/lib/tools.ts";

const LAB = Deno.env.get("KUBERNETES_LAB_DIR") ?? "";
const FORWARD_TIMEOUT_MS = 30_000;
const POD_LOG_LINES = 200;
const MIB = 1024 * 1024;
/** What pods and nodes call this machine. */
export const MACHINE = "host.lab";

/** What {@link startKubernetes} needs from the machine. */
export const KUBERNETES_NEEDS = {
  programs: ["containerd", "runc", "zstd"],
  root: true,
  missing: [
    ...(existsSync(join(LAB, "up")) && LAB !== "" ? [] : ["a Kubernetes: KUBERNETES_LAB_DIR names no folder with it"]),
    ...(existsSync("/opt/cni/bin") ? ["a machine without /opt/cni/bin, where its nodes have their own"] : []),
    ...["helm", "crictl"].filter((name) => toolFile(name) === undefined).map((name) => `program ${name}`),
  ],
};

/** containerd's configuration without a `config_path`, so that dfinit has to write one and have it restarted. */
export const CONTAINERD_CONFIG = `version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "lab.local/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

/** What a cluster is started with. */
export interface KubernetesOptions {
  readonly dir: string;
  readonly nodes: number;
  /** Image archives that every node gets. */
  readonly images: readonly string[];
  /** A port of this machine's loopback that nodes and pods reach at {@link MACHINE}. */
  readonly port: number;
}

/** What a pod takes. */
export interface PodMemory {
  readonly name: string;
  /** Of its cgroup, as `kubectl top` has it: with the files that it has just read, and without shared ones of others. */
  readonly workingSetMib: number;
  /** Of its process, with what it shares with others: the program file of Deno. */
  readonly residentMib: number;
}

/** Of the kubelet's summary. */
interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string };
  readonly containers: readonly { readonly memory: { readonly workingSetBytes: number } }[];
}

/** Starts a cluster; disposing it ends it. */
export async function startKubernetes({ dir, nodes, images, port }: KubernetesOptions): Promise<Kubernetes> {
  const folder = join(dir, "kubernetes");
  const config = join(dir, "containerd.toml");
  await writeFile(config, CONTAINERD_CONFIG);
  const files = images.flatMap((file) => ["--image", file]);
  const options = ["--nodes", String(nodes), "--host-port", String(port), "--containerd-config", config, ...files];
  const kubernetes = new Kubernetes(dir, folder, nodes, await tool("helm") ?? "helm");
  try {
    // Nodes take over the environment, and have no folder for temporary files but this one.
    await run(join(LAB, "up"), [folder, ...options], { env: { TMPDIR: "/tmp" } });
    const crictl = await readFile(await tool("crictl") ?? "");
    for (let node = 1; node <= nodes; node++) await kubernetes.putProgram(node, "crictl", crictl);
  } catch (error) {
    await kubernetes.end({ keepsLogs: true });
    throw error;
  }
  return kubernetes;
}

/** A running cluster; nodes count from 1. */
export class Kubernetes implements AsyncDisposable {
  readonly #dir: string;
  readonly #folder: string;
  readonly #nodes: number;
  readonly #helm: string;

  constructor(dir: string, folder: string, nodes: number, helm: string) {
    this.#dir = dir;
    this.#folder = folder;
    this.#nodes = nodes;
    this.#helm = helm;
  }

  /** Runs a command on a node. */
  node(node: number, ...command: readonly string[]): Promise<string> {
    return run(join(LAB, "node"), [this.#folder, String(node), ...command]);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return run(join(this.#folder, "bin", "kubectl"), ["--kubeconfig", join(this.#folder, "kubeconfig"), ...args]);
  }

  helm(...args: readonly string[]): Promise<string> {
    return run(this.#helm, ["--kubeconfig", join(this.#folder, "kubeconfig"), ...args]);
  }

  /** Applies objects of a text. */
  async apply(text: string): Promise<void> {
    const file = await Deno.makeTempFile({ dir: this.#dir, suffix: ".yaml" });
    await writeFile(file, text);
    await this.kubectl("apply", "--filename", file);
  }

  /** What a process of a node's network says at its `/metrics`. */
  async metrics(node: number, address: string): Promise<Sample[]> {
    return parseMetrics(
      await this.node(node, "curl", "--silent", "--fail", "--max-time", "10", `http://${address}/metrics`),
    );
  }

  /** Of the pods of a namespace: what the kubelet says of their cgroups, and the kernel of their first processes. */
  async memory(namespace: string): Promise<PodMemory[]> {
    const pods: PodMemory[] = [];
    for (let node = 1; node <= this.#nodes; node++) {
      const summary = JSON.parse(await this.kubectl("get", "--raw", `/api/v1/nodes/node${node}/proxy/stats/summary`));
      for (const { podRef: { name, namespace: of }, containers } of summary.pods as readonly PodStats[]) {
        if (of !== namespace) continue;
        const workingSet = containers.reduce((sum, { memory }) => sum + memory.workingSetBytes, 0);
        const status = await this.kubectl("exec", "--namespace", of, name, "--", "cat", "/proc/1/status");
        const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
        pods.push({ name, workingSetMib: workingSet / MIB, residentMib: residentKib / 1024 });
      }
    }
    return pods;
  }

  /** The URL by which this machine reaches an address of the first node. */
  async reach(address: string): Promise<{ readonly url: string; readonly process: RunningProcess }> {
    const { listening, process } = await this.#forward("127.0.0.1:0", `${await this.#netns(1)}@${address}`);
    return { url: `http://${listening}`, process };
  }

  /** Lets a node reach what listens at an address of this machine's loopback, at the same address. */
  async lend(node: number, address: string): Promise<RunningProcess> {
    const { process } = await this.#forward(`${await this.#netns(node)}@${address}`, address);
    return process;
  }

  async #netns(node: number): Promise<string> {
    return `/run/netns/${(await readFile(join(this.#folder, "id"), "utf8")).trim()}-n${node}`;
  }

  async #forward(
    listen: string,
    dial: string,
  ): Promise<{ readonly listening: string; readonly process: RunningProcess }> {
    const dir = await Deno.makeTempDir({ dir: this.#dir, prefix: "forward-" });
    const report = join(dir, "listening");
    const process = startProcess({
      name: "forward",
      command: join(this.#folder, "bin", "ns-forward"),
      args: ["--listen", listen, "--dial", dial, "--report", report],
      logDir: dir,
    });
    const listening = await process.ready("a port", FORWARD_TIMEOUT_MS, async () => {
      return (await readFile(report, "utf8").catch(() => "")).trim() || undefined;
    });
    return { listening, process };
  }

  async putProgram(node: number, name: string, bytes: Uint8Array): Promise<void> {
    const child = new Deno.Command(join(LAB, "node"), {
      args: [this.#folder, String(node), "sh", "-c", `cat >/usr/local/bin/${name} && chmod 755 /usr/local/bin/${name}`],
      stdin: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(bytes);
    await writer.close();
    const { success } = await child.status;
    if (!success) throw new Error(`Cannot put ${name} on node ${node}`);
  }

  /** Writes what pods say and what was done with them to a file of the workspace, for whoever looks into a failure. */
  async writeLog(): Promise<void> {
    const namespaces = ["--all-namespaces"];
    const parts = [
      await this.kubectl("get", "events", ...namespaces, "--sort-by=.lastTimestamp"),
      await this.kubectl("get", "pods", ...namespaces, "--output=wide"),
    ];
    const names = ["--output", 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}'];
    for (const pod of (await this.kubectl("get", "pods", ...namespaces, ...names)).trim().split("\n")) {
      const [namespace = "", name = ""] = pod.split("/");
      const logs = ["logs", "--namespace", namespace, name, "--all-containers", "--prefix", `--tail=${POD_LOG_LINES}`];
      parts.push(await this.kubectl(...logs).catch((error: Error) => error.message));
    }
    await writeFile(join(this.#dir, "pods.log"), parts.join("\n"));
  }

  /** Ends everything. */
  async end({ keepsLogs }: { readonly keepsLogs: boolean }): Promise<void> {
    await run(join(LAB, "down"), [this.#folder, ...keepsLogs ? ["--keep"] : []]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end({ keepsLogs: false });
  }
}
