/**
 * Nodes with links of their own: network namespaces at one bridge, in the namespace of this process, which is its own
 * (see `main.ts`). So there is nothing to remove: all of it goes with the last process in it.
 */
import { inNetns } from "../../e2e/lib/netns.ts";
import { run } from "../../e2e/lib/programs.ts";
import { bytesFrom } from "./received.ts";

const BRIDGE = "swarm";
/** For benchmarks (RFC 2544). */
const PREFIX = "198.18.0";
const PREFIX_BITS = 24;
/** What may pass at once: more than the largest packet that segmentation leaves whole. */
const BURST = "128kb";
/** How long a packet waits at most in front of a link. */
const QUEUE = "50ms";

/** What a link carries, in Mbit/s. */
export interface Rates {
  readonly upMbit: number;
  readonly downMbit: number;
}

/** A node of the network. */
export interface NetNode {
  readonly name: string;
  readonly ip: string;
  readonly netns: string;
}

/** The bridge, with addresses of its own for what has no link. */
export class Network {
  readonly #nodes: NetNode[] = [];
  #addresses = 0;

  private constructor() {}

  static async open(): Promise<Network> {
    await run("ip", ["link", "set", "lo", "up"]);
    await run("ip", ["link", "add", BRIDGE, "type", "bridge"]);
    await run("ip", ["link", "set", BRIDGE, "up"]);
    return new Network();
  }

  /** An address of this namespace. */
  async address(): Promise<string> {
    const ip = this.#nextIp();
    await run("ip", ["addr", "add", `${ip}/${PREFIX_BITS}`, "dev", BRIDGE]);
    return ip;
  }

  /** A namespace with one link, which carries what it can until it is shaped. */
  async addNode(name: string): Promise<NetNode> {
    const node = { name, ip: this.#nextIp(), netns: name };
    await run("ip", ["netns", "add", name]);
    await run("ip", ["link", "add", this.#port(node), "type", "veth", "peer", "name", "eth0", "netns", name]);
    await run("ip", ["link", "set", this.#port(node), "master", BRIDGE, "up"]);
    for (const args of [["link", "set", "lo", "up"], ["link", "set", "eth0", "up"]]) {
      await run("ip", ["-n", name, ...args]);
    }
    await run("ip", ["-n", name, "addr", "add", `${node.ip}/${PREFIX_BITS}`, "dev", "eth0"]);
    this.#nodes.push(node);
    return node;
  }

  /** Gives a node's link a rate each way: where it sends, and where the bridge sends to it. */
  async shape(node: NetNode, { upMbit, downMbit }: Rates): Promise<void> {
    const limit = (mbit: number) => ["root", "tbf", "rate", `${mbit}mbit`, "burst", BURST, "latency", QUEUE];
    await run("tc", ["-n", node.netns, "qdisc", "replace", "dev", "eth0", ...limit(upMbit)]);
    await run("tc", ["qdisc", "replace", "dev", this.#port(node), ...limit(downMbit)]);
  }

  /** Takes that back. */
  async unshape(node: NetNode): Promise<void> {
    await run("tc", ["-n", node.netns, "qdisc", "del", "dev", "eth0", "root"]);
    await run("tc", ["qdisc", "del", "dev", this.#port(node), "root"]);
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

  #nextIp(): string {
    return `${PREFIX}.${++this.#addresses}`;
  }

  /** The end of a node's link that is at the bridge. */
  #port({ ip }: NetNode): string {
    return `port-${ip.split(".").at(-1)}`;
  }

  async #in({ netns }: NetNode, program: string, args: readonly string[]): Promise<string> {
    const [command, all] = inNetns(netns, program, args);
    return await run(command, all);
  }
}
