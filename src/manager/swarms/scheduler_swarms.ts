import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import type { ListPullsRequest } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { SwarmsService, type SwarmSummary } from "../../rpc/gen/damselfly/v1/swarms.ts";
import { hostAudience } from "../../rpc/tickets.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { FoundPulls, FoundSwarms, SwarmReader } from "./swarm_reader.ts";
import { TicketedCalls, type TicketedCallsParts } from "./ticketed_calls.ts";

/** The scheduler asks the host in turn. */
const PULLS_TIMEOUT_MS = 8_000;
/** Tasks that can be paged through, of one scheduler and of all together: the first ones. */
const TASKS_MAX = 1_000;

/** Asks the schedulers of a cluster, each with a ticket for it, and through them one host at a time. */
export class SchedulerSwarms implements SwarmReader, Disposable {
  readonly #tickets: TicketedCallsParts["tickets"];
  readonly #calls: TicketedCalls<typeof SwarmsService>;

  constructor(parts: TicketedCallsParts) {
    this.#tickets = parts.tickets;
    this.#calls = new TicketedCalls(SwarmsService, "its swarms", parts);
  }

  async list(
    clusterId: number,
    { stopped, offset, limit }: { readonly stopped: boolean; readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<FoundSwarms> {
    const wanted = Math.min(offset + limit, TASKS_MAX);
    const asked = await Promise.all((await this.#calls.schedulers(clusterId)).map(async (scheduler) => {
      const request = { stopped, offset: 0, limit: wanted };
      try {
        return {
          scheduler,
          listed: await this.#calls.ask(scheduler, (client, options) => client.listSwarms(request, options), signal),
        };
      } catch (error) {
        signal.throwIfAborted();
        return { scheduler, reason: this.#calls.failureOf(scheduler, error).message };
      }
    }));
    const known = asked.flatMap(({ scheduler, listed }) => listed === undefined ? [] : [{ scheduler, ...listed }]);
    const all = known.flatMap(({ scheduler, swarms }) => swarms.map((swarm) => ({ ...swarm, scheduler })));
    // Those that have moved for longest come first, and those that stopped last.
    all.sort((a, b) => stopped ? sinceMs(b) - sinceMs(a) : sinceMs(a) - sinceMs(b));
    return {
      swarms: all.slice(offset, offset + limit),
      total: Math.min(TASKS_MAX, known.reduce((sum, { total }) => sum + total, 0)),
      silent: asked.flatMap(({ scheduler, reason }) => reason === undefined ? [] : [{ scheduler, reason }]),
    };
  }

  async get(clusterId: number, name: string, signal: AbortSignal) {
    const schedulers = await this.#calls.schedulersFor(clusterId, name.replace(/^sha256:/, ""));
    return await this.#calls.first(schedulers, (client, options) => client.getSwarm({ name }, options), signal);
  }

  async pulls(clusterId: number, host: string, request: ListPullsRequest, signal: AbortSignal): Promise<FoundPulls> {
    const schedulers = await this.#calls.schedulers(clusterId);
    const { scheduler, found } = await this.#calls.first(
      schedulers,
      (client, options) => client.findHost({ name: host }, options),
      signal,
    );
    const asked = { hostId: found.hostId, ticket: this.#tickets.ticket(hostAudience(found)), pulls: request };
    try {
      const listed = await this.#calls.ask(
        scheduler,
        (client, options) => client.listPullsOfHost(asked, { ...options, timeoutMs: PULLS_TIMEOUT_MS }),
        signal,
      );
      return { host: found, listed };
    } catch (error) {
      signal.throwIfAborted();
      throw hostFailureOf(found.hostname, error);
    }
  }

  [Symbol.dispose](): void {
    this.#calls[Symbol.dispose]();
  }
}

function sinceMs({ since }: SwarmSummary): number {
  return since === undefined ? 0 : msOfTimestamp(since);
}

function hostFailureOf(hostname: string, error: unknown): DamselflyError {
  const { code, message } = toDamselflyError(error, "internal", `Cannot ask host ${hostname}`);
  if (code !== "unimplemented") return new DamselflyError(code, `Host ${hostname}: ${message}`, { cause: error });
  const what = `Host ${hostname} keeps no record of its pulls: it is Dragonfly's, or of an older version`;
  return new DamselflyError("unimplemented", what, { cause: error });
}
