import { inParallel } from "../../core/in_parallel.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { Random } from "../../runtime/random.ts";
import { isLive } from "../store/liveness.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import type { WarmImage } from "../store/warm_images.ts";
import { type SchedulerCalls, withAny } from "../jobs/scheduler_calls.ts";
import type { Arrivals } from "./arrivals.ts";
import { BatchRunner, type BatchRunnerOptions } from "./batch_runner.ts";
import { type Batch, type HostName, planHosts } from "./host_plan.ts";
import { hostKey } from "./job_outcome.ts";
import { Rounds } from "./rounds.ts";

const ROUND_INTERVAL_MS = 5_000;
/** How often a scheduler is asked for its hosts where nobody arrives. */
const LIST_INTERVAL_MS = 60_000;
/** For so long after an arrival it is asked each round: peers ask the manager before the scheduler knows them. */
const ARRIVAL_MS = 15_000;
/** Batches of one cluster at a time. */
const BATCHES_AT_ONCE = 4;
const CLUSTERS_AT_ONCE = 8;
/** Warm images that hosts are brought to; there are no more (see `WARM_IMAGES_MAX` of the API). */
const IMAGES_MAX = 1_000;

/** What {@link WarmHosts} work with. */
export interface WarmHostsOptions extends Omit<BatchRunnerOptions, "hosts"> {
  readonly store: Pick<Store, "warmImages" | "warmHosts" | "schedulers" | "jobs">;
  readonly calls: Pick<SchedulerCalls, "hosts">;
  readonly arrivals: Pick<Arrivals, "lastAtMs">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What is known of a cluster whose hosts are kept warm. */
interface ClusterState {
  /** On the monotonic clock. */
  listedAtMs: number;
  /** Whether there were more hosts than batches. */
  hasMore: boolean;
  /** Who was there, and what was declared, when nobody lacked anything. */
  settled: { readonly hosts: ReadonlySet<string>; readonly declaredAtMs: number } | undefined;
  readonly batches: Set<Promise<void>>;
}

/**
 * Brings hosts that join a cluster to its warm images: some batches of some hosts at a time, however many join, so that
 * seed peers are not overrun. Several managers may share a store.
 */
export class WarmHosts implements AsyncDisposable {
  readonly #options: WarmHostsOptions;
  readonly #runner: BatchRunner;
  readonly #rounds: Rounds;
  readonly #clusters = new Map<number, ClusterState>();

  constructor(options: WarmHostsOptions) {
    this.#options = options;
    this.#runner = new BatchRunner({ ...options, hosts: options.store.warmHosts });
    this.#rounds = new Rounds(options.clock, ROUND_INTERVAL_MS, () => this.#lookAtAll());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rounds[Symbol.asyncDispose]();
    await Promise.all([...this.#clusters.values()].flatMap(({ batches }) => [...batches]));
  }

  async #lookAtAll(): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const page = { offset: 0, limit: IMAGES_MAX };
      const { rows } = await store.warmImages.list({ onJoin: true, isPaused: false }, page);
      const live = rows.length === 0 ? [] : await this.#live();
      for (const [id, { batches }] of this.#clusters) {
        if (batches.size === 0 && !live.some(([of]) => of === id)) this.#clusters.delete(id);
      }
      const due = live.filter(([id]) => this.#isDue(this.#stateOf(id), clock.now()));
      for await (const _ of inParallel(due, CLUSTERS_AT_ONCE, ([id, of]) => this.#lookAt(id, of, rows)));
    } catch (error) {
      if (!this.#rounds.signal.aborted) log.error("Hosts that joined could not be looked for", { error });
    }
  }

  /** The live schedulers of each cluster. */
  async #live(): Promise<[number, SchedulerRecord[]][]> {
    const { store, clock } = this.#options;
    const now = clock.wallMs();
    const live = (await store.schedulers.all()).filter((scheduler) => isLive(scheduler, now));
    return [...Map.groupBy(live, ({ clusterId }) => clusterId)];
  }

  #stateOf(clusterId: number): ClusterState {
    const fresh = { listedAtMs: -Infinity, hasMore: false, settled: undefined, batches: new Set<Promise<void>>() };
    const state = this.#clusters.get(clusterId) ?? fresh;
    this.#clusters.set(clusterId, state);
    return state;
  }

  #isDue({ listedAtMs, hasMore, batches }: ClusterState, now: number): boolean {
    if (batches.size >= BATCHES_AT_ONCE) return false;
    return hasMore || now - listedAtMs >= LIST_INTERVAL_MS || listedAtMs < this.#options.arrivals.lastAtMs + ARRIVAL_MS;
  }

  async #lookAt(
    clusterId: number,
    schedulers: readonly SchedulerRecord[],
    images: readonly WarmImage[],
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    const mine = images.filter(({ schedulerClusterIds: ids }) => ids.length === 0 || ids.includes(clusterId));
    if (mine.length === 0) return;
    const state = this.#stateOf(clusterId);
    state.listedAtMs = clock.now();
    const declaredAtMs = Math.max(...mine.map((image) => image.declaredAtMs));
    const batchesMax = BATCHES_AT_ONCE - state.batches.size;
    try {
      const present = await this.#present(schedulers);
      if (isSettled(state, present, declaredAtMs)) return;
      const nowMs = clock.wallMs();
      const plan = await store.warmHosts.change(clusterId, (known) => {
        return planHosts({ clusterId, known, present, declaredAtMs, nowMs, batchesMax });
      });
      const { batches } = plan;
      state.hasMore = batches.length === batchesMax;
      state.settled = plan.isSettled ? { hosts: new Set(present.map(hostKey)), declaredAtMs } : undefined;
      for (const batch of batches) this.#begin(clusterId, state, batch, mine, declaredAtMs);
    } catch (error) {
      if (!this.#rounds.signal.aborted) log.warn("The hosts of a cluster are not known now", { clusterId, error });
    }
  }

  /** The hosts that a scheduler of a cluster knows, without seed peers, which preheats bring to it anyway. */
  async #present(schedulers: readonly SchedulerRecord[]): Promise<HostName[]> {
    const found: HostName[] = [];
    await withAny(schedulers, async (scheduler) => {
      const hosts = await this.#options.calls.hosts(scheduler, this.#rounds.signal);
      found.push(...hosts.filter(({ type }) => type === 0));
    });
    return found.map(({ hostname, ip }) => ({ hostname, ip }));
  }

  #begin(
    clusterId: number,
    state: ClusterState,
    batch: Batch,
    images: readonly WarmImage[],
    declaredAtMs: number,
  ): void {
    const { log } = this.#options;
    const run = this.#runner.run({ clusterId, batch, images, declaredAtMs }, this.#rounds.signal)
      .catch((error) => {
        log.error("Hosts that joined could not be brought to the warm images", { clusterId, error });
      })
      .finally(() => state.batches.delete(run));
    state.batches.add(run);
  }
}

/** Whether nothing has changed since nobody lacked anything: then the rows of thousands of hosts need not be read. */
function isSettled({ settled }: ClusterState, present: readonly HostName[], declaredAtMs: number): boolean {
  if (settled === undefined || settled.declaredAtMs < declaredAtMs) return false;
  return settled.hosts.size === present.length && present.every((host) => settled.hosts.has(hostKey(host)));
}
