import { DamselflyError, toDamselflyError } from "../core/error.ts";
import type { RpcClient } from "../rpc/client.ts";
import type { Host } from "../rpc/gen/common/v2/common.ts";
import type { DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Replication } from "./cache/replicate.ts";
import { HostChannels, type HostTls } from "./host_channels.ts";

/** Hosts that are talked to at a time. */
const CHANNELS_MAX = 200;
/** Replicas that are being made at a time. */
const RUNNING_MAX = 64;
const CONNECT_TIMEOUT_MS = 1_500;
/** The longest copy of a file from host to host. */
const DOWNLOAD_TIMEOUT_MS = 2 * 60 * 60 * 1000;
const CALL_TIMEOUT_MS = 5_000;

/** Asks hosts to keep, get or give up copies of the persistent cache (wire.md §4.11). */
export class Replicator implements AsyncDisposable {
  readonly #channels: HostChannels;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(clock: Clock, tls: HostTls = {}) {
    const limits = { channelsMax: CHANNELS_MAX, connectTimeoutMs: CONNECT_TIMEOUT_MS };
    this.#channels = new HostChannels({ clock, ...limits, ...tls });
  }

  /** How many more replicas may be made now. */
  get room(): number {
    return RUNNING_MAX - this.#running.size;
  }

  /** Makes `host` a replica. `onEnd` is called once, later, but not when this is disposed before. */
  start({ kind, task: { facts } }: Replication, host: Host, onEnd: (error: DamselflyError | undefined) => void): void {
    const { id: taskId, tag, application } = facts;
    const run = this.#call(host, async (client, signal) => {
      if (kind === "persist") {
        await client.updatePersistentCacheTask({ taskId, persistent: true }, { signal, timeoutMs: CALL_TIMEOUT_MS });
        return;
      }
      const wanted = { taskId, persistent: true, tag, application };
      const request = { ...wanted, needPieceContent: false, forceHardLink: false, overwrite: false };
      const options = { signal, timeoutMs: DOWNLOAD_TIMEOUT_MS };
      for await (const _ of client.downloadPersistentCacheTask(request, options));
    }).then((error) => {
      this.#running.delete(run);
      if (!this.#stop.signal.aborted) onEnd(error);
    });
    this.#running.add(run);
  }

  /** Makes `host` delete its copy; gives the error that kept it from that. */
  async deleteCopy(host: Host, taskId: string): Promise<DamselflyError | undefined> {
    return await this.#call(host, async (client, signal) => {
      await client.deletePersistentCacheTask({ taskId }, { signal, timeoutMs: CALL_TIMEOUT_MS });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "The scheduler stops"));
    await Promise.all(this.#running);
    this.#channels[Symbol.dispose]();
  }

  async #call(
    host: Host,
    run: (client: RpcClient<typeof DfdaemonUploadService>, signal: AbortSignal) => Promise<void>,
  ): Promise<DamselflyError | undefined> {
    try {
      await run(this.#channels.client(host), this.#stop.signal);
      return undefined;
    } catch (error) {
      return toDamselflyError(error, "internal", `Cannot ask host ${host.id}`);
    }
  }
}
