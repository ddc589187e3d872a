/**
 * Two clusters whose networks don't meet: each has a bridge with its scheduler, its seed peer and its nodes. The manager
 * and the registry are on an address that both reach, in the namespace of this process, which passes nothing on.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSampleImage, type SampleImage } from "../../../src/oci/sample_image.ts";
import { Bridge, BRIDGE_PROGRAMS, type NetNode } from "./bridge.ts";
import {
  fromCheckout,
  type Launch,
  type Manager,
  type Peer,
  runDfinit,
  type Scheduler,
  SCHEDULER_PORT,
  startManager,
  startPeer,
  startScheduler,
} from "./components.ts";
import { CONTAINERD_PROGRAMS, ContainerdNode, type ContainerdProgram, installedContainerd } from "./containerd.ts";
import { inNetns } from "./netns.ts";
import { run } from "./programs.ts";
import { pushSample } from "./push_sample.ts";
import { type Registry, REGISTRY_PROGRAM, startRegistry } from "./registry.ts";
import { Workspace } from "./workspace.ts";

/** What {@link TwoClusters} needs from the machine, besides namespaces of its own. */
export const TWO_CLUSTERS_NEEDS = {
  programs: [...BRIDGE_PROGRAMS, ...CONTAINERD_PROGRAMS, REGISTRY_PROGRAM, "curl", "iptables", "iptables-save"],
};

const KNOWN_TIMEOUT_MS = 60_000;
/** For benchmarks (RFC 2544): the address of what both clusters reach, and the networks of the clusters. */
const COMMON_IP = "198.18.0.1";
const PREFIXES = { a: "198.18.1", b: "198.18.2" } as const;
const REPOSITORY_NAME = "team/app";
const NODES_PER_CLUSTER = 2;

/** Where others reach it, a manager wants a password that not everybody knows. */
export const ROOT_PASSWORD = "a password of the test";
const withPassword: Launch = (component, configFile) => ({
  ...fromCheckout(component, configFile),
  env: { DRAGONFLY_INITIAL_ROOT_PASSWORD: ROOT_PASSWORD },
});

/** How the guide calls them. */
export type ClusterName = keyof typeof PREFIXES;

/** A node: a container runtime, and a peer that it asks first. */
export interface WalkNode {
  readonly containerd: ContainerdNode;
  readonly peer: Peer;
}

/** What a cluster is made of. */
export interface WalkCluster {
  readonly scheduler: Scheduler;
  readonly seed: Peer;
  readonly nodes: readonly WalkNode[];
}

/** How a cluster is told from the default one. */
export interface ClusterIdentity {
  readonly id: number;
  /** What its peers say of themselves; its seed peers name its number instead. */
  readonly idc?: string;
}

/** The manager, the registry with an image, and the clusters that were started; disposing it ends every process. */
export class TwoClusters implements AsyncDisposable {
  readonly workspace: Workspace;
  readonly manager: Manager;
  readonly registry: Registry;
  readonly image: SampleImage;
  readonly #stack: AsyncDisposableStack;
  readonly #bridges: Readonly<Record<ClusterName, Bridge>>;

  private constructor(stack: AsyncDisposableStack, parts: Parts) {
    this.#stack = stack;
    this.workspace = parts.workspace;
    this.manager = parts.manager;
    this.registry = parts.registry;
    this.image = parts.image;
    this.#bridges = parts.bridges;
  }

  static async open(): Promise<TwoClusters> {
    await using stack = new AsyncDisposableStack();
    const workspace = stack.use(await Workspace.create());
    const bridges = { a: await openBridge("a"), b: await openBridge("b") };
    await run("ip", ["addr", "add", `${COMMON_IP}/32`, "dev", "lo"]);
    await refuseBetween(bridges.a, bridges.b);
    const registry = stack.use(await startRegistry({ ip: COMMON_IP, dir: workspace.dir }));
    const image = await makeSampleImage();
    await pushSample(image, `${registry.url}/v2/${REPOSITORY_NAME}`, "v1");
    registry.forget();
    const place = { name: "manager", ip: COMMON_IP, dir: join(workspace.dir, "manager") };
    const manager = stack.use(await startManager(place, withPassword));
    return new TwoClusters(stack.move(), { workspace, bridges, registry, image, manager });
  }

  get imageName(): string {
    return `${this.registry.namespace}/${REPOSITORY_NAME}:v1`;
  }

