import { DamselflyError } from "../../core/error.ts";
import type { Host } from "../../rpc/gen/common/v2/common.ts";
import type { PeerInput } from "../store/peers.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { hostTypeName } from "../../core/host_type.ts";
import type { LiveSchedulers } from "./live_schedulers.ts";
import { type SchedulerCalls, withAny } from "./scheduler_calls.ts";

/** What {@link PeerSync} works with. */
export interface PeerSyncOptions {
  readonly store: Store;
  readonly calls: Pick<SchedulerCalls, "hosts">;
}

/** Makes the peers in the store those that schedulers know. */
export class PeerSync {
  readonly #options: PeerSyncOptions;
  #isRunning = false;

  constructor(options: PeerSyncOptions) {
    this.#options = options;
  }

  /**
   * Does it for each cluster, by one of its schedulers. Throws `failed_precondition` while that is done already, and in the
   * end what the first cluster failed with.
   */
  async run(clusters: LiveSchedulers, signal: AbortSignal): Promise<void> {
    if (this.#isRunning) throw new DamselflyError("failed_precondition", "Peers are being synchronized already");
    this.#isRunning = true;
    const failures: unknown[] = [];
    try {
      for (const [id, schedulers] of clusters) {
        await this.#sync(id, schedulers, signal).catch((error) => failures.push(error));
      }
    } finally {
      this.#isRunning = false;
    }
    if (failures.length > 0) throw failures[0];
  }

  async #sync(clusterId: number, schedulers: readonly SchedulerRecord[], signal: AbortSignal): Promise<void> {
    const { store, calls } = this.#options;
    await withAny(schedulers, async (scheduler) => {
      signal.throwIfAborted();
      await store.peers.replace(clusterId, peersOf(clusterId, await calls.hosts(scheduler, signal)));
    });
  }
}

/** The peers of a cluster by what its scheduler says; one for each host name and address. */
function peersOf(clusterId: number, hosts: readonly Host[]): PeerInput[] {
  const peers = hosts.map((host) => peerOf(clusterId, host));
  return [...new Map(peers.map((peer) => [`${peer.hostname} ${peer.ip}`, peer])).values()];
}

function peerOf(clusterId: number, host: Host): PeerInput {
  const { hostname, ip, type, port, downloadPort, proxyPort, network, build } = host;
  const { os, platform, platformFamily, platformVersion, kernelVersion } = host;
  return {
    ...{ clusterId, hostname, ip, type: hostTypeName(type), port, downloadPort, proxyPort, objectStoragePort: 0 },
    ...{ idc: network?.idc ?? "", location: network?.location ?? "", state: "active" as const },
    ...{ os, platform, platformFamily, platformVersion, kernelVersion },
    ...{ gitVersion: build?.gitVersion ?? "", gitCommit: build?.gitCommit ?? "" },
    buildPlatform: build?.platform ?? "",
  };
}
