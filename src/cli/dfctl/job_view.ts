import * as z from "zod";
import { shownList, shownTime } from "./answers.ts";

const FAILURES_SHOWN = 10;
const count = z.int().min(0).optional();
const Entry = z.object({
  url: z.string().optional(),
  hostname: z.string().optional(),
  ip: z.string().optional(),
  description: z.string().optional(),
});

/** A job as dfctl reads it (manager-rest.md §4.5). */
export const Job = z.object({
  id: z.int(),
  type: z.string(),
  state: z.string(),
  bio: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  user: z.object({ name: z.string() }).nullish(),
  scheduler_clusters: z.array(z.object({ id: z.int(), name: z.string() })).nullish(),
  args: z.object({
    url: z.string().optional(),
    urls: z.array(z.string()).nullish(),
    task_id: z.string().optional(),
  }).nullish(),
  result: z.object({
    job_states: z.array(z.object({
      error: z.string().optional(),
      results: z.array(z.object({
        success_tasks: z.array(z.unknown()).nullish(),
        failure_tasks: z.array(Entry).nullish(),
        success_count: count,
        failure_count: count,
        peers: z.array(z.unknown()).nullish(),
        peer_count: count,
      })).nullish(),
    })).nullish(),
    progress: z.object({ expected_count: count }).nullish(),
  }).nullish(),
});
export type Job = z.output<typeof Job>;

/** How many contents are on how many hosts, one each, and how many could not be fetched there. */
export interface JobCounts {
  readonly done: number;
  readonly failed: number;
  /** How many both will be together at the end; 0 while that is not known. */
  readonly expected: number;
}

/** Whether nothing more becomes of a job. */
export function isOver({ state }: Pick<Job, "state">): boolean {
  return state === "SUCCESS" || state === "FAILURE";
}

/** What has become of a job until now. */
export function countsOf({ result }: Job): JobCounts {
  const results = (result?.job_states ?? []).flatMap((part) => part.results ?? []);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  return {
    done: sum(results.map((part) => {
      return (part.success_count ?? part.success_tasks?.length ?? 0) + (part.peer_count ?? part.peers?.length ?? 0);
    })),
    failed: sum(results.map((part) => part.failure_count ?? part.failure_tasks?.length ?? 0)),
    expected: result?.progress?.expected_count ?? 0,
  };
}

/** Why a job failed, or what failed of it, a line each: of clusters first, then of hosts. */
export function failuresOf({ result }: Job): string[] {
  const parts = result?.job_states ?? [];
  const reasons = parts.flatMap(({ error }) => error ? [error] : []);
  const hosts = parts.flatMap(({ results }) => results ?? []).flatMap((part) => part.failure_tasks ?? []);
  const shown = hosts.slice(0, FAILURES_SHOWN).map(({ hostname, ip, url, description }) => {
    return `${hostname || ip || "?"}${url ? ` ${url}` : ""}: ${description ?? "failed"}`;
  });
  const rest = hosts.length - shown.length;
  return [...new Set([...reasons, ...shown]), ...rest > 0 ? [`… and ${rest} more`] : []];
}

/** A job in a table. */
export function jobRow(job: Job) {
  const { done, failed } = countsOf(job);
  return {
    "ID": String(job.id),
    "TYPE": job.type,
    "STATE": job.state,
    "DONE": String(done),
    "FAILED": String(failed),
    "USER": job.user?.name ?? "-",
    "CREATED": shownTime(job.created_at),
    "WHAT": job.args?.url || job.args?.urls?.[0] || job.args?.task_id || job.bio || "-",
  };
}

/** One job on its own. */
export function jobFields(job: Job) {
  const failures = failuresOf(job).map((text, index) => [`FAILURE ${index + 1}`, text]);
  return {
    ...jobRow(job),
    "UPDATED": shownTime(job.updated_at),
    "DESCRIPTION": job.bio || "-",
    "CLUSTERS": shownList(job.scheduler_clusters?.map(({ name }) => name)),
    ...Object.fromEntries(failures),
  };
}
