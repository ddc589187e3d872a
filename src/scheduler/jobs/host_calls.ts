import { type DamselflyError, type ErrorCode, errorText, toDamselflyError } from "../../core/error.ts";
import { Places } from "../../core/places.ts";
import type { Download, Host } from "../../rpc/gen/common/v2/common.ts";
import type { ListPullsRequest, ListPullsResponse } from "../../rpc/gen/damselfly/v1/pulls.ts";
import type { StatLocalTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { withTicket } from "../../rpc/tickets.ts";
import type { Clock } from "../../runtime/clock.ts";
import { HostChannels, type HostTls } from "../host_channels.ts";

/** Downloads of hosts, which may take hours, and short calls that all jobs together have under way. */
const CALLS_MAX = { downloads: 1_000, short: 500 };
const CONNECT_TIMEOUT_MS = 3_000;
const CALL_TIMEOUT_MS = 5_000;

/** What hosts are asked for in jobs and by people; a call beyond the limits of all of them waits for its turn. */
export class HostCalls implements Disposable {
  readonly #channels: HostChannels;
  readonly #downloads: Places;
  readonly #shortCalls: Places;

  constructor(clock: Clock, tls: HostTls, callsMax = CALLS_MAX) {
    this.#downloads = new Places(callsMax.downloads);
    this.#shortCalls = new Places(callsMax.short);
    this.#channels = new HostChannels({
      // Nobody who has his turn finds all of them in use.
      channelsMax: callsMax.downloads + callsMax.short,
      ...{ clock, connectTimeoutMs: CONNECT_TIMEOUT_MS },
      ...tls,
    });
  }

  /** Makes a host fetch a content; gives the error that kept it from that. */
  async download(host: Host, download: Download, signal: AbortSignal): Promise<DamselflyError | undefined> {
    try {
      using _place = await this.#downloads.take(signal);
      for await (const _ of this.#channels.client(host).downloadTask({ download }, { signal }));
      return undefined;
    } catch (error) {
      return failure(host, error);
    }
  }

  /** What a host holds under the first of these ids that it knows; undefined when it holds nothing. */
  async stat(host: Host, taskIds: readonly string[], signal: AbortSignal): Promise<StatLocalTaskResponse | undefined> {
    using _place = await this.#shortCalls.take(signal);
    for (const taskId of taskIds) {
      try {
        return await this.#channels.client(host).statLocalTask({ taskId }, { signal, timeoutMs: CALL_TIMEOUT_MS });
      } catch (error) {
        signal.throwIfAborted();
        // Of a host that cannot be asked nothing is known, under no id.
        if (failure(host, error).code !== "not_found") return undefined;
      }
    }
    return undefined;
  }

  /** Makes a host delete what it holds under these ids: whether there was something, or what kept it from that. */
  async delete(host: Host, taskIds: readonly string[], signal: AbortSignal): Promise<boolean | DamselflyError> {
    using _place = await this.#shortCalls.take(signal);
    let isDeleted = false;
    for (const taskId of taskIds) {
      try {
        await this.#channels.client(host).deleteTask({ taskId }, { signal, timeoutMs: CALL_TIMEOUT_MS });
        isDeleted = true;
      } catch (error) {
        const cause = failure(host, error);
        if (cause.code !== "not_found") return cause;
      }
    }
    return isDeleted;
  }

  /** What a host tells of its pulls to whoever has the ticket of a manager. Throws what the host says. */
  async pulls(
    host: Host,
    { request, ticket }: { readonly request: ListPullsRequest; readonly ticket: string },
    signal: AbortSignal,
  ): Promise<ListPullsResponse> {
    using _place = await this.#shortCalls.take(signal);
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS, metadata: withTicket(ticket) };
    return await this.#channels.pulls(host).listPulls(request, options);
  }

  [Symbol.dispose](): void {
    this.#channels[Symbol.dispose]();
  }
}

/** Failures of a host rather than of the content: another one may do better. */
const HOST_AT_FAULT: ReadonlySet<ErrorCode> = new Set([
  ...["unavailable", "timeout", "cancelled", "resource_exhausted", "unimplemented", "permission_denied"] as const,
]);

/** Whether another host may do better. */
export function isHostAtFault({ code }: DamselflyError): boolean {
  return HOST_AT_FAULT.has(code);
}

function failure(host: Host, error: unknown): DamselflyError {
  return toDamselflyError(error, "internal", `Cannot ask host ${host.id}: ${errorText(error)}`);
}
