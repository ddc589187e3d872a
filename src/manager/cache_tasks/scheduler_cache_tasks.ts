import { DamselflyError } from "../../core/error.ts";
import type { PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { CacheTasksService } from "../../rpc/gen/damselfly/v1/cache_tasks.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { Listed, Page } from "../store/repository.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { type TicketedCall, TicketedCalls, type TicketedCallsParts } from "../swarms/ticketed_calls.ts";
import type { CacheTaskFilter, CacheTaskReader, CacheTaskShare, FoundCacheTask } from "./cache_task_reader.ts";

/** Tasks of one scheduler that can be paged through; for more there are filters. */
const TASKS_MAX = 2_000;
/** All hosts that have a copy are asked to delete it meanwhile. */
const REMOVE_TIMEOUT_MS = 60_000;

/** Asks the schedulers of a cluster for the tasks that they look after. */
export class SchedulerCacheTasks implements CacheTaskReader, Disposable {
  readonly #calls: TicketedCalls<typeof CacheTasksService>;
  readonly #stock: TicketedCalls<typeof SchedulerService>;

  constructor(parts: TicketedCallsParts) {
    this.#calls = new TicketedCalls(CacheTasksService, "its persistent cache", parts);
    this.#stock = new TicketedCalls(SchedulerService, "its persistent cache", parts);
  }

  [Symbol.dispose](): void {
    this.#calls[Symbol.dispose]();
    this.#stock[Symbol.dispose]();
  }

  async list(
    clusterId: number,
    { application = "", tag = "", state = "" }: CacheTaskFilter,
    { offset, limit }: Page,
    signal: AbortSignal,
  ): Promise<Listed<PersistentCacheTask>> {
    const request = { application, tag, state, limit: Math.min(offset + limit, TASKS_MAX) };
    const lists = await this.#all(clusterId, (client, options) => client.listCacheTasks(request, options), signal);
    const tasks = lists.flatMap((list) => list.tasks).sort((a, b) => createdMs(b) - createdMs(a));
    const total = lists.reduce((sum, list) => sum + Math.min(list.total, TASKS_MAX), 0);
    return { rows: tasks.slice(offset, offset + limit), total };
  }

  async shares(clusterId: number, signal: AbortSignal): Promise<CacheTaskShare[]> {
    const counts = await this.#all(clusterId, (client, options) => client.countCacheTasks({}, options), signal);
    const shares = new Map<string, CacheTaskShare>();
    for (const { application, tag, count, contentLength } of counts.flatMap((one) => one.shares)) {
      const key = JSON.stringify([application, tag]);
      const before = shares.get(key) ?? { count: 0, contentLength: 0 };
      const sum = { count: before.count + count, contentLength: before.contentLength + contentLength };
      shares.set(key, { application, tag, ...sum });
    }
    return [...shares.values()].sort((a, b) => b.contentLength - a.contentLength);
  }

  async get(clusterId: number, taskId: string, signal: AbortSignal): Promise<FoundCacheTask> {
    return (await this.#find(clusterId, taskId, signal)).found;
  }

  async remove(clusterId: number, taskId: string, signal: AbortSignal): Promise<void> {
    const { scheduler } = await this.#find(clusterId, taskId, signal);
    const call: TicketedCall<typeof SchedulerService, unknown> = (client, options) => {
      return client.deletePersistentCacheTask({ hostId: "", taskId }, { ...options, timeoutMs: REMOVE_TIMEOUT_MS });
    };
    await this.#stock.first([scheduler], call, signal);
  }

  async #find(clusterId: number, taskId: string, signal: AbortSignal) {
    const schedulers = await this.#calls.schedulersFor(clusterId, taskId);
    const { scheduler, found } = await this.#calls.first(
      schedulers,
      (client, options) => client.getCacheTask({ taskId }, options),
      signal,
    );
    const { task, peers } = found;
    if (task === undefined) throw new DamselflyError("internal", `Scheduler ${scheduler.hostname} tells of no task`);
    return { scheduler, found: { task, peers } };
  }

  /**
   * All answers, and none where no scheduler lives, as a stock manager has it. A list that lacks those of one scheduler
   * would look whole: one that does not say fails it.
   */
  async #all<A>(
    clusterId: number,
    call: TicketedCall<typeof CacheTasksService, A>,
    signal: AbortSignal,
  ): Promise<A[]> {
    const ask = async (scheduler: SchedulerRecord) => (await this.#calls.first([scheduler], call, signal)).found;
    return await Promise.all((await this.#calls.liveSchedulers(clusterId)).map(ask));
  }
}

function createdMs({ createdAt }: PersistentCacheTask): number {
  return createdAt === undefined ? 0 : msOfTimestamp(createdAt);
}
