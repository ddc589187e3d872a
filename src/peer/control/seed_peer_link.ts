import { DamselflyError, errorText } from "../../core/error.ts";
import { createRpcClient, type RpcClient } from "../../rpc/client.ts";
import { ManagerService, SourceType } from "../../rpc/gen/manager/v2/manager.ts";
import type { RpcChannelOptions } from "../../rpc/channel.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { HostOptions } from "./host_facts.ts";

/** How long a call to the manager may take. */
const CALL_TIMEOUT_MS = 10_000;
/** Between two signs of life, and between two attempts to register; what the manager takes a seed peer to promise. */
const KEEP_ALIVE_INTERVAL_MS = 5_000;

/** What the manager is told. */
export interface SeedPeerLinkOptions {
  readonly managerAddress: string;
  readonly channel: RpcChannelOptions;
  readonly host: HostOptions;
  readonly seedPeerClusterId: number;
}

/**
 * Makes this seed peer known to the manager, which tells its schedulers of it and shows it to people, and says that it
 * is alive. It works in the background and tries for ever. Disposing it ends it; the manager then takes the seed peer
 * for inactive at once.
 */
export class SeedPeerLink implements AsyncDisposable {
  readonly seedPeerClusterId: number;
  readonly #options: SeedPeerLinkOptions;
  readonly #runtime: Runtime;
  readonly #client: RpcClient<typeof ManagerService> & Disposable;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Whether the last attempt failed, so that an outage is one line in the log. */
  #isDown = false;

  constructor(options: SeedPeerLinkOptions, runtime: Runtime) {
    this.seedPeerClusterId = options.seedPeerClusterId;
    this.#options = options;
    this.#runtime = runtime;
    this.#client = createRpcClient(ManagerService, options.managerAddress, options.channel);
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "The seed peer stops"));
    await this.#running;
    this.#client[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#runtime;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#register();
        await this.#stayAlive();
      } catch (error) {
        if (!signal.aborted && !this.#isDown) {
          log.warn("The manager does not take this seed peer; trying on", { error: errorText(error) });
        }
        this.#isDown = true;
      }
      await clock.sleep(KEEP_ALIVE_INTERVAL_MS, signal).catch(() => {});
    }
  }

  async #register(): Promise<void> {
    const { host, seedPeerClusterId } = this.#options;
    const { hostname, ip, uploadPort, idc, location } = host;
    await this.#client.updateSeedPeer({
      sourceType: SourceType.SEED_PEER_SOURCE,
      ...{ hostname, ip, idc, location, seedPeerClusterId },
      type: "super",
      port: uploadPort,
      downloadPort: uploadPort,
    }, { signal: this.#stop.signal, timeoutMs: CALL_TIMEOUT_MS });
    this.#isDown = false;
    this.#runtime.log.info("Registered as a seed peer with the manager", { seedPeerClusterId });
  }

  /** Ends when the stream breaks, as it does when the manager has forgotten this seed peer, or when the link stops. */
  async #stayAlive(): Promise<void> {
    const { hostname, ip } = this.#options.host;
    const { signal } = this.#stop;
    const stream = this.#client.keepAlive({ signal });
    try {
      while (true) {
        const clusterId = this.seedPeerClusterId;
        await stream.send({ sourceType: SourceType.SEED_PEER_SOURCE, hostname, ip, clusterId });
        await this.#runtime.clock.sleep(KEEP_ALIVE_INTERVAL_MS, signal);
      }
    } finally {
      stream.cancel();
    }
  }
}
