import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { DamselflyError, errorText } from "../../core/error.ts";
import { checkHealth, createRpcClient } from "../../rpc/client.ts";
import { ManagerService, SourceType } from "../../rpc/gen/manager/v2/manager.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { TlsFiles } from "../../runtime/tls_files.ts";
import type { HostOptions } from "./host_facts.ts";
import { type ClusterSettings, parseClusterSettings } from "./cluster_settings.ts";
import {
  addressOf,
  chooseCluster,
  isSameList,
  type KnownCluster,
  type KnownScheduler,
  loadList,
  saveList,
} from "./scheduler_list.ts";

const LIST_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 3_000;
/** For the names in the local dynconfig file; the system's resolver may take far longer. */
const LOOKUP_TIMEOUT_MS = 3_000;
const RETRY_PAUSE_MS_MIN = 1_000;
const CHECKED_SCHEDULERS_MAX = 64;

/** Where the list of schedulers comes from. */
export interface DynconfigOptions {
  readonly host: HostOptions;
  /** `host:port` of the manager's gRPC server. */
  readonly managerAddress?: string | undefined;
  /** What the connection to the manager is protected with. */
  readonly managerTls?: TlsFiles | undefined;
  /** What connections to schedulers are protected with. */
  readonly schedulerTls?: TlsFiles | undefined;
  /** Schedulers named by the local dynconfig file; they are all there is when there is no manager. */
  readonly localSchedulers?: readonly { readonly hostname: string; readonly port: number }[];
  /** What the local dynconfig file says besides. */
  readonly localSettings?: ClusterSettings;
  /** A cluster to join whatever the manager thinks; 0 lets it choose. */
  readonly schedulerClusterId: number;
  /** The file that keeps the last good list. */
  readonly listPath: string;
  readonly refreshIntervalMs: number;
}

/** What is told of each change. */
export interface DynconfigListener {
  onList(list: readonly KnownScheduler[]): void;
  onSettings(settings: ClusterSettings): void;
}

/** Finds the schedulers of this host and the settings of their cluster, and keeps on finding them. */
export class Dynconfig implements AsyncDisposable {
  readonly #options: DynconfigOptions;
  readonly #runtime: Runtime;
  readonly #listener: DynconfigListener;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #known: KnownCluster = { schedulers: [], config: "" };
  /** Why the manager could not be asked the last time; undefined when it could. */
  trouble: string | undefined;
  /** The settings that were told of; none before the first, which may be empty. */
  #told: string | undefined;
  /** What the names in the local dynconfig file stood for last. */
  readonly #addresses = new Map<string, readonly string[]>();

  constructor(options: DynconfigOptions, runtime: Runtime, listener: DynconfigListener) {
    this.#options = options;
    this.#runtime = runtime;
    this.#listener = listener;
    if (options.localSettings !== undefined) listener.onSettings(options.localSettings);
    this.#running = this.#run();
  }

  /** Resolves after the first look, whatever came of it. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "The list of schedulers is no longer kept"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, disk, log } = this.#runtime;
    const { listPath, refreshIntervalMs, managerAddress } = this.#options;
    const signal = this.#stop.signal;
    if (managerAddress !== undefined) this.#adopt(await loadList(disk, listPath, log));
    let pauseMs = RETRY_PAUSE_MS_MIN;
    while (!signal.aborted) {
      const isGood = await this.#refresh(signal);
      this.#first.resolve();
      const waitMs = isGood ? refreshIntervalMs : Math.min(pauseMs, refreshIntervalMs);
      pauseMs = isGood ? RETRY_PAUSE_MS_MIN : pauseMs * 2;
      await clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  async #refresh(signal: AbortSignal): Promise<boolean> {
    const { log, disk } = this.#runtime;
    try {
      const found = await this.#find(signal);
      this.trouble = undefined;
      if (found.schedulers.length === 0) return false;
      if (this.#adopt(found) && this.#options.managerAddress !== undefined) {
        await saveList(disk, this.#options.listPath, this.#known, log);
      }
      return true;
    } catch (error) {
      if (!signal.aborted) {
        this.trouble = errorText(error);
        log.warn("The list of schedulers could not be refreshed; the last good one stays", { error: errorText(error) });
      }
      return false;
    }
  }

  #find(signal: AbortSignal): Promise<KnownCluster> {
    const { managerAddress } = this.#options;
    return managerAddress === undefined ? this.#findLocal(signal) : this.#findByManager(managerAddress, signal);
  }

  /** The IP addresses behind the names of the local dynconfig file (wire.md §2.2). */
  async #findLocal(signal: AbortSignal): Promise<KnownCluster> {
    const { clock, log } = this.#runtime;
    const named = this.#options.localSchedulers ?? [];
    using limit = clock.deadline(LOOKUP_TIMEOUT_MS);
    const either = AbortSignal.any([signal, limit.signal]);
    const lists = await Promise.all(named.map(async ({ hostname, port }) => {
      try {
        this.#addresses.set(hostname, await addressesOf(hostname, either));
      } catch (error) {
        signal.throwIfAborted();
        log.warn("The name of a scheduler has no address; the last one stays", { hostname, error: errorText(error) });
      }
      const clusterId = this.#options.schedulerClusterId;
      return (this.#addresses.get(hostname) ?? []).map((ip) => ({ ip, port, clusterId }));
    }));
    return { schedulers: lists.flat(), config: "" };
  }

