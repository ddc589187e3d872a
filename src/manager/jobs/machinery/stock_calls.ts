import { inParallel } from "../../../core/in_parallel.ts";
import { DamselflyError } from "../../../core/error.ts";
import type { TlsTrust } from "../../../http/node_fetch.ts";
import type { Host } from "../../../rpc/gen/common/v2/common.ts";
import { HostResult, type TaskJobRequest } from "../../../rpc/gen/damselfly/v1/jobs.ts";
import type { PreheatFileRequest, PreheatImageRequest } from "../../../rpc/gen/scheduler/v2/scheduler.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import type { TaskArgs } from "../../rest/job_args.ts";
import type { SchedulerRecord } from "../../store/services.ts";
import type { Images } from "../images.ts";
import { type PreheatRequests, taskRequest, withTrust } from "../job_requests.ts";
import type { OnResult, SchedulerCalls } from "../scheduler_calls.ts";
import { deleteResults, findResults, preheatPayload, preheatResults, taskPayload } from "./orders.ts";
import type { MachineryQueue, QueueOutcome } from "./queue.ts";

/** How long it is remembered what a scheduler is: one may be exchanged for another at the same address. */
const KIND_KEPT_MS = 5 * 60_000;
/** Schedulers of which it is remembered. */
const KINDS_MAX = 1_000;
/** Ids of a task that are looked for at a time. */
const IDS_AT_ONCE = 2;
/** How long it may take to look for a content that a scheduler says nothing of. */
const LOOK_TIMEOUT_MS = 60_000;

/** What jobs ask of schedulers. */
type Calls = Pick<SchedulerCalls, "preheat" | "task" | "hosts">;

/** What {@link StockCalls} work with. */
export interface StockCallsOptions {
  readonly calls: Calls & Pick<SchedulerCalls, "isOurs">;
  readonly queue: Pick<MachineryQueue, "run">;
  readonly clock: Clock;
  readonly images: Pick<Images, "blobs">;
  /** Whose certificates are good for the registries of preheats. */
  readonly trust: () => Promise<TlsTrust>;
  readonly log: Log;
}

/** Contents that one request has in common. */
interface PreheatOrder {
  readonly request: PreheatImageRequest | PreheatFileRequest;
  readonly urls: readonly string[];
  /** Sent to their source, the login at a registry among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** What of the job has not been ordered before this. */
  readonly left: Pick<PreheatRequests, "images" | "files">;
}

/** What a job about a task asks. */
interface TaskOrder {
  readonly request: TaskJobRequest;
  readonly timeoutMs: number;
}

/**
 * Gives stock schedulers their jobs through Redis, and ours over gRPC. What a stock scheduler does not take from Redis
 * it gets over gRPC too, as far as it can be ordered so, and a warning says why.
 */
export class StockCalls implements Calls {
  readonly #options: StockCallsOptions;
  readonly #kinds = new Map<string, { readonly isOurs: boolean; readonly untilMs: number }>();

  constructor(options: StockCallsOptions) {
    this.#options = options;
  }

