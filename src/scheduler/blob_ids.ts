import { blobDigestOf } from "../core/task_id.ts";
import type { Log } from "../runtime/log.ts";

/**
 * Notices when some peers ask for blobs by their digest and others by their URL: each kind only shares with its own, and
 * every blob costs the registry a copy for each. It is said once.
 */
export class BlobIds {
  readonly #log: Log;
  readonly #kinds = new Set<"by digest" | "by URL">();

  constructor(log: Log) {
    this.#log = log;
  }

  /** A peer wants a task, which is a blob when its URL is that of one. */
  wanted(taskId: string, url: string, hostId: string): void {
    const digest = this.#kinds.size === 2 ? undefined : blobDigestOf(url);
    if (digest === undefined) return;
    this.#kinds.add(taskId === digest.hex ? "by digest" : "by URL");
    if (this.#kinds.size < 2) return;
    this.#log.warn(
      "Some peers ask for blobs by their digest and others by their URL, and do not share with each other; " +
        "set proxy.registryMirror.enableTaskIDBasedBlobDigest alike on all peers",
      { hostId, taskId },
    );
  }
}
