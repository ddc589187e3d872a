import { DamselflyError } from "../../core/error.ts";
import { type HostResult, JobsService } from "../../rpc/gen/damselfly/v1/jobs.ts";
import type { PeerFile, PeerImage, SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, type RpcService, service } from "../../rpc/service.ts";
import type { SchedulerMetrics } from "../scheduler_metrics.ts";
import {
  parsePreheatFile,
  parsePreheatImage,
  parseStatFile,
  parseStatImage,
  parseTaskJob,
  type PreheatOrder,
  type StatOrder,
} from "./job_order.ts";
import type { Jobs } from "./jobs.ts";

/** Failures that an answer without a list quotes. */
const FAILURES_QUOTED = 3;

/** `damselfly.v1.Jobs`: orders of a manager of ours. */
export function jobsService(jobs: Jobs, metrics: SchedulerMetrics): RpcService {
  return service(JobsService, {
    preheatImage: (request, { signal }) => {
      return metrics.stream("preheat_image", () => jobs.preheat(parsePreheatImage(request), signal));
    },
    preheatFile: (request, { signal }) => {
      return metrics.stream("preheat_file", () => jobs.preheat(parsePreheatFile(request), signal));
    },
    findTask: (request, { signal }) => jobs.find(parseTaskJob(request), signal),
    deleteTask: (request, { signal }) => jobs.delete(parseTaskJob(request), signal),
  });
}

/** The same for whoever speaks `scheduler.v2.Scheduler`, such as dfctl of Dragonfly (wire.md §1.3). */
export function jobHandlers(jobs: Jobs, metrics: SchedulerMetrics): Handlers<typeof SchedulerService> {
  const preheat = async (order: PreheatOrder, signal: AbortSignal) => {
    await untilPreheated(jobs.preheat(order, signal));
    return {};
  };
  return {
    preheatImage: (request, { signal }) => {
      return metrics.work("preheat_image", () => preheat(parsePreheatImage(request), signal));
    },
    preheatFile: (request, { signal }) => {
      return metrics.work("preheat_file", () => preheat(parsePreheatFile(request), signal));
    },
    statImage: (request, { signal }) =>
      metrics.work("stat_image", () => statImage(jobs, parseStatImage(request), signal)),
    statFile: (request, { signal }) => metrics.work("stat_file", () => statFile(jobs, parseStatFile(request), signal)),
  };
}

/** Resolves when each content is on one host at least. Throws `unavailable` otherwise, with some of the reasons. */
async function untilPreheated(results: AsyncIterable<HostResult>): Promise<void> {
  const missing = new Map<string, string>();
  const there = new Set<string>();
  for await (const { url, error } of results) {
    if (error === undefined) there.add(url);
    else missing.set(url, error);
  }
  const reasons = [...missing].flatMap(([url, error]) => there.has(url) ? [] : [error]);
  if (reasons.length === 0) return;
  const quoted = reasons.slice(0, FAILURES_QUOTED).join("; ");
  throw new DamselflyError("unavailable", `Cannot preheat ${reasons.length} contents: ${quoted}`);
}

async function statImage(jobs: Jobs, order: StatOrder, signal: AbortSignal) {
  let layers: { url: string }[] = [];
  const onContents = (urls: readonly string[]) => void (layers = urls.map((url) => ({ url })));
  const peers: PeerImage[] = (await byHost(jobs.stat(order, onContents, signal)))
    .map(({ ip, hostname, contents }) => ({ ip, hostname, cachedLayers: contents }));
  return { image: { layers }, peers };
}

async function statFile(jobs: Jobs, order: StatOrder, signal: AbortSignal) {
  const peers: PeerFile[] = (await byHost(jobs.stat(order, () => {}, signal)))
    .map(({ ip, hostname, contents }) => ({ ip, hostname, cachedFiles: contents }));
  return { peers };
}

interface Holder {
  readonly ip: string;
  readonly hostname: string;
  readonly contents: { readonly url: string; readonly isFinished: boolean }[];
}

async function byHost(results: AsyncIterable<HostResult>): Promise<Holder[]> {
  const holders = new Map<string, Holder>();
  for await (const { hostId, ip, hostname, url, isFinished } of results) {
    const holder = holders.get(hostId) ?? { ip, hostname, contents: [] };
    holder.contents.push({ url, isFinished });
    holders.set(hostId, holder);
  }
  return [...holders.values()];
}
