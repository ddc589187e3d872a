import { queryOptions } from "@tanstack/react-query";
import { api, dataOf, idPath, type Schemas } from "../api/client.ts";

/** How often a job that runs is looked at; its row is a few seconds old at most. */
export const RUNNING_INTERVAL_MS = 2_000;

type Row = Schemas["Job"];

/** A job as the API answers it. */
export type Job = Pick<Row, "id" | "type" | "state" | "bio" | "created_at" | "updated_at" | "args"> & {
  readonly result: unknown;
  readonly user?: { readonly name: string } | null | undefined;
  readonly scheduler_clusters?: readonly { readonly id: number; readonly name: string }[] | null | undefined;
};

/** What became of a content on a host. */
export interface HostOutcome {
  readonly url?: string;
  readonly hostname?: string;
  readonly ip?: string;
  readonly host_type?: string;
  readonly description?: string;
}

/** A layer or file, and on how many hosts it is. */
export interface ContentOutcome {
  readonly url: string;
  readonly success_count: number;
  readonly failure_count: number;
}

/** One cluster's part of a job. */
export interface ClusterPart {
  readonly clusterId: number | undefined;
  readonly state: Job["state"];
  readonly error: string;
  readonly successes: readonly HostOutcome[];
  readonly successCount: number;
  readonly failures: readonly HostOutcome[];
  readonly failureCount: number;
  readonly contents: readonly ContentOutcome[];
  readonly contentCount: number;
  /** Hosts of which something is known. */
  readonly hostCount: number;
  readonly peers: readonly (HostOutcome & { readonly created_at?: string })[];
  readonly peerCount: number;
}

/** How much of a job is done and failed; `expected` is 0 as long as it is not known. */
export interface JobProgress {
  readonly done: number;
  readonly failed: number;
  readonly expected: number;
}

type Loose = Readonly<Record<string, unknown>>;

/** The parts of a job, as far as its row tells; the lists may be shorter than the counts beside them. */
export function partsOf({ result }: Pick<Job, "result">): ClusterPart[] {
  return listOf<Loose>((result as Loose | null)?.["job_states"]).map((part) => {
    const found = listOf<Loose>(part["results"])[0] ?? {};
    const [successes, failures] = [
      listOf<HostOutcome>(found["success_tasks"]),
      listOf<HostOutcome>(found["failure_tasks"]),
    ];
    const [contents, peers] = [listOf<ContentOutcome>(found["contents"]), listOf<HostOutcome>(found["peers"])];
    return {
      clusterId: typeof found["scheduler_cluster_id"] === "number" ? found["scheduler_cluster_id"] : undefined,
      state: part["state"] === "SUCCESS" || part["state"] === "FAILURE" ? part["state"] : "PENDING",
      error: typeof part["error"] === "string" ? part["error"] : "",
      ...{ successes, successCount: countOf(found["success_count"], successes) },
      ...{ failures, failureCount: countOf(found["failure_count"], failures) },
      ...{ contents, contentCount: countOf(found["content_count"], contents) },
      hostCount: countOf(found["host_count"], hostsOf({ successes, failures })),
      ...{ peers, peerCount: countOf(found["peer_count"], peers) },
    };
  });
}

/** What became of all contents on one host. */
export interface HostSum {
  readonly hostname: string;
  readonly ip: string;
  readonly done: number;
  readonly failed: number;
}

/** The hosts of a part, as far as its lists go: those on which something failed first. */
export function hostsOf({ successes, failures }: Pick<ClusterPart, "successes" | "failures">): HostSum[] {
  const hosts = new Map<string, HostSum>();
  const add = ({ hostname = "", ip = "" }: HostOutcome, what: "done" | "failed") => {
    const host = hosts.get(`${hostname} ${ip}`) ?? { hostname, ip, done: 0, failed: 0 };
    hosts.set(`${hostname} ${ip}`, { ...host, [what]: host[what] + 1 });
  };
  for (const outcome of successes) add(outcome, "done");
  for (const outcome of failures) add(outcome, "failed");
  return [...hosts.values()].sort((a, b) => b.failed - a.failed || a.done - b.done);
}

/** How far a job is in all clusters together. */
export function progressOf(job: Pick<Job, "result">): JobProgress {
  const parts = partsOf(job);
  const progress = (job.result as Loose | null)?.["progress"] as Loose | undefined;
  return {
    done: parts.reduce((total, { successCount, peerCount }) => total + successCount + peerCount, 0),
    failed: parts.reduce((total, { failureCount }) => total + failureCount, 0),
    expected: countOf(progress?.["expected_count"], []),
  };
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value as T[] : [];
}

function countOf(value: unknown, list: readonly unknown[]): number {
  return typeof value === "number" ? value : list.length;
}

/** One job, looked at again and again while it runs. */
export function jobQuery(id: string | number) {
  return queryOptions({
    queryKey: ["jobs", String(id)],
    queryFn: async ({ signal }): Promise<Job> => await dataOf(api.GET("/api/v1/jobs/{id}", { ...idPath(id), signal })),
    refetchInterval: ({ state }) => state.data?.state === "PENDING" ? RUNNING_INTERVAL_MS : false,
  });
}

/** Orders a job; its id. */
export async function orderJob(
  order: {
    readonly type: string;
    readonly bio?: string;
    readonly args: Record<string, unknown>;
    readonly clusterIds: readonly number[];
  },
): Promise<number> {
  const { type, bio = "", args, clusterIds } = order;
  const body = { type, bio, args, scheduler_cluster_ids: [...clusterIds] };
  // The answer of a job about images is its result, so that the document allows anything here.
  return (await dataOf(api.POST("/api/v1/jobs", { body })) as { readonly id: number }).id;
}
