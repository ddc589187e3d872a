/**
 * Nodes with a link each: network namespaces at a bridge, in the namespace of this process, which is its own (see
 * `own_namespaces.ts`). So there is nothing to remove: all of it goes with the last process in it.
 */
import { run } from "./programs.ts";

/** What making bridges and nodes needs from the machine, besides root. */
export const BRIDGE_PROGRAMS = ["ip", "nsenter"] as const;
const PREFIX_BITS = 24;

/** A node of the network. */
export interface NetNode {
  readonly name: string;
  readonly ip: string;
  readonly netns: string;
  /** The end of its link that is at the bridge; the other one is its `eth0`. */
  readonly port: string;
}

/** A bridge and its nodes, whose names are unique in the namespace. */
export class Bridge {
  readonly #name: string;
  readonly #prefix: string;
  #addresses = 0;
  #gateway: string | undefined;

  private constructor(name: string, prefix: string) {
    this.#name = name;
    this.#prefix = prefix;
  }

  /** Makes a bridge of a short name, whose nodes have addresses of `prefix`, the first three numbers of them. */
  static async open(name: string, prefix: string): Promise<Bridge> {
    await run("ip", ["link", "set", "lo", "up"]);
    await run("ip", ["link", "add", name, "type", "bridge"]);
    await run("ip", ["link", "set", name, "up"]);
    return new Bridge(name, prefix);
  }

  /** All addresses of its nodes. */
  get subnet(): string {
    return `${this.#prefix}.0/${PREFIX_BITS}`;
  }

  /** An address of this namespace. */
  async address(): Promise<string> {
    const ip = this.#nextIp();
    await run("ip", ["addr", "add", `${ip}/${PREFIX_BITS}`, "dev", this.#name]);
    return ip;
  }

  /** Nodes that are added later ask this namespace for whatever is not at their bridge. */
  async becomeGateway(): Promise<void> {
    this.#gateway ??= await this.address();
  }

  /** A namespace with one link. */
  async addNode(name: string): Promise<NetNode> {
    const ip = this.#nextIp();
    const port = `${this.#name}-${ip.split(".").at(-1)}`;
    await run("ip", ["netns", "add", name]);
    await run("ip", ["link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name]);
    await run("ip", ["link", "set", port, "master", this.#name, "up"]);
    const inside = [["link", "set", "lo", "up"], ["link", "set", "eth0", "up"]];
    inside.push(["addr", "add", `${ip}/${PREFIX_BITS}`, "dev", "eth0"]);
    if (this.#gateway !== undefined) inside.push(["route", "add", "default", "via", this.#gateway]);
    for (const args of inside) await run("ip", ["-n", name, ...args]);
    return { name, ip, netns: name, port };
  }

  #nextIp(): string {
    return `${this.#prefix}.${++this.#addresses}`;
  }
}