  async #findByManager(managerAddress: string, signal: AbortSignal): Promise<KnownCluster> {
    const { clock, log } = this.#runtime;
    const { host, managerTls } = this.#options;
    using manager = createRpcClient(ManagerService, managerAddress, { clock, tls: managerTls });
    const { schedulers } = await manager.listSchedulers({
      sourceType: host.isSeed ? SourceType.SEED_PEER_SOURCE : SourceType.PEER_SOURCE,
      hostname: host.hostname,
      ip: host.ip,
      idc: host.idc,
      location: host.location,
      version: host.version,
      commit: "",
      schedulerClusterId: this.#options.schedulerClusterId,
    }, { signal, timeoutMs: LIST_TIMEOUT_MS });
    const listed = schedulers.filter(({ ip }) => isIP(ip) !== 0).slice(0, CHECKED_SCHEDULERS_MAX)
      .map(({ ip, port, schedulerClusterId }) => ({ ip, port, clusterId: schedulerClusterId }));
    const isHealthy = await Promise.all(listed.map((scheduler) => this.#isHealthy(scheduler, signal)));
    const chosen = chooseCluster(listed, isHealthy);
    if (chosen.length === 0) log.warn("No scheduler is healthy", { listed: listed.length });
    const of = schedulers.find(({ schedulerClusterId }) => schedulerClusterId === chosen[0]?.clusterId);
    const config = host.isSeed ? of?.schedulerCluster?.seedClientConfig : of?.schedulerCluster?.clientConfig;
    return { schedulers: chosen, config: new TextDecoder().decode(config) };
  }

  async #isHealthy(scheduler: KnownScheduler, signal: AbortSignal): Promise<boolean> {
    try {
      const { schedulerTls: tls } = this.#options;
      const options = { signal, timeoutMs: HEALTH_TIMEOUT_MS, clock: this.#runtime.clock, tls };
      return await checkHealth(addressOf(scheduler), options);
    } catch {
      return false;
    }
  }

  /** Takes over what was found; whether anything is other than before. */
  #adopt(found: KnownCluster): boolean {
    if (found.schedulers.length === 0) return false;
    const before = this.#known;
    const isSame = isSameList(found.schedulers, before.schedulers);
    const config = this.#adoptConfig(found.config);
    this.#known = { schedulers: isSame ? before.schedulers : found.schedulers, config };
    if (!isSame) this.#listener.onList(found.schedulers);
    return !isSame || config !== before.config;
  }

  /** Settings that cannot be read leave the last ones in force, for they may refuse something. */
  #adoptConfig(config: string): string {
    if (config === this.#told || this.#options.managerAddress === undefined) return this.#known.config;
    try {
      this.#listener.onSettings(parseClusterSettings(config));
      this.#told = config;
      return config;
    } catch (error) {
      this.#runtime.log.error("The settings of the cluster cannot be read; the last ones stay", {
        error: errorText(error),
      });
      return this.#known.config;
    }
  }
}

/** What a name stands for; an address stands for itself. */
async function addressesOf(hostname: string, signal: AbortSignal): Promise<string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  const addresses = await orAbort(lookup(hostname, { all: true }), signal);
  return addresses.map(({ address }) => address);
}