  /** Starts a scheduler, a seed peer and nodes, configured by dfinit; resolves when the scheduler knows them. */
  async start(name: ClusterName, { id, idc }: ClusterIdentity): Promise<WalkCluster> {
    const core = await this.#bridges[name].addNode(`${name}-core`);
    const scheduler = await startScheduler(this.#place(core, "scheduler"), this.manager.grpcUrl, id);
    this.#stack.use(scheduler);
    const upstreams = [{ namespace: this.registry.namespace, addr: this.registry.url }];
    const common = { managerUrl: this.manager.grpcUrl, upstreams };
    const seedOptions = { ...common, isSeed: true, seedClusterId: id };
    const seed = this.#stack.use(await startPeer(this.#place(core, "seed"), seedOptions));
    const program = await installedContainerd();
    const nodes: WalkNode[] = [];
    for (let number = 1; number <= NODES_PER_CLUSTER; number++) {
      const node = await this.#bridges[name].addNode(`${name}-${number}`);
      const peerOptions = { ...common, ...(idc === undefined ? {} : { idc }) };
      const peer = this.#stack.use(await startPeer(this.#place(node, "dfdaemon"), peerOptions));
      nodes.push({ peer, containerd: await this.#containerd(node, program, peer.mirrorUrl) });
    }
    for (const { process, hostId } of [seed, ...nodes.map(({ peer }) => peer)]) {
      await process.ready("being known to its scheduler", KNOWN_TIMEOUT_MS, async () => {
        return (await scheduler.hostIds()).includes(hostId) || undefined;
      });
    }
    return { scheduler, seed, nodes };
  }

  /** Packets so far that peers or the scheduler of one cluster have sent to peers of the other. */
  async crossings(): Promise<number> {
    const rules = await run("iptables-save", ["--counters", "--table", "filter"]);
    const counted = [...rules.matchAll(/^\[(\d+):\d+\] -A FORWARD -s \S+ -d \S+ -j REJECT/gm)];
    assert.equal(counted.length, 2, rules);
    return counted.reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  /** Whether a process in the network of `from` gets an answer of a peer. */
  async reaches(from: WalkNode, { ip }: Peer): Promise<boolean> {
    const asking = ["--silent", "--max-time", "5", `http://${ip}:4003/`];
    const [command, args] = inNetns(from.containerd.netns, "curl", asking);
    return await run(command, args).then(() => true, () => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  /** A runtime that runs, and which dfinit has told to ask the peer of its node first. */
  async #containerd(
    { name, netns }: NetNode,
    program: ContainerdProgram,
    mirrorUrl: string,
  ): Promise<ContainerdNode> {
    const dir = join(this.workspace.dir, `${name}-containerd`);
    const node = this.#stack.use(await ContainerdNode.prepare(name, dir, program, netns));
    const registries = [{ hostNamespace: this.registry.namespace, serverAddr: this.registry.url }];
    await runDfinit(dir, { hostRoot: node.hostRoot, mirrorUrl, registries });
    await node.start();
    return node;
  }

  #place({ name, ip, netns }: NetNode, role: string) {
    return { name: `${name}-${role}`, ip, netns, dir: join(this.workspace.dir, `${name}-${role}`) };
  }
}

interface Parts {
  readonly workspace: Workspace;
  readonly bridges: Readonly<Record<ClusterName, Bridge>>;
  readonly registry: Registry;
  readonly image: SampleImage;
  readonly manager: Manager;
}

async function openBridge(name: ClusterName): Promise<Bridge> {
  const bridge = await Bridge.open(`cluster-${name}`, PREFIXES[name]);
  await bridge.becomeGateway();
  return bridge;
}

/**
 * What one sends to the other comes to this namespace, where it is refused and counted; not counted is that peers look
 * whether the scheduler of the other lives, which would be the next best one if their own did not.
 */
async function refuseBetween(one: Bridge, other: Bridge): Promise<void> {
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  for (const [from, to] of [[one, other], [other, one]] as const) {
    const path = ["--source", from.subnet, "--destination", to.subnet];
    for (const apart of [["--protocol", "tcp", "--dport", String(SCHEDULER_PORT)], []]) {
      await run("iptables", ["--wait", "--append", "FORWARD", ...path, ...apart, "--jump", "REJECT"]);
    }
  }
}
