import { RegistryAccess } from "../../oci/registry_access.ts";
import { Health } from "../../rpc/health.ts";
import type { Disk } from "../../runtime/disk.ts";
import { Answers } from "../../scheduler/answers.ts";
import { emptyCacheState } from "../../scheduler/cache/state.ts";
import { CacheScheduling } from "../../scheduler/cache_service.ts";
import type { Settings } from "../../scheduler/core/settings.ts";
import { emptyState, type State } from "../../scheduler/core/state.ts";
import { holdingsService } from "../../scheduler/holdings_service.ts";
import { HostsFile } from "../../scheduler/hosts_file.ts";
import { HostCalls } from "../../scheduler/jobs/host_calls.ts";
import { Jobs } from "../../scheduler/jobs/jobs.ts";
import { Replicator } from "../../scheduler/replicator.ts";
import { SchedulerMetrics } from "../../scheduler/scheduler_metrics.ts";
import { SeedTrigger } from "../../scheduler/seed_trigger.ts";
import { Scheduling } from "../../scheduler/service.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { NO_METRICS } from "./quiet.ts";
import type { SimNet, SimNode } from "./sim_net.ts";

const TICK_MS = 200;
const PORT = 8002;
const CLUSTER_ID = 1;
const HOUR_MS = 3_600_000;

/** A scheduler of a simulated cluster: all of the real one behind its gRPC server. It can die and come back. */
export class SimScheduler implements AsyncDisposable {
  readonly node: SimNode;
  readonly #net: SimNet;
  readonly #runtime: Runtime;
  readonly #settings: Settings;
  readonly #disk: Disk;
  #running: { readonly scheduling: Scheduling; readonly stack: AsyncDisposableStack } | undefined;

  /** Its hosts are remembered on the disk of `runtime` over a restart. */
  constructor(net: SimNet, node: SimNode, runtime: Runtime, settings: Settings) {
    this.node = node;
    this.#net = net;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#disk = runtime.disk;
  }

  /** `ip:port`, as peers know it. */
  get address(): { readonly hostname: string; readonly port: number } {
    return { hostname: this.node.ip, port: PORT };
  }

  /** What it knows now; undefined while it is dead. */
  get state(): State | undefined {
    return this.#running?.scheduling.loop.state;
  }

  async start(): Promise<void> {
    const { clock, log } = this.#runtime;
    const metrics = new SchedulerMetrics(NO_METRICS);
    const stack = new AsyncDisposableStack();
    this.node.state = "up";
    const channels = this.#net.rpc.channels(this.node.ip);
    const trigger = stack.use(new SeedTrigger(clock, { timeoutMs: HOUR_MS, channels }));
    const state = emptyState(this.#settings, clock.now());
    const answers = new Answers(CLUSTER_ID, clock);
    await this.#disk.mkdirAll("/hosts");
    const { file, hosts } = await HostsFile.open("/hosts/hosts.json", {
      ...{ disk: this.#disk, clock, log, known: state.hosts },
    });
    stack.use(file);
    const replicator = stack.use(new Replicator(clock));
    const cacheState = emptyCacheState(this.#settings, clock.now());
    const cache = new CacheScheduling({ state: cacheState, answers, replicator, metrics, runtime: this.#runtime });
    const calls = stack.use(new HostCalls(clock, {}));
    const access = { runtime: this.#runtime, allowed: [], key: "preheat.allowedRegistries", isOnLoopback: false };
    const registries = stack.use(new RegistryAccess(access));
    const jobs = new Jobs({ calls, hosts: () => [], registries, runtime: this.#runtime });
    const onAnnounced = (request: Parameters<HostsFile["note"]>[0]) => file.note(request);
    const parts = { state, answers, trigger, cache, jobs, metrics, runtime: this.#runtime, onAnnounced };
    const scheduling = new Scheduling(parts);
    for (const host of hosts) scheduling.restore(host);
    const holdings = holdingsService({ loop: scheduling.loop, metrics, clock });
    const health = new Health();
    health.setServing(holdings.name, true);
    const services = [scheduling.service(), holdings, health.service()];
    stack.use(this.#net.rpc.serve(`${this.node.ip}:${PORT}`, services));
    stack.use(clock.every(TICK_MS, () => scheduling.tick()));
    this.#running = { scheduling, stack };
  }

  /** Dies in the middle of everything; what it knew but for its hosts is gone. */
  async crash(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#net.crash(this.node);
    running?.scheduling.stop();
    await running?.stack.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
  }
}
