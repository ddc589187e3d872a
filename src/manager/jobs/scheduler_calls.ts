import { formatHostPort } from "../../config/addresses.ts";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { inParallel } from "../../core/in_parallel.ts";
import type { TlsTrust } from "../../http/node_fetch.ts";
import { RpcChannels } from "../../rpc/client.ts";
import type { Host } from "../../rpc/gen/common/v2/common.ts";
import { HostResult, JobsService, type TaskJobRequest } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { TlsFiles } from "../../runtime/tls_files.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { boundedError } from "./host_error.ts";
import { type PreheatRequests, withTrust } from "./job_requests.ts";

/** Schedulers that are talked to at a time. */
const CHANNELS_MAX = 200;
const CONNECT_TIMEOUT_MS = 3_000;
const LIST_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 5_000;
/** A scheduler keeps the limit of the job itself; beyond that it is not waited for. */
const GRACE_MS = 10_000;

/** Where results of hosts go. */
export type OnResult = (result: HostResult) => void;

/** What the manager asks of schedulers. Of a cluster any live one will do, for hosts are known to all of them. */
export class SchedulerCalls implements Disposable {
  readonly #channels: RpcChannels;
  readonly #trust: () => Promise<TlsTrust>;

  /** `tls` is for calls to schedulers, `trust` for the registries of preheats. */
  constructor(clock: Clock, tls: TlsFiles | undefined, trust: () => Promise<TlsTrust>) {
    this.#trust = trust;
    this.#channels = new RpcChannels({ clock, tls, channelsMax: CHANNELS_MAX, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  }

  /** Has hosts fetch contents. Throws what the scheduler says; what it was asked besides then ends too. */
  async preheat(
    scheduler: SchedulerRecord,
    requests: PreheatRequests,
    onResult: OnResult,
    caller: AbortSignal,
  ): Promise<void> {
    const { images, files, atOnce, timeoutMs } = withTrust(requests, await this.#trust());
    const [ours, stock] = [this.#jobs(scheduler), this.#stock(scheduler)];
    const left = new AbortController();
    const options = { signal: AbortSignal.any([caller, left.signal]), timeoutMs: timeoutMs + GRACE_MS };
    const runs = [
      ...images.map((request) => async () => {
        const results = ours.preheatImage(request, options);
        await each(results, onResult, () => unlisted(request, () => stock.preheatImage(request, options)));
      }),
      ...files.map((request) => async () => {
        const results = ours.preheatFile(request, options);
        await each(results, onResult, () => unlisted(request, () => stock.preheatFile(request, options)));
      }),
    ];
    try {
      for await (const _ of inParallel(runs, atOnce, (run) => run()));
    } finally {
      left.abort(new DamselflyError("cancelled", "The job has ended"));
    }
  }

  /** Finds the hosts that hold a task, or makes them delete it. Throws what the scheduler says. */
  async task(
    type: "get_task" | "delete_task",
    scheduler: SchedulerRecord,
    { request, timeoutMs }: { readonly request: TaskJobRequest; readonly timeoutMs: number },
    onResult: OnResult,
    signal: AbortSignal,
  ): Promise<void> {
    const client = this.#jobs(scheduler);
    const options = { signal, timeoutMs: timeoutMs + GRACE_MS };
    await each(type === "get_task" ? client.findTask(request, options) : client.deleteTask(request, options), onResult);
  }

  /** Whether a scheduler serves our own jobs. Throws `unavailable` when it cannot be reached, or does not answer. */
  async isOurs(scheduler: SchedulerRecord, signal: AbortSignal): Promise<boolean> {
    try {
      // A question that ours refuses, and stock ones do not know.
      for await (const _ of this.#jobs(scheduler).findTask({ taskIds: [] }, { signal, timeoutMs: PROBE_TIMEOUT_MS }));
      return true;
    } catch (cause) {
      const { code } = toDamselflyError(cause, "internal", "Cannot ask the scheduler");
      if (code === "invalid_argument") return true;
      if (code === "unimplemented") return false;
      if (code !== "timeout") throw cause;
      // One that hangs is as good as gone: another one of its cluster may have the job.
      const what = `The scheduler ${scheduler.hostname} does not answer within ${PROBE_TIMEOUT_MS} ms`;
      throw new DamselflyError("unavailable", what, { cause });
    }
  }

  /** The hosts that a scheduler knows. */
  async hosts(scheduler: SchedulerRecord, signal: AbortSignal): Promise<Host[]> {
    return (await this.#stock(scheduler).listHosts({}, { signal, timeoutMs: LIST_TIMEOUT_MS })).hosts;
  }

  [Symbol.dispose](): void {
    this.#channels[Symbol.dispose]();
  }

  #jobs({ ip, port }: SchedulerRecord) {
    return this.#channels.client(JobsService, formatHostPort({ hostname: ip, port }));
  }

  #stock({ ip, port }: SchedulerRecord) {
    return this.#channels.client(SchedulerService, formatHostPort({ hostname: ip, port }));
  }
}

/** Gives each result to `onResult`; `otherwise` has it for a scheduler that does not know the call. */
async function each(
  results: AsyncIterable<HostResult>,
  onResult: OnResult,
  otherwise?: () => Promise<HostResult>,
): Promise<void> {
  try {
    for await (const { error, ...result } of results) {
      onResult(error === undefined ? result : { ...result, error: boundedError(error) });
    }
  } catch (cause) {
    const error = toDamselflyError(cause, "internal", "Cannot run the job");
    if (error.code !== "unimplemented" || otherwise === undefined) throw error;
    onResult(await otherwise());
  }
}

/** A stock scheduler only says whether it went well. */
async function unlisted({ url }: { readonly url: string }, run: () => Promise<unknown>): Promise<HostResult> {
  await run();
  return HostResult.create({ url });
}

/**
 * Runs `work` with the first of the schedulers, with the next one when that cannot be reached. Throws what the last
 * one said, and `failed_precondition` when there is none.
 */
export async function withAny(
  schedulers: readonly SchedulerRecord[],
  work: (scheduler: SchedulerRecord) => Promise<void>,
): Promise<void> {
  let failure = new DamselflyError("failed_precondition", "active schedulers not found");
  for (const scheduler of schedulers) {
    try {
      return await work(scheduler);
    } catch (cause) {
      failure = toDamselflyError(cause, "internal", "Cannot run the job");
      if (failure.code !== "unavailable") break;
    }
  }
  throw failure;
}