  async preheat(
    scheduler: SchedulerRecord,
    requests: PreheatRequests,
    onResult: OnResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { calls } = this.#options;
    if (await this.#isOurs(scheduler, signal)) return await calls.preheat(scheduler, requests, onResult, signal);
    const { timeoutMs, atOnce } = requests;
    const trusted = withTrust(requests, await this.#options.trust());
    for await (const { request, urls, headers, left } of this.#orders(trusted, signal)) {
      const payload = preheatPayload(request, urls, { headers, timeoutMs });
      const outcome = await this.#order("preheat", scheduler, payload, timeoutMs, signal);
      if (outcome.kind === "not_begun") {
        this.#warn(scheduler, outcome.why);
        return await calls.preheat(scheduler, { ...requests, ...left }, onResult, signal);
      }
      const results = preheatResults(outcome.result);
      results.forEach(onResult);
      const told = new Set(results.map(({ url }) => url));
      const look = (url: string) => this.#look(scheduler, request, url, signal);
      for await (const result of inParallel(urls.filter((url) => !told.has(url)), atOnce, look)) onResult(result);
    }
  }

  async task(
    type: "get_task" | "delete_task",
    scheduler: SchedulerRecord,
    order: TaskOrder,
    onResult: OnResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { calls } = this.#options;
    if (await this.#isOurs(scheduler, signal)) return await calls.task(type, scheduler, order, onResult, signal);
    const results = await this.#taskResults(type, scheduler, order, signal);
    results.forEach(onResult);
  }

  /** Every scheduler tells its hosts over gRPC. */
  hosts(scheduler: SchedulerRecord, signal: AbortSignal): Promise<Host[]> {
    return this.#options.calls.hosts(scheduler, signal);
  }

  /** What is said of a task under all of its ids; of a host that knows several, the best news. */
  async #taskResults(
    type: "get_task" | "delete_task",
    scheduler: SchedulerRecord,
    { request, timeoutMs }: TaskOrder,
    signal: AbortSignal,
  ): Promise<HostResult[]> {
    const hosts = new Map<string, HostResult>();
    const ask = async (taskId: string) => {
      const payload = taskPayload(taskId, request.concurrentPeerCount, timeoutMs);
      const outcome = await this.#order(type, scheduler, payload, timeoutMs, signal);
      if (outcome.kind === "done") {
        return type === "get_task" ? findResults(outcome.result) : deleteResults(outcome.result);
      }
      const what = `Cannot order ${type} of the scheduler ${scheduler.hostname}, which is one of Dragonfly's`;
      throw new DamselflyError("unavailable", `${what}: ${outcome.why}`);
    };
    // A host that deletes a task by one of its ids forgets the others, so that it is not asked for two at once.
    for await (const results of inParallel(request.taskIds, type === "get_task" ? IDS_AT_ONCE : 1, ask)) {
      for (const result of results) {
        const host = `${result.hostname} ${result.ip}`;
        hosts.set(host, better(result, hosts.get(host)));
      }
    }
    return [...hosts.values()];
  }

  /** What a preheat asks of a stock scheduler, which knows URLs and nothing of images: all files are one order. */
  async *#orders({ images, files }: PreheatRequests, signal: AbortSignal): AsyncGenerator<PreheatOrder> {
    for (const [index, request] of images.entries()) {
      yield { ...await this.#imageOrder(request, signal), left: { images: images.slice(index), files } };
    }
    const [file] = files;
    if (file === undefined) return;
    yield { request: file, urls: files.map(({ url }) => url), headers: file.header, left: { images: [], files } };
  }

  async #imageOrder(request: PreheatImageRequest, signal: AbortSignal): Promise<Omit<PreheatOrder, "left">> {
    const { url, header, username, password, platform } = request;
    const { urls, login } = await this.#options.images.blobs(
      { url, headers: header, username, password, platform },
      signal,
    );
    const authorization = await login.authorization(signal);
    if (authorization === undefined) return { request, urls, headers: header };
    const others = Object.entries(header).filter(([name]) => name.toLowerCase() !== "authorization");
    return { request, urls, headers: { ...Object.fromEntries(others), Authorization: authorization } };
  }

  /**
   * What became of a content that a scheduler does not mention, as it does with many at once, and with a failure of one
   * seed peer: its hosts are asked for it.
   */
  async #look(
    scheduler: SchedulerRecord,
    request: PreheatOrder["request"],
    url: string,
    signal: AbortSignal,
  ): Promise<HostResult> {
    const { pieceLength: piece_length, tag, application, filteredQueryParams, concurrentPeerCount } = request;
    const filtered_query_params = filteredQueryParams.length === 0 ? undefined : filteredQueryParams.join("&");
    const args = { url, piece_length, tag, application, filtered_query_params };
    const order = taskRequest({ ...args, concurrent_peer_count: concurrentPeerCount } as TaskArgs);
    const holders = await this.#taskResults("get_task", scheduler, { ...order, timeoutMs: LOOK_TIMEOUT_MS }, signal);
    const holder = holders.find(({ isFinished }) => isFinished);
    if (holder === undefined) {
      return HostResult.create({ url, error: "the scheduler does not say why, and no host has it" });
    }
    const { hostId, hostname, ip, hostType } = holder;
    return HostResult.create({ url, hostId, hostname, ip, hostType });
  }

  #order(
    name: "preheat" | "get_task" | "delete_task",
    scheduler: SchedulerRecord,
    payload: Readonly<Record<string, unknown>>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<QueueOutcome> {
    const { calls, queue } = this.#options;
    const checkAlive = async (signal: AbortSignal) => void await calls.isOurs(scheduler, signal);
    return queue.run({ name, scheduler, payload, timeoutMs, checkAlive }, signal);
  }

  async #isOurs(scheduler: SchedulerRecord, signal: AbortSignal): Promise<boolean> {
    const { calls, clock } = this.#options;
    const key = `${scheduler.ip} ${scheduler.port}`;
    const known = this.#kinds.get(key);
    if (known !== undefined && clock.now() < known.untilMs) return known.isOurs;
    const isOurs = await calls.isOurs(scheduler, signal);
    this.#kinds.delete(key);
    this.#kinds.set(key, { isOurs, untilMs: clock.now() + KIND_KEPT_MS });
    if (this.#kinds.size > KINDS_MAX) this.#kinds.delete(this.#kinds.keys().next().value ?? "");
    return isOurs;
  }

  #warn({ hostname, clusterId }: SchedulerRecord, why: string): void {
    this.#options.log.warn(
      "A scheduler of Dragonfly's did not take a job from Redis and is asked over gRPC, which does not tell what became " +
        "of which host; its job.enable and database.redis must name the same Redis as database.redis here",
      { hostname, clusterId, why },
    );
  }
}

/** The one of two results of a host that says more: that it could not, or that it has all of the task. */
function better(result: HostResult, known: HostResult | undefined): HostResult {
  if (known === undefined || known.error !== undefined) return known ?? result;
  return result.error !== undefined || (result.isFinished && !known.isFinished) ? result : known;
}
