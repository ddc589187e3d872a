import { DamselflyError } from "../../core/error.ts";
import type { RequestInfo } from "../../http/serve.ts";
import type { Log } from "../../runtime/log.ts";
import { isLoopback } from "../../http/destination.ts";
import type { TaskWishes, WantedOutput } from "./task_wishes.ts";

/** What writes the content of a task to a path. */
export interface OutputWriter {
  /** Finds out before the download what would make it fail. Throws `invalid_argument`. */
  check(output: WantedOutput): Promise<void>;
  /** Puts the content of a complete task there. */
  write(taskId: string, output: WantedOutput, signal: AbortSignal): Promise<void>;
}

/** Wishes of a request that have an effect outside its answer: a file, and lines of the log. */
export class Outputs {
  readonly #writer: OutputWriter | undefined;
  readonly #log: Log;
  readonly #warned = new Set<string>();

  /** Without a writer no request has files written. */
  constructor(writer: OutputWriter | undefined, log: Log) {
    this.#writer = writer;
    this.#log = log;
  }

  /**
   * What puts the content where `X-Dragonfly-Output-Path` says; undefined when it does not. A port has no owner as the
   * unix socket of `dfget` has, so that only a process of this host may ask, for a file that is not there yet, and
   * only where `proxy.allowOutputPath` lets it. Throws `permission_denied`, and what {@link OutputWriter.check} throws.
   */
  async deliveryOf(
    request: Request,
    { output, ignored }: TaskWishes,
    { remote, signal }: RequestInfo,
  ): Promise<((taskId: string) => Promise<void>) | undefined> {
    for (const header of ignored) this.#warnOnce(header);
    if (output === undefined || request.method !== "GET") return undefined;
    const writer = this.#writer;
    if (writer === undefined) throw refused(output, "proxy.allowOutputPath is false");
    if (!isLoopback(remote.hostname)) throw refused(output, "only a process of this host may ask for it");
    await writer.check(output);
    return (taskId) => writer.write(taskId, output, signal);
  }

  #warnOnce(header: string): void {
    if (this.#warned.has(header)) return;
    this.#warned.add(header);
    this.#log.warn("A header of a request has no effect", { header });
  }
}

function refused({ path }: WantedOutput, why: string): DamselflyError {
  return new DamselflyError("permission_denied", `Cannot write to ${path} as X-Dragonfly-Output-Path says: ${why}`);
}
