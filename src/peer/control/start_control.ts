import type { BlockList } from "../../core/block_list.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { hostIdOf, peerIdOf } from "../../core/host_id.ts";
import { SchedulerRing } from "../../core/scheduler_ring.ts";
import { type Channels, RpcChannels } from "../../rpc/client.ts";
import type { Host } from "../../rpc/gen/common/v2/common.ts";
import { HoldingsService } from "../../rpc/gen/damselfly/v1/holdings.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type CacheControl, type CacheCopy, GrpcCacheControl } from "./cache_control.ts";
import { type ClusterSettings, NO_SETTINGS } from "./cluster_settings.ts";
import type { Control, HeldTask, PeerSession } from "./control.ts";
import { STANDARD_DIALECT } from "./dialect.ts";
import { Dynconfig, type DynconfigOptions } from "./dynconfig.ts";
import { GrpcSession } from "./grpc_session.ts";
import { type Bandwidth, hostFacts } from "./host_facts.ts";
import { SchedulerLink } from "./scheduler_link.ts";
import { addressOf, type KnownScheduler } from "./scheduler_list.ts";
import { SeedPeerLink } from "./seed_peer_link.ts";
import { heldDownload, tellHeld } from "./tell_held.ts";

/** How long a start waits for a first scheduler; the search goes on behind it. */
const START_TIMEOUT_MS = 3_000;
const DELETE_TIMEOUT_MS = 2_000;
const CHANNELS_MAX = 256;

/** How {@link startControl} finds and serves its schedulers. */
export interface ControlOptions extends DynconfigOptions {
  readonly announceIntervalMs: number;
  /** The seed peer cluster that a seed peer belongs to when the manager does not say. */
  readonly seedPeerClusterId?: number | undefined;
  /** The tasks that this host has all of, most recently used first. */
  readonly heldTasks: () => readonly HeldTask[];
  /** The copies of the persistent cache that this host has all of, most recently used first. */
  readonly heldCopies: () => readonly CacheCopy[];
  /** What goes through this host's network now. */
  readonly bandwidth: () => Bandwidth;
}

/** What a peer's control plane touches of the world outside. */
export interface ControlEdge {
  readonly channels: Channels;
  /** This host as it is now, as a member of a cluster. */
  facts(clusterId: number): Promise<Host>;
}

/** The control plane of a peer, for both families of tasks. */
export interface PeerControl extends Control {
  readonly cache: CacheControl;
  /** Why the manager cannot be asked for schedulers; undefined when it can, or where there is none. */
  managerTrouble(): string | undefined;
}

/**
 * Starts to talk to manager and schedulers. It never fails for lack of them: without a scheduler there are no
 * sessions, until one is found. Disposing it tells the schedulers that this host is gone.
 */
export async function startControl(
  options: ControlOptions,
  runtime: Runtime,
  edge = realEdge(options, runtime),
): Promise<PeerControl> {
  const control = new GrpcControl(options, runtime, edge, await edge.facts(0));
  await control.started();
  return control;
}

function realEdge(options: ControlOptions, runtime: Runtime): ControlEdge {
  return {
    channels: new RpcChannels({ clock: runtime.clock, channelsMax: CHANNELS_MAX, tls: options.schedulerTls }),
    facts: (clusterId) => hostFacts(options.host, clusterId, options.bandwidth(), runtime),
  };
}

class GrpcControl implements PeerControl {
  readonly hostId: string;
  readonly cache: GrpcCacheControl;
  readonly #options: ControlOptions;
  readonly #runtime: Runtime;
  readonly #edge: ControlEdge;
  readonly #dynconfig: Dynconfig;
  #links: readonly SchedulerLink[] = [];
  #retired: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  #settings: ClusterSettings = NO_SETTINGS;
  #seedPeerLink: SeedPeerLink | undefined;
  #host: Host;

