/** The programs of one contender: a manager and a scheduler, and seeds and peers on nodes with links. */
import { join } from "node:path";
import type { NetNode } from "../../e2e/lib/bridge.ts";
import type { Manager, PeerOptions, Scheduler } from "../../e2e/lib/components.ts";
import type { RunningProcess } from "../../e2e/lib/process.ts";
import { waitFor } from "../../e2e/lib/wait.ts";
import {
  type AnyPeer,
  type Kind,
  schedulerListed,
  type Starter,
  startManager,
  startPeer,
  startScheduler,
} from "../../interop/lib/components.ts";
import { together } from "../../interop/lib/together.ts";

const DEFAULT_CLUSTER = 1;
const KNOWN_TIMEOUT_MS = 60_000;

/** What a cluster is made of. */
export interface ClusterPlan {
  readonly kind: Kind;
  /** Where its files go. */
  readonly dir: string;
  /** Addresses without a link: of the manager and of the scheduler. */
  readonly managerIp: string;
  readonly schedulerIp: string;
  readonly seeds: readonly NetNode[];
  readonly peers: readonly NetNode[];
  readonly registry: { readonly namespace: string; readonly url: string };
}

/** A cluster that runs. Disposing it stops all of it. */
export class SwarmCluster implements AsyncDisposable {
  readonly seeds = new Map<string, AnyPeer>();
  readonly peers = new Map<string, AnyPeer>();
  readonly #stack: AsyncDisposableStack;
  readonly #manager: Manager;
  readonly #scheduler: Scheduler;

  private constructor(stack: AsyncDisposableStack, manager: Manager, scheduler: Scheduler) {
    this.#stack = stack;
    this.#manager = manager;
    this.#scheduler = scheduler;
  }

  /** Resolves when the scheduler knows everybody. The manager is ours in any case: no pull waits for it. */
  static async start(starter: Starter, plan: ClusterPlan): Promise<SwarmCluster> {
    await using stack = new AsyncDisposableStack();
    const { kind, managerIp, schedulerIp } = plan;
    const place = (name: string, ip: string) => ({ name, ip, dir: join(plan.dir, name) });
    const manager = stack.use(await startManager(starter, place("manager", managerIp), undefined));
    const schedulerPlace = place("scheduler", schedulerIp);
    const scheduler = stack.use(await startScheduler(starter, schedulerPlace, { kind, manager }));
    await schedulerListed(scheduler, schedulerIp, manager, DEFAULT_CLUSTER);
    const cluster = new SwarmCluster(stack.move(), manager, scheduler);
    try {
      for (const node of plan.seeds) await cluster.#startPeer(starter, plan, node, true);
      for (const node of plan.peers) await cluster.#startPeer(starter, plan, node, false);
      await together([...cluster.seeds.values(), ...cluster.peers.values()].map((peer) => cluster.#known(peer)));
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** All programs by name. */
  processes(): Map<string, RunningProcess> {
    const members = [["manager", this.#manager], ["scheduler", this.#scheduler], ...this.seeds, ...this.peers] as const;
    return new Map(members.map(([name, { process }]) => [name, process]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  async #startPeer(starter: Starter, { kind, dir, registry }: ClusterPlan, node: NetNode, isSeed: boolean) {
    const { name, ip, netns } = node;
    const options: PeerOptions = {
      managerUrl: this.#manager.grpcUrl,
      registryUrl: registry.url,
      upstreams: [{ namespace: registry.namespace, addr: registry.url }],
      isSeed,
    };
    const peer = await startPeer(starter, kind, { name, ip, netns, dir: join(dir, name) }, options);
    (isSeed ? this.seeds : this.peers).set(name, this.#stack.use(peer));
  }

  async #known({ hostId }: AnyPeer): Promise<void> {
    await waitFor(`the scheduler to know ${hostId}`, KNOWN_TIMEOUT_MS, async () => {
      return (await this.#scheduler.hostIds()).includes(hostId) || undefined;
    });
  }
}
