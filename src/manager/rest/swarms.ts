import * as z from "zod";
import type { GetSwarmResponse, SwarmCounts, SwarmMember, SwarmSummary } from "../../rpc/gen/damselfly/v1/swarms.ts";
import type { Timestamp } from "../../rpc/gen/google/protobuf/timestamp.ts";
import { msOfTimestamp } from "../../rpc/time.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { RestOptions } from "./context.ts";
import { IdParams, name, numberInText, timeJson } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/clusters/:id";
const ROWS_MAX = 100;
const OFFSET_MAX = 1_000;
const NAME_CHARACTERS_MAX = 512;

const Counts = z.object({
  waiting: z.int(),
  downloading: z.int(),
  at_source: z.int(),
  done: z.int(),
  failed: z.int(),
}).meta({ id: "SwarmCounts" });

const summary = {
  scheduler_id: z.int(),
  scheduler: z.string().meta({ description: "Host name of the scheduler that has the task." }),
  task_id: z.string(),
  url: z.string(),
  digest: z.string().nullable(),
  content_length: z.number().meta({ description: "In bytes; 0 while unknown." }),
  counts: Counts,
  since: z.string().meta({ description: "When it began to move, or stopped." }),
};

const Summary = z.object(summary).meta({ id: "SwarmSummary" });

const SwarmsQuery = z.object({
  state: z.enum(["moving", "stopped"]).default("moving"),
  offset: numberInText(OFFSET_MAX).default(0),
  limit: numberInText(ROWS_MAX).default(20),
});

const SwarmsReply = z.object({
  swarms: z.array(Summary).meta({ description: "Who has moved for longest comes first; who stopped last." }),
  total: z.int().meta({ description: "At most 1,000: of more the others cannot be paged to." }),
  silent: z.array(z.object({ scheduler: z.string(), reason: z.string() }))
    .meta({ description: "Schedulers of which nothing is known, and why." }),
}).meta({ id: "Swarms" });

const Feed = z.object({
  from: z.int().nullable().meta({ description: "Place among the members; null is the source." }),
  since_ms: z.number(),
  until_ms: z.number(),
  pieces: z.int(),
}).meta({ id: "SwarmFeed" });

const Member = z.object({
  peer_id: z.string(),
  host_id: z.string(),
  hostname: z.string(),
  ip: z.string(),
  place: z.string(),
  is_seed: z.boolean(),
  begun_ms: z.number(),
  started_ms: z.number().nullable(),
  at_source_ms: z.number().nullable(),
  ended_ms: z.number().nullable(),
  is_failed: z.boolean(),
  tenths_ms: z.array(z.number()).meta({ description: "When each tenth of its pieces was there." }),
  pieces: z.int(),
  piece_count: z.int(),
  feeds: z.array(Feed),
}).meta({ id: "SwarmMember" });

const SwarmReply = z.object({
  ...summary,
  members: z.array(Member).meta({ description: "At most 600 peers; times are milliseconds since `begun_at`." }),
  others: z.int().meta({ description: "Peers that are not among them." }),
  places: z.array(
    z.object({
      name: z.string(),
      counts: Counts,
      flows: z.array(z.object({
        from: z.int().nullable().meta({ description: "Place among the places; null is the source." }),
        pieces: z.number(),
      })),
    }).meta({ id: "SwarmPlace" }),
  ),
  begun_at: z.string(),
  now_ms: z.number(),
}).meta({ id: "Swarm" });

/** Who gets what from whom in a cluster, as its schedulers say when they are asked. */
export function swarmRoutes({ swarms }: RestOptions): Route[] {
  const access = roleAccess(PATH);
  return [
    route({
      ...{ method: "GET", path: `${PATH}/swarms`, access, summary: "List tasks that move, or did a while ago" },
      ...{ params: IdParams, query: SwarmsQuery, reply: SwarmsReply },
    }, async ({ params: { id }, query: { state, ...page }, signal }) => {
      const found = await swarms.list(id, { stopped: state === "stopped", ...page }, signal);
      return {
        swarms: found.swarms.map((swarm) => summaryJson(swarm, swarm.scheduler)),
        total: found.total,
        silent: found.silent.map(({ scheduler: { hostname }, reason }) => ({ scheduler: hostname, reason })),
      };
    }),
    route({
      ...{ method: "GET", path: `${PATH}/swarm`, access, summary: "Show who gets a task from whom" },
      ...{ params: IdParams, query: z.object({ task: name(NAME_CHARACTERS_MAX) }), reply: SwarmReply },
    }, async ({ params: { id }, query: { task }, signal }) => {
      const { scheduler, found } = await swarms.get(id, task, signal);
      return swarmJson(found, scheduler);
    }),
  ];
}

function summaryJson({ since, counts, ...task }: SwarmSummary, { id, hostname }: SchedulerRecord) {
  return {
    ...{ scheduler_id: id, scheduler: hostname, task_id: task.taskId, url: task.url },
    ...{ digest: task.digest || null, content_length: task.contentLength },
    ...{ counts: countsJson(counts), since: timestampJson(since) },
  };
}

function swarmJson(found: GetSwarmResponse, scheduler: SchedulerRecord) {
  return {
    ...summaryJson(found.swarm ?? NO_SUMMARY, scheduler),
    members: found.members.map(memberJson),
    others: found.others,
    places: found.places.map(({ name, counts, flows }) => ({
      name,
      counts: countsJson(counts),
      flows: flows.map(({ from, pieces }) => ({ from: from ?? null, pieces })),
    })),
    begun_at: timestampJson(found.begunAt),
    now_ms: found.nowMs,
  };
}

const NO_SUMMARY: SwarmSummary = {
  ...{ taskId: "", url: "", digest: "", contentLength: 0, counts: undefined, since: undefined },
};

function countsJson(counts: SwarmCounts | undefined): z.infer<typeof Counts> {
  const { waiting = 0, downloading = 0, atSource: at_source = 0, done = 0, failed = 0 } = counts ?? {};
  return { waiting, downloading, at_source, done, failed };
}

function memberJson({ feeds, ...member }: SwarmMember): z.infer<typeof Member> {
  return {
    ...{ peer_id: member.peerId, host_id: member.hostId, hostname: member.hostname, ip: member.ip },
    ...{ place: member.place, is_seed: member.isSeed, begun_ms: member.begunMs },
    ...{ started_ms: member.startedMs ?? null, at_source_ms: member.atSourceMs ?? null },
    ...{ ended_ms: member.endedMs ?? null, is_failed: member.isFailed, tenths_ms: member.tenthsMs },
    ...{ pieces: member.pieces, piece_count: member.pieceCount },
    feeds: feeds.map(({ from, sinceMs, untilMs, pieces }) => ({
      ...{ from: from ?? null, since_ms: sinceMs, until_ms: untilMs, pieces },
    })),
  };
}

function timestampJson(time: Timestamp | undefined): string {
  return timeJson(time === undefined ? 0 : msOfTimestamp(time));
}