  constructor(options: ControlOptions, runtime: Runtime, edge: ControlEdge, host: Host) {
    this.#options = options;
    this.#runtime = runtime;
    this.#host = host;
    this.hostId = hostIdOf(options.host);
    this.#edge = edge;
    const pick = (taskId: string) => this.#pick(taskId);
    const reach = (taskId: string, signal: AbortSignal) => this.#reach(taskId, signal);
    this.cache = new GrpcCacheControl({ hostId: this.hostId, runtime, pick, reach, copies: options.heldCopies });
    this.#dynconfig = new Dynconfig(options, runtime, {
      onList: (list) => this.#replaceLinks(list),
      onSettings: (settings) => this.#adopt(settings),
    });
  }

  /** Waits a limited time for the first scheduler. */
  async started(): Promise<void> {
    using limit = this.#runtime.clock.deadline(START_TIMEOUT_MS);
    const late = new Promise<void>((resolve) => limit.signal.addEventListener("abort", () => resolve()));
    const first = this.#dynconfig.first.then(() => Promise.any(this.#links.map((link) => link.firstTry)));
    await Promise.race([first.catch(() => {}), late]);
  }

  managerTrouble(): string | undefined {
    return this.#options.managerAddress === undefined ? undefined : this.#dynconfig.trouble;
  }

  host(): Host {
    return this.#host;
  }

  blockList(): BlockList {
    return this.#settings.blockList;
  }

  /** A seed peer asks in any case: it has been told to bring the content into the swarm. */
  sharesSmall(taskId: string): boolean {
    return this.#options.host.isSeed || this.#pick(taskId)?.isStock !== true;
  }

  isAlone(): boolean {
    return this.#links.length === 0;
  }

  async openSession(taskId: string, peerId: string, signal: AbortSignal): Promise<PeerSession | undefined> {
    const link = await this.#reach(taskId, signal);
    return link === undefined ? undefined : this.#sessionAt(link, taskId, peerId);
  }

  async announceTask(task: HeldTask, signal: AbortSignal): Promise<void> {
    const link = await this.#reach(task.taskId, signal);
    if (link !== undefined) await this.#announceTaskAt(link, task, signal);
  }

  async #announceTaskAt(link: SchedulerLink, task: HeldTask, signal: AbortSignal): Promise<void> {
    await using session = this.#sessionAt(link, task.taskId, this.#newPeerId());
    await session.send({ kind: "register", download: heldDownload(task) }, signal);
    const decision = await session.nextDecision(signal);
    if (decision?.kind !== "metadata_only") {
      throw new DamselflyError("internal", `Cannot tell of task ${task.taskId}: the scheduler answered something else`);
    }
    await session.send({ kind: "started" }, signal);
    await session.send({ kind: "finished" }, signal);
  }

  async taskDeleted(taskId: string, signal: AbortSignal): Promise<void> {
    const link = this.#pick(taskId);
    try {
      await link?.client.deleteTask({ hostId: this.hostId, taskId }, { signal, timeoutMs: DELETE_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DamselflyError) || error.code !== "not_found") throw error;
    }
  }

  async deleteHost(signal: AbortSignal): Promise<void> {
    const usable = this.#links.filter((link) => link.isUsable);
    await Promise.all(usable.map((link) => this.#deleteFrom(link, signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "The peer stops"));
    await this.#dynconfig[Symbol.asyncDispose]();
    const links = this.#links;
    this.#links = [];
    await this.#seedPeerLink?.[Symbol.asyncDispose]();
    await Promise.all(links.map((link) => this.#leave(link)));
    await this.#retired;
    this.#edge.channels[Symbol.dispose]();
  }

  #sessionAt(link: SchedulerLink, taskId: string, peerId: string): PeerSession {
    const ids = { hostId: this.hostId, taskId, peerId };
    return new GrpcSession(ids, STANDARD_DIALECT, this.#runtime.clock, link, () => this.#pick(taskId));
  }

  /**
   * The scheduler of a task, as all hosts see it: one that was down may be back, and whoever did not notice would ask
   * another one, or go to the source alone.
   */
  async #reach(taskId: string, signal: AbortSignal): Promise<SchedulerLink | undefined> {
    await Promise.all(this.#links.map((link) => link.look(signal)));
    return this.#pick(taskId);
  }

  /** The scheduler of a task: of those that are not known to be down, so that only one pull finds out. */
  #pick(taskId: string): SchedulerLink | undefined {
    const usable = this.#links.filter((link) => link.isUsable);
    const ring = new SchedulerRing(usable.map((link) => ({ ...link.scheduler, link })));
    return ring.pick(taskId)?.link;
  }

  /** Obeys new settings; a seed peer registers where they say that it belongs, or where its configuration does. */
  #adopt(settings: ClusterSettings): void {
    this.#settings = settings;
    const { host, managerAddress, managerTls: tls } = this.#options;
    if (managerAddress === undefined || !host.isSeed) return;
    const seedPeerClusterId = this.#seedPeerCluster(settings);
    if (seedPeerClusterId === undefined || this.#seedPeerLink?.seedPeerClusterId === seedPeerClusterId) return;
    const before = this.#seedPeerLink;
    if (before !== undefined) this.#retire([before[Symbol.asyncDispose]()]);
    const channel = { clock: this.#runtime.clock, tls };
    this.#seedPeerLink = new SeedPeerLink({ managerAddress, channel, host, seedPeerClusterId }, this.#runtime);
  }

  /** The manager's word counts, for it knows which seed peers serve the schedulers it names; stock managers say none. */
  #seedPeerCluster({ seedPeerClusterId: told }: ClusterSettings): number | undefined {
    const { log } = this.#runtime;
    const { seedPeerClusterId: written } = this.#options;
    if (told === undefined && written === undefined) {
      log.warn(
        "This seed peer does not register with the manager, which names no seed peer cluster: set seedPeer.clusterID",
      );
    }
    if (told !== undefined && written !== undefined && told !== written) {
      log.warn("The manager names another seed peer cluster than seedPeer.clusterID, and is obeyed", { told, written });
    }
    return told ?? written;
  }

  /** Keeps the links of schedulers that stay, so that nothing is announced twice. */
  #replaceLinks(list: readonly KnownScheduler[]): void {
    const before = this.#links;
    const wanted = new Map(list.map((scheduler) => [addressOf(scheduler), scheduler]));
    const kept = before.filter(({ scheduler }) => wanted.delete(addressOf(scheduler)));
    const gone = before.filter((link) => !kept.includes(link));
    const moved = gone.map((link) => this.#tasksOf(link));
    this.#links = [...kept, ...[...wanted.values()].map((scheduler) => this.#link(scheduler))];
    this.#retire(gone.map((link) => this.#leave(link)));
    for (const tasks of moved) this.#moveTasks(tasks);
  }

  #link(scheduler: KnownScheduler): SchedulerLink {
    const { clock, random, log } = this.#runtime;
    return new SchedulerLink(scheduler, {
      clock,
      random,
      log,
      channels: this.#edge.channels,
      announceIntervalMs: this.#options.announceIntervalMs,
      host: async () => this.#host = await this.#edge.facts(scheduler.clusterId),
      onUp: async (link, signal) => {
        const told = this.#tellHeld(link, this.#options.heldTasks(), signal);
        await Promise.all([this.cache.tellCopies(link, signal), told]);
      },
      onDown: (link) => this.#moveTasks(this.#tasksOf(link)),
    });
  }

  /** Tells a scheduler that came up which of its tasks this host has; it forgets everything when it restarts. */
  #tellHeld(link: SchedulerLink, held: readonly HeldTask[], signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#runtime;
    const parts = {
      ...{ hostId: this.hostId, clock, log },
      holdings: this.#edge.channels.client(HoldingsService, addressOf(link.scheduler)),
      peerId: () => this.#newPeerId(),
      isTasks: (taskId: string) => this.#pick(taskId) === link,
      announceTask: (task: HeldTask) => this.#announceTaskAt(link, task, signal),
    };
    return tellHeld(parts, held, signal);
  }

  /** What this host has of the tasks that a scheduler has, or would have if it were up. */
  #tasksOf(link: SchedulerLink): HeldTask[] {
    const links = this.#links.filter((other) => other === link || other.isUsable);
    const ring = new SchedulerRing(links.map((link) => ({ ...link.scheduler, link })));
    return this.#options.heldTasks().filter(({ taskId }) => ring.pick(taskId)?.link === link);
  }

  /** Tells the schedulers that have these tasks from now on that this host has them, so that nobody fetches them anew. */
  #moveTasks(tasks: readonly HeldTask[]): void {
    if (tasks.length === 0) return;
    const { signal } = this.#stop;
    const telling = this.#links.filter((link) => link.isUsable).map((link) => {
      return this.#tellHeld(link, tasks, signal).catch((error) => {
        if (signal.aborted) return;
        this.#runtime.log.debug("What this host holds could not be told to a scheduler", { error: errorText(error) });
      });
    });
    this.#retire(telling);
  }

  /** The end waits for that too. What it resolves to is dropped, or each time that a scheduler goes would add to it. */
  #retire(works: readonly PromiseLike<void>[]): void {
    this.#retired = Promise.all([this.#retired, ...works]).then(() => {});
  }

  #newPeerId(): string {
    return peerIdOf(this.#options.host, this.#runtime.random.uuid());
  }

  async #deleteFrom(link: SchedulerLink, signal: AbortSignal): Promise<void> {
    await link.client.deleteHost({ hostId: this.hostId }, { signal, timeoutMs: DELETE_TIMEOUT_MS });
  }

  async #leave(link: SchedulerLink): Promise<void> {
    const isUp = link.isUsable;
    await link[Symbol.asyncDispose]();
    if (!isUp) return;
    const signal = new AbortController().signal;
    try {
      await this.#deleteFrom(link, signal);
    } catch (error) {
      this.#runtime.log.debug("A scheduler was not told that this host is gone", { error: errorText(error) });
    }
    this.#edge.channels.close(addressOf(link.scheduler));
  }
}
