import { DamselflyError } from "../../core/error.ts";
import { MemoryRpc } from "../memory_rpc.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import { type Flow, FlowNet, Link } from "./flow_net.ts";

/** How long a message takes, one way, within a location and between two. */
export interface Latencies {
  readonly nearMs: number;
  readonly farMs: number;
}

/** After this a connection to a host that does not answer any more counts as broken. */
const DEAD_AFTER_MS = 20_000;

/** Both directions of a line, in bytes per millisecond. */
export interface Speeds {
  readonly up: number;
  readonly down: number;
}

/** One place with a line of its own to all others. */
export interface Place {
  readonly name: string;
  readonly up: Link;
  readonly down: Link;
}

/** A host of the network. */
export interface SimNode extends Place {
  readonly ip: string;
  /** The location whose line it shares with others; undefined where there is room for all. */
  readonly site: Place | undefined;
  readonly speeds: Speeds;
  /** `refuses` when its process is dead, and `gone` when its power is: then nobody hears anything of it. */
  state: "up" | "refuses" | "gone";
  /** It is on the other side of a partition than those that are not. */
  isApart: boolean;
  /** Not of the cluster: far from all of it, and reached by all of it. */
  readonly isOutside: boolean;
}

/** Hosts, their lines and their calls. */
export class SimNet implements Disposable {
  readonly clock: VirtualClock;
  readonly flows: FlowNet;
  readonly rpc: MemoryRpc;
  readonly nodes = new Map<string, SimNode>();
  readonly #latencies: Latencies;

  constructor(clock: VirtualClock, latencies: Latencies, turnMs: number) {
    this.clock = clock;
    this.#latencies = latencies;
    this.flows = new FlowNet(clock, turnMs);
    this.rpc = new MemoryRpc(clock, { latencyMs: (from, to) => this.latencyMs(from, to) });
  }

  /** Adds a host. */
  add(ip: string, name: string, speeds: Speeds, site?: Place, isOutside = false): SimNode {
    const node: SimNode = { ...placeOf(name, speeds), ip, site, speeds, state: "up", isApart: false, isOutside };
    this.nodes.set(ip, node);
    return node;
  }

  /** How long a message takes; undefined when it never arrives. */
  latencyMs(from: string, to: string): number | undefined {
    const [a, b] = [this.nodes.get(from), this.nodes.get(to)];
    if (a === undefined || b === undefined || a.state !== "up" || b.state === "gone" || isBetween(a, b)) {
      return undefined;
    }
    const isNear = a.site === b.site && !a.isOutside && !b.isOutside;
    return isNear ? this.#latencies.nearMs : this.#latencies.farMs;
  }

  /** Begins a transfer; see {@link FlowNet.start}. */
  start(from: SimNode, to: SimNode, bytes: number): Flow {
    const between = from.site === to.site ? [] : [from.site?.up, to.site?.down].filter((link) => link !== undefined);
    const flow = this.flows.start([from.up, ...between, to.down], bytes);
    if (areParted(from, to)) this.flows.cut(flow, true);
    return flow;
  }

  /** A host loses its power. Whoever is connected to it only notices that nothing comes. */
  vanish(node: SimNode): void {
    node.state = "gone";
    this.#refresh();
  }

  /** The process of a host dies. */
  crash(node: SimNode): void {
    node.state = "refuses";
    this.breakConnections(node);
  }

  /** All connections of a host break at once; new ones can be made, unless it is dead. */
  breakConnections(node: SimNode): void {
    const why = new DamselflyError("unavailable", "The connection was reset");
    for (const flow of this.flows.flowsOf(({ links }) => links.includes(node.up) || links.includes(node.down))) {
      this.flows.end(flow, why);
    }
    this.rpc.breakCalls((from, to) => from === node.ip || to === node.ip);
  }

  /** Waits until `bytes` of a flow were moved, but no longer than `ms`. Rejects when the flow ends, or the signal fires. */
  async moved(flow: Flow, bytes: number, ms: number, signal: AbortSignal): Promise<void> {
    const onAbort = () => this.flows.end(flow, signal.reason);
    if (signal.aborted) onAbort();
    signal.throwIfAborted();
    if (flow.isOver) throw new DamselflyError("unavailable", "The connection has ended");
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.flows.until(flow, bytes, ms);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** From now on these hosts and the others do not reach each other. */
  part(apart: ReadonlySet<SimNode>): void {
    for (const node of this.nodes.values()) node.isApart = apart.has(node);
    this.#refresh();
  }

  /** Makes the lines of a host slower or faster than they are; 0 lets nothing through. */
  slow(node: SimNode, factor: number): void {
    this.flows.setCapacity(node.up, node.speeds.up * factor);
    this.flows.setCapacity(node.down, node.speeds.down * factor);
  }

  /** Bytes that went into a place from outside. */
  bytesInto(place: Place): number {
    return this.flows.bytesOf(place.down);
  }

  [Symbol.dispose](): void {
    this.flows[Symbol.dispose]();
  }

  #refresh(): void {
    const ends = new Map<Link, SimNode>();
    for (const node of this.nodes.values()) ends.set(node.up, node).set(node.down, node);
    for (const flow of this.flows.flowsOf(() => true)) {
      const [from, to] = [ends.get(flow.links[0] as Link), ends.get(flow.links.at(-1) as Link)];
      this.flows.cut(flow, from === undefined || to === undefined || areParted(from, to));
    }
    this.clock.after(DEAD_AFTER_MS, () => {
      this.rpc.breakCalls((from, to) => this.latencyMs(from, to) === undefined);
    });
  }
}

/** A place with lines of these speeds. */
export function placeOf(name: string, { up, down }: Speeds): Place {
  return { name, up: new Link(`${name} up`, up), down: new Link(`${name} down`, down) };
}

function areParted(a: SimNode, b: SimNode): boolean {
  return a.state !== "up" || b.state !== "up" || isBetween(a, b);
}

function isBetween(a: SimNode, b: SimNode): boolean {
  return a.isApart !== b.isApart && !a.isOutside && !b.isOutside;
}

/** Bytes per millisecond of a line of so many megabits per second. */
export function megabits(perSecond: number): number {
  return perSecond * 1e6 / 8 / 1000;
}
