import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { SchedulerCluster } from "../store/clusters.ts";
import type { Job, JobFilter, JobState } from "../store/jobs.ts";
import { JsonObject } from "../store/records.ts";
import type { User } from "../store/users.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  bio,
  given,
  id,
  idOrNone,
  IdParams,
  line,
  numberInText,
  present,
  rowFields,
  rowJson,
} from "./fields.ts";
import { parseJobArgs } from "./job_args.ts";
import type { JobRateLimiter } from "./job_rate_limit.ts";
import { withoutSecrets } from "./job_redaction.ts";
import { LISTED_ENTRIES_MAX, summaryOf } from "./job_summary.ts";
import { type Access, Answer, type Caller, type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

const CLUSTERS_MAX = 1_000;
const STATES = ["PENDING", "RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE"] as const satisfies JobState[];
/** What Harbor knows; it takes any other state for a failure (manager-rest.md §5.1). */
const shownState = z.enum(["PENDING", "SUCCESS", "FAILURE"]);

const clusterIds = given(z.array(id()).max(CLUSTERS_MAX));
const Order = z.object({
  type: z.string().max(64),
  bio: given(bio()),
  user_id: given(idOrNone()),
  args: given(JsonObject),
  scheduler_cluster_ids: clusterIds,
  seed_peer_cluster_ids: clusterIds,
});
const Change = z.object({ bio: given(bio()), user_id: given(idOrNone()) });
const Query = z.object({
  type: line(64).optional(),
  state: z.enum(STATES).optional(),
  user_id: numberInText().optional(),
});
const Cluster = z.object({ id: z.int(), name: z.string() });
const RESULT =
  "How far the job is, a few seconds old at most: job_states has one entry for each scheduler cluster, whose " +
  "results[0] lists what became of which host (success_tasks, failure_tasks, peers) and, for a preheat, of each content " +
  `(contents). The lists are cut off where a row would be too large, and after ${LISTED_ENTRIES_MAX} entries in a list ` +
  "of jobs; success_count, failure_count, peer_count, content_count, content_done_count and host_count count all. Of " +
  "expected_count contents on hosts success_count and " +
  "failure_count are over; it is 0 as long as it is not known. progress has the sums of all clusters.";
const Reply = z.object({
  ...rowFields,
  task_id: z.string(),
  bio: z.string(),
  type: z.string(),
  state: shownState,
  args: JsonObject.meta({
    description: "What was ordered; passwords, tokens, signatures and what headers hold are left out.",
  }),
  result: JsonObject.nullable().meta({ description: RESULT }),
  user_id: z.int(),
  user: UserReply.nullable(),
  seed_peer_clusters: z.array(Cluster).nullable(),
  scheduler_clusters: z.array(Cluster).nullable(),
}).meta({ id: "Job" });

const RATE_EXCEEDED = new Answer("rate limit exceeded", { status: 429, isText: true }) as Answer<never>;

/** `jobs`, below `prefix` (manager-rest.md §4). */
export function jobRoutes(options: RestOptions, prefix: string, access: Access, rateLimit: JobRateLimiter): Route[] {
  const { store, jobs } = options;
  const path = `${prefix}/jobs`;
  const one = { path: `${path}/:id`, access, params: IdParams };
  const whole = async (job: Job) => {
    const clusters = await Promise.all(job.schedulerClusterIds.map((id) => store.schedulerClusters.get(id)));
    const known = clusters.filter((cluster) => cluster !== undefined).map(({ id, name }) => ({ id, name }));
    return jobJson(job, await store.users.get(job.userId), known);
  };
  return [
    route({
      ...{ method: "POST", path, access, summary: "Order a job" },
      ...{ body: Order, reply: z.union([Reply, z.unknown()]) },
    }, async ({ body, caller, signal }) => {
      const args = parseJobArgs(body.type, body.args ?? {});
      const clusters = await clustersOf(body.scheduler_cluster_ids ?? [], options);
      if (!await takes(rateLimit, clusters)) return RATE_EXCEEDED;
      if (!jobs.types.has(body.type)) {
        throw new DamselflyError("unimplemented", `Jobs of type ${body.type} are not run by this manager yet`);
      }
      const order = {
        type: body.type,
        bio: body.bio ?? "",
        userId: body.user_id || userIdOf(caller),
        args,
        schedulerClusterIds: clusters.map(({ id }) => id),
      };
      const result = await jobs.start(order, signal);
      return "answer" in result ? result.answer : await whole(result);
    }),
    route({
      ...{ method: "GET", path, access, summary: "List jobs", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<JobFilter>({ type: query.type, state: query.state, userId: query.user_id });
      const { rows, total } = await store.jobs.list(filter, page);
      const users = await store.users.getMany(rows.map(({ userId }) => userId));
      return { rows: rows.map((job) => jobJson(summarized(job), users.get(job.userId), null)), total };
    }),
    route({ ...one, method: "GET", summary: "Show a job", reply: Reply }, async ({ params: { id } }) => {
      return await whole(existing(await store.jobs.get(id), "job", id));
    }),
    route(
      { ...one, method: "PATCH", summary: "Change what a job says of itself", body: Change, reply: Reply },
      async ({ params, body }) => {
        return await whole(await store.jobs.update(params.id, present({ bio: body.bio, userId: body.user_id })));
      },
    ),
    route({ ...one, method: "DELETE", summary: "Cancel and remove a job" }, async ({ params: { id }, caller }) => {
      existing(await store.jobs.get(id), "job", id);
      await jobs.cancel(id, nameOf(caller));
      await store.jobs.remove(id);
    }),
    ...changeRoutes(options, one, { rateLimit, whole }),
  ];
}

/** What stops a job, and what begins it again. */
function changeRoutes(
  options: RestOptions,
  one: { readonly path: string; readonly access: Access; readonly params: typeof IdParams },
  { rateLimit, whole }: {
    readonly rateLimit: JobRateLimiter;
    readonly whole: (job: Job) => Promise<z.input<typeof Reply>>;
  },
): Route[] {
  const { store, jobs } = options;
  return [
    route({
      ...{ ...one, method: "POST", path: `${one.path}/cancel`, reply: Reply },
      summary: "Cancel a job, which then has failed; one that another manager runs ends within seconds",
    }, async ({ params: { id }, caller }) => {
      const { state } = existing(await store.jobs.get(id), "job", id);
      if (isOver(state)) throw new DamselflyError("failed_precondition", `Cannot cancel job ${id}: it has ended`);
      await jobs.cancel(id, nameOf(caller));
      return await whole(existing(await store.jobs.get(id), "job", id));
    }),
    route({
      ...{ ...one, method: "POST", path: `${one.path}/retry`, reply: Reply },
      summary: "Run again what failed of a job, as long as its order is kept",
    }, async ({ params: { id } }) => {
      const { schedulerClusterIds } = existing(await store.jobs.get(id), "job", id);
      if (!await takes(rateLimit, await clustersOf(schedulerClusterIds, options))) return RATE_EXCEEDED;
      return await whole(await jobs.retry(id));
    }),
  ];
}

/** Whether each of the clusters may get one job more now. */
async function takes(rateLimit: JobRateLimiter, clusters: readonly SchedulerCluster[]): Promise<boolean> {
  return await rateLimit.take(clusters.map(({ id, config }) => ({ id, jobRateLimit: config.job_rate_limit })));
}

/** The clusters that are named. Fails with `not_found` for one that does not exist. */
export function clustersOf(ids: readonly number[], { store }: Pick<RestOptions, "store">): Promise<SchedulerCluster[]> {
  return Promise.all([...new Set(ids)].map(async (id) => {
    return existing(await store.schedulerClusters.get(id), "scheduler cluster", id);
  }));
}

/** Whose a thing is that a caller makes; 0 for nobody's. */
export function userIdOf(caller: Caller): number {
  if (caller.kind === "user") return caller.user.id;
  return caller.kind === "token" ? caller.token.userId : 0;
}

/** Who asks, as people know him. */
function nameOf(caller: Caller): string {
  if (caller.kind === "user") return caller.user.name;
  return caller.kind === "token" ? `token ${caller.token.name}` : "nobody";
}

/** Whether a job has ended. */
function isOver(state: JobState): state is "SUCCESS" | "FAILURE" {
  return state === "SUCCESS" || state === "FAILURE";
}

function summarized(job: Job): Job {
  return { ...job, result: summaryOf(job.result) };
}

function jobJson(job: Job, user: User | undefined, clusters: z.infer<typeof Cluster>[] | null) {
  return {
    ...rowJson(job),
    task_id: job.taskId,
    bio: job.bio,
    type: job.type,
    state: isOver(job.state) ? job.state : "PENDING" as const,
    args: withoutSecrets(job.args),
    result: Object.keys(job.result).length === 0 ? null : withoutSecrets(job.result),
    user_id: job.userId,
    user: user === undefined ? null : userJson(user),
    seed_peer_clusters: clusters === null ? null : [],
    scheduler_clusters: clusters,
  };
}
