import { DamselflyError, type ErrorCode, toDamselflyError } from "../core/error.ts";
import { formatHostPort } from "../config/addresses.ts";
import { type Channels, RpcChannels } from "../rpc/client.ts";
import type { Download, Host } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { BUILD_PLATFORM } from "../core/version.ts";
import type { Clock } from "../runtime/clock.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";

/** Seed peers that are in use at a time. */
const CHANNELS_MAX = 100;
/** Tasks that seed peers fetch for us at a time; more are left to the peers themselves. */
const TRIGGERS_MAX = 1_000;
/** How long a connection to a seed peer may take: peers wait meanwhile. */
const CONNECT_TIMEOUT_MS = 1_500;

/** Failures of the seed peer rather than of the task: another one may do better. */
const SEED_AT_FAULT: ReadonlySet<ErrorCode> = new Set([
  "unavailable",
  "cancelled",
  "timeout",
  "resource_exhausted",
  "unimplemented",
]);

/** Origins that a seed peer is told of for one task, besides the first. */
const OFFERS_MAX = 3;

/** How a triggered download ended. */
export type TriggerEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly error: DamselflyError; readonly atSource: boolean }
  | { readonly kind: "stopped" };

/** How seed peers are asked. */
export interface SeedTriggerOptions {
  /** The longest download of a seed peer. */
  readonly timeoutMs: number;
  /** What connections to seed peers are protected with. */
  readonly tls?: TlsFiles | undefined;
  /** The way to seed peers, when it is not over the network. */
  readonly channels?: Channels;
}

/** Asks seed peers to fetch tasks (`DfdaemonUpload.DownloadTask`), and reads what they say about it. */
export class SeedTrigger implements AsyncDisposable {
  readonly #timeoutMs: number;
  readonly #channels: Channels;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** By task: what is being fetched, and the origins that its seed peer knows. */
  readonly #fetching = new Map<string, { readonly host: Host; readonly origins: Set<string> }>();

  constructor(clock: Clock, { timeoutMs, tls, channels }: SeedTriggerOptions) {
    this.#timeoutMs = timeoutMs;
    const limits = { channelsMax: CHANNELS_MAX, connectTimeoutMs: CONNECT_TIMEOUT_MS };
    this.#channels = channels ?? new RpcChannels({ clock, tls, ...limits });
  }

  /**
   * Asks `host` for the content of `download`, which goes along as the peer sent it, but for what makes a seed peer of
   * the receiver: it shall go to the source, even for a peer that may not, and keep the content to itself. `onEnd` is
   * called once, later.
   */
  start(taskId: string, host: Host, download: Download, onEnd: (end: TriggerEnd) => void): void {
    const fetching = { host, origins: new Set([originOf(download)]) };
    this.#fetching.set(taskId, fetching);
    this.#send(host, download, (end) => {
      if (this.#fetching.get(taskId) === fetching) this.#fetching.delete(taskId);
      onEnd(end);
    });
  }

  /**
   * Another requester of a task. If a seed peer of our make is fetching it and does not know where he would, it is told:
   * one digest may be at several registries, and nobody shall wait for the slowest.
   */
  offer(taskId: string, download: Download): void {
    const fetching = this.#fetching.get(taskId);
    if (fetching === undefined || download.digest === undefined) return;
    const { host, origins } = fetching;
    const origin = originOf(download);
    if (host.build?.platform !== BUILD_PLATFORM || origins.has(origin) || origins.size > OFFERS_MAX) return;
    origins.add(origin);
    this.#send(host, download, () => {});
  }

  #send(host: Host, download: Download, onEnd: (end: TriggerEnd) => void): void {
    const forSeed = { ...download, needBackToSource: true, disableBackToSource: false, outputPath: undefined };
    const run = this.#run(host, forSeed).then((end) => {
      this.#running.delete(run);
      onEnd(end);
    });
    this.#running.add(run);
  }

  async #run(host: Host, download: Download): Promise<TriggerEnd> {
    const { signal } = this.#stop;
    const address = formatHostPort({ hostname: host.ip, port: host.port });
    try {
      if (this.#running.size >= TRIGGERS_MAX) {
        throw new DamselflyError("resource_exhausted", `Cannot trigger a seed peer: ${TRIGGERS_MAX} downloads run`);
      }
      const client = this.#channels.client(DfdaemonUploadService, address);
      for await (const _ of client.downloadTask({ download }, { signal, timeoutMs: this.#timeoutMs }));
      return { kind: "ended" };
    } catch (cause) {
      if (signal.aborted) return { kind: "stopped" };
      const error = toDamselflyError(cause, "internal", `Cannot trigger seed peer ${host.id}`);
      return { kind: "failed", error, atSource: !SEED_AT_FAULT.has(error.code) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DamselflyError("cancelled", "The scheduler stops"));
    await Promise.all(this.#running);
    this.#channels[Symbol.dispose]();
  }
}

/**
 * Who has the content: scheme, host and port; for the object of a bucket the bucket and its storage; the URL itself where
 * there is no telling.
 */
function originOf({ url, objectStorage }: Download): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  return [`${parsed.protocol}//${parsed.host}`, objectStorage?.endpoint, objectStorage?.region].join(" ");
}
