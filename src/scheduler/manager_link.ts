import { formatHostPort, type HostPort } from "../config/addresses.ts";
import { DamselflyError, errorText, isCancelled } from "../core/error.ts";
import { createRpcClient, type RpcClient } from "../rpc/client.ts";
import { type Application, ManagerService, SourceType } from "../rpc/gen/manager/v2/manager.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import type { Settings } from "./core/settings.ts";
import { applicationsFromManager, limitsFromManager } from "./manager_settings.ts";

/** How long a call to the manager may take. */
const CALL_TIMEOUT_MS = 10_000;

/** What the link tells the manager, and how often. */
export interface ManagerLinkOptions {
  readonly manager: HostPort;
  /** What the connection is protected with. */
  readonly tls?: TlsFiles | undefined;
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
  readonly idc: string | undefined;
  readonly location: string | undefined;
  readonly clusterId: number;
  readonly keepAliveIntervalMs: number;
  readonly refreshIntervalMs: number;
  /** Whether a stock manager can give it preheats, through Redis. */
  readonly takesQueuedJobs: boolean;
  /** The settings when the manager says nothing. */
  readonly settings: Settings;
  readonly onSettings: (settings: Settings) => void;
  readonly runtime: Runtime;
}

/**
 * The link to the manager: registers this scheduler, says that it is alive, and fetches its settings. It works in the
 * background and tries for ever: without a manager the scheduler serves with what it knows. Disposing it ends it; the
 * manager then takes the scheduler for inactive at once.
 */
export function startManagerLink(options: ManagerLinkOptions): AsyncDisposable {
  const stop = new AbortController();
  const { clock } = options.runtime;
  const client = createRpcClient(ManagerService, formatHostPort(options.manager), { clock, tls: options.tls });
  const link = new ManagerLink(options, client, stop.signal);
  const running = link.run();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new DamselflyError("cancelled", "The scheduler stops"));
      await running;
      client[Symbol.dispose]();
    },
  };
}

class ManagerLink {
  readonly #options: ManagerLinkOptions;
  readonly #client: RpcClient<typeof ManagerService>;
  readonly #signal: AbortSignal;
  /** What is down, so that an outage is one line in the log and not one for each attempt. */
  readonly #down = new Set<string>();
  /** The call for settings that runs. */
  #refreshing: Promise<void> | undefined;

  constructor(options: ManagerLinkOptions, client: RpcClient<typeof ManagerService>, signal: AbortSignal) {
    this.#options = options;
    this.#client = client;
    this.#signal = signal;
  }

  /** Registers and stays in touch, again and again until the link stops. */
  async run(): Promise<void> {
    const { keepAliveIntervalMs, runtime: { clock } } = this.#options;
    while (!this.#signal.aborted) {
      await this.#attempt("registration", async () => {
        await this.#register();
        this.#isUp("registration");
        await this.#stayInTouch();
      });
      await clock.sleep(keepAliveIntervalMs, this.#signal).catch(() => undefined);
    }
    await this.#refreshing;
  }

  async #attempt(what: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
      this.#isUp(what);
    } catch (error) {
      if (this.#signal.aborted || this.#down.has(what)) return;
      this.#down.add(what);
      this.#options.runtime.log.warn("The manager does not answer; trying on", { what, error: errorText(error) });
    }
  }

  #isUp(what: string): void {
    if (this.#down.delete(what)) this.#options.runtime.log.info("The manager answers again", { what });
  }

  async #register(): Promise<void> {
    const { hostname, ip, port, idc, location, clusterId, keepAliveIntervalMs, takesQueuedJobs } = this.#options;
    await this.#client.updateScheduler({
      sourceType: SourceType.SCHEDULER_SOURCE,
      hostname,
      ip,
      port,
      idc,
      location,
      schedulerClusterId: clusterId,
      // Without the first a stock manager hides it from peers, and without the second it gives it no jobs (wire.md §8).
      features: ["schedule", ...(takesQueuedJobs ? ["preheat"] : [])],
      // Go reads a duration as nanoseconds (wire.md §5.5).
      config: Buffer.from(JSON.stringify({ manager_keep_alive_interval: keepAliveIntervalMs * 1e6 })),
    }, this.#limit());
    this.#options.runtime.log.info("Registered with the manager", { hostname, ip, port, clusterId });
  }

  /**
   * Sends signs of life, the first at once, so that peers are sent here without delay; and fetches the settings when
   * they are due, beside that: a slow answer must not make this scheduler look dead. Ends when the stream breaks, as
   * it does when the manager has forgotten this scheduler, or when the link stops.
   */
  async #stayInTouch(): Promise<void> {
    const { hostname, ip, clusterId, keepAliveIntervalMs, refreshIntervalMs, runtime: { clock } } = this.#options;
    const stream = this.#client.keepAlive({ signal: this.#signal });
    let refreshAtMs = clock.now();
    try {
      while (true) {
        await stream.send({ sourceType: SourceType.SCHEDULER_SOURCE, hostname, ip, clusterId });
        if (clock.now() >= refreshAtMs && this.#refreshing === undefined) {
          this.#refreshing = this.#attempt("settings", () => this.#refresh())
            .finally(() => this.#refreshing = undefined);
          refreshAtMs = clock.now() + refreshIntervalMs;
        }
        await clock.sleep(keepAliveIntervalMs, this.#signal);
      }
    } finally {
      stream.cancel();
    }
  }

  async #refresh(): Promise<void> {
    const { hostname, ip, clusterId, settings, onSettings, runtime: { log } } = this.#options;
    const sourceType = SourceType.SCHEDULER_SOURCE;
    const request = { sourceType, hostname, ip, schedulerClusterId: clusterId };
    const scheduler = await this.#client.getScheduler(request, this.#limit());
    const applications = await this.#applications({ sourceType, hostname, ip });
    onSettings({
      ...limitsFromManager(settings, scheduler, log),
      applications: applicationsFromManager(applications, log),
    });
  }

  /** No applications is `not_found`, and older managers do not know the call (wire.md §5.6). */
  async #applications(request: { sourceType: SourceType; hostname: string; ip: string }): Promise<Application[]> {
    try {
      return (await this.#client.listApplications(request, this.#limit())).applications;
    } catch (error) {
      const isNone = error instanceof DamselflyError && ["not_found", "unimplemented"].includes(error.code);
      if (isNone && !isCancelled(error)) return [];
      throw error;
    }
  }

  #limit() {
    return { signal: this.#signal, timeoutMs: CALL_TIMEOUT_MS };
  }
}
