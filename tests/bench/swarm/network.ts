/** Nodes with links of their own, which have a rate each way, and count what comes from whom. */
import { Bridge, type NetNode } from "../../e2e/lib/bridge.ts";
import { inNetns } from "../../e2e/lib/netns.ts";
import { run } from "../../e2e/lib/programs.ts";
import { bytesFrom } from "./received.ts";

const BRIDGE = "swarm";
/** For benchmarks (RFC 2544). */
const PREFIX = "198.18.0";
/** What may pass at once: more than the largest packet that segmentation leaves whole. */
const BURST = "128kb";
/** How long a packet waits at most in front of a link. */
const QUEUE = "50ms";

/** What a link carries, in Mbit/s. */
export interface Rates {
  readonly upMbit: number;
  readonly downMbit: number;
}

/** The bridge, with addresses of its own for what has no link. */
export class Network {
  readonly #bridge: Bridge;
  readonly #nodes: NetNode[] = [];

  private constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  static async open(): Promise<Network> {
    return new Network(await Bridge.open(BRIDGE, PREFIX));
  }

  /** An address of this namespace. */
  address(): Promise<string> {
    return this.#bridge.address();
  }

  /** A namespace with one link, which carries what it can until it is shaped. */
  async addNode(name: string): Promise<NetNode> {
    const node = await this.#bridge.addNode(name);
    this.#nodes.push(node);
    return node;
  }

  /** Gives a node's link a rate each way: where it sends, and where the bridge sends to it. */
  async shape(node: NetNode, { upMbit, downMbit }: Rates): Promise<void> {
    const limit = (mbit: number) => ["root", "tbf", "rate", `${mbit}mbit`, "burst", BURST, "latency", QUEUE];
    await run("tc", ["-n", node.netns, "qdisc", "replace", "dev", "eth0", ...limit(upMbit)]);
    await run("tc", ["qdisc", "replace", "dev", node.port, ...limit(downMbit)]);
  }

  /** Takes that back. */
  async unshape(node: NetNode): Promise<void> {
    await run("tc", ["-n", node.netns, "qdisc", "del", "dev", "eth0", "root"]);
    await run("tc", ["qdisc", "del", "dev", node.port, "root"]);
  }

  /** Counts from now on who sends what to whom, by rules that decide nothing. */
  async count(): Promise<void> {
    for (const node of this.#nodes) {
      const others = this.#nodes.filter((other) => other !== node).map(({ ip }) => `${ip}/32`).join();
      await this.#in(node, "iptables", ["--wait", "--append", "INPUT", "--source", others]);
    }
  }

  /** Bytes of IP that each other node has sent to this one, by its name; those of acknowledgements too. */
  async received(node: NetNode): Promise<Map<string, number>> {
    const byIp = bytesFrom(await this.#in(node, "iptables-save", ["--counters", "--table", "filter"]));
    return new Map(this.#nodes.filter((other) => other !== node).map(({ name, ip }) => [name, byIp.get(ip) ?? 0]));
  }

  async #in({ netns }: NetNode, program: string, args: readonly string[]): Promise<string> {
    const [command, all] = inNetns(netns, program, args);
    return await run(command, all);
  }
}
