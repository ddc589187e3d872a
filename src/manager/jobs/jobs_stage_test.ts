/** Managers that run jobs on schedulers which do as a test says, in virtual time. */
import { DamselflyError } from "../../core/error.ts";
import { Host } from "../../rpc/gen/common/v2/common.ts";
import { HostResult } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { NO_TRACER } from "../../runtime/tracing.ts";
import type { Clock } from "../../runtime/clock.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { Seal } from "../seal.ts";
import type { JobLease } from "../store/job_queue.ts";
import type { Job } from "../store/jobs.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { clusterInput, schedulerInput } from "../store/store_builders_test.ts";
import type { PreheatRequests } from "./job_requests.ts";
import { Jobs } from "./jobs.ts";
import type { PeerSyncTimes } from "./peer_sync_turns.ts";
import type { OnResult } from "./scheduler_calls.ts";

export const NEVER = new AbortController().signal;
export const ARGS = { type: "file", urls: ["https://files.corp/a", "https://files.corp/b"] };
const KEEP_ALIVE_MS = 5_000;
const HOUR_MS = 60 * 60_000;

type Run = (hostname: string, onResult: OnResult, signal: AbortSignal) => Promise<void>;

/** Schedulers that do what a test says. */
export class Calls {
  readonly asked: string[] = [];
  requests: PreheatRequests | undefined;
  run: Run = () => Promise.resolve();

  async preheat({ hostname }: SchedulerRecord, requests: PreheatRequests, onResult: OnResult, signal: AbortSignal) {
    this.asked.push(hostname);
    this.requests = requests;
    await this.run(hostname, onResult, signal);
  }

  async task(_type: string, { hostname }: SchedulerRecord, _request: unknown, onResult: OnResult, signal: AbortSignal) {
    this.asked.push(hostname);
    await this.run(hostname, onResult, signal);
  }

  async hosts({ hostname }: SchedulerRecord, signal: AbortSignal): Promise<Host[]> {
    this.asked.push(hostname);
    await this.run(hostname, () => {}, signal);
    return [1, 2, 2].map((n) => Host.create({ id: `h${n}`, hostname: `h${n}`, ip: "10.0.0.1", type: n - 1 }));
  }
}

/** Runs until it is told to end. */
export const forever: Run = (_hostname, _onResult, signal) => orAbort(new Promise<void>(() => {}), signal);

export const done = (url: string) => HostResult.create({ url, hostname: "seed", ip: "10.0.0.1" });
export const failed = (url: string) => {
  return HostResult.create({ url, hostname: "x", ip: "10.0.0.2", error: "its disk is full" });
};

/** {@link breakable} */
export interface Breakable {
  readonly store: Store;
  isBroken: boolean;
  /** Whether what is asked is done, and the answer lost. */
  isDeaf: boolean;
  /** How long it takes to take a job. */
  takeMs: number;
  /** What the next end of a job fails with. */
  fault: Error | undefined;
  /** The id of a job whose row cannot be read. */
  unreadable: number | undefined;
}

/** A store whose queue stops to answer one manager when a test says so. */
export function breakable(store: Store, clock: Clock): Breakable {
  const jobQueue = new Proxy(store.jobQueue, {
    get: (queue, name) => async (...args: unknown[]) => {
      if (name === "end" && handle.fault !== undefined) {
        const { fault } = handle;
        handle.fault = undefined;
        throw fault;
      }
      if (name === "take" && (args[0] as JobLease).jobId === handle.unreadable) {
        throw new DamselflyError("data_loss", "its row holds something else");
      }
      if (name === "take" && handle.takeMs > 0) await clock.sleep(handle.takeMs, NEVER);
      const away = () => Promise.reject(new DamselflyError("unavailable", "the database is away"));
      if (handle.isBroken) return await away();
      const answer: Promise<unknown> = Reflect.apply(Reflect.get(queue, name), queue, args);
      return await (handle.isDeaf ? answer.then(away) : answer);
    },
  });
  const handle: Breakable = {
    store: { ...store, jobQueue },
    isBroken: false,
    isDeaf: false,
    takeMs: 0,
    fault: undefined,
    unreadable: undefined,
  };
  return handle;
}

/** Another manager on the same store, with schedulers of its own to ask. */
export interface Other extends AsyncDisposable {
  readonly jobs: Jobs;
  readonly calls: Calls;
  readonly log: MemoryLog;
}

/** How a manager differs from the others. */
export interface OpenOptions {
  readonly store?: Store;
  readonly key?: string;
}

/** A manager with two clusters, which have the schedulers `a-1` and `a-2`, and `b`; all are live as long as a test lets them. */
export async function stage(syncPeers: PeerSyncTimes = { interval: 24 * HOUR_MS, timeout: 10 * 60_000 }) {
  await using stack = new AsyncDisposableStack();
  const clock = new VirtualClock();
  const store = stack.use(await memoryStore(clock));
  for (const [name, schedulers] of [["a", ["a-1", "a-2"]], ["b", ["b"]]] as const) {
    const cluster = await store.clusters.create(clusterInput({ name }));
    for (const hostname of schedulers) {
      await store.schedulers.upsert(schedulerInput({ clusterId: cluster.id, hostname }));
    }
  }
  const schedulers = { areLive: true };
  const keepAlive = async () => {
    for (const scheduler of schedulers.areLive ? await store.schedulers.all() : []) {
      await store.schedulers.keepAlive(scheduler);
    }
  };
  await keepAlive();
  stack.use(clock.every(KEEP_ALIVE_MS, () => void keepAlive()));
  const metrics = new MemoryMetrics();
  const open = (seed: number, options: OpenOptions = {}): Other => {
    const [calls, log, random] = [new Calls(), new MemoryLog(), seededRandom(seed)];
    const seal = new Seal({ key: options.key ?? "the key of all managers", purpose: "orders of jobs", random });
    const images = { blobs: () => Promise.reject(new DamselflyError("not_found", "no such image")) };
    const parts = { store: options.store ?? store, calls, images, clock, random, log, metrics };
    const jobs = new Jobs({ ...parts, seal, syncPeers, tracer: NO_TRACER });
    return { jobs, calls, log, [Symbol.asyncDispose]: () => jobs[Symbol.asyncDispose]() };
  };
  const { jobs, calls, log } = stack.use(open(1));
  await clock.advance(0);
  calls.asked.length = 0; // its first count of peers
  const start = async (type: string, args: Record<string, unknown>, ids: number[] = [], by = jobs): Promise<Job> => {
    const job = await by.start({ type, args, bio: "", userId: 0, schedulerClusterIds: ids }, NEVER);
    if (!("id" in job)) throw new Error("it has an answer");
    return job;
  };
  /** A job as it is now; its state, and of each cluster state, error and result. */
  const now = async (id: number) => {
    const job = await store.jobs.get(id);
    // deno-lint-ignore no-explicit-any -- what is missing fails the assertions
    const result = job?.result as any;
    return { job, state: job?.state, tasks: result?.job_states ?? [], progress: result?.progress };
  };
  /** A job once it is over, which it must be without time going by. */
  const ended = async (id: number) => {
    for (let turn = 0; turn < 200; turn++) {
      const shown = await now(id);
      if (shown.state !== "PENDING") return shown;
      await clock.advance(0);
    }
    throw new Error("the job does not end");
  };
  const owned = stack.move();
  return {
    ...{ clock, store, calls, log, metrics, jobs, schedulers, start, now, ended, open },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
