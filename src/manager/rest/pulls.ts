import * as z from "zod";
import { PULL_EVENT_KINDS } from "../../core/pull_story.ts";
import { isSlowPart, pullSentence, slowestOf } from "../../core/pull_words.ts";
import type { Pull } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { pullJson } from "../../rpc/pull_json.ts";
import type { RestOptions } from "./context.ts";
import { IdParams, line, name, numberInText } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/clusters/:id/pulls";
const PULLS_MAX = 200;
const NAME_CHARACTERS_MAX = 512;

const PullsQuery = z.object({
  host: name().meta({ description: "Id, name or address of the one host that is asked." }),
  name: line(NAME_CHARACTERS_MAX).default("").meta({
    description: "An image with or without a tag, a digest or a task id; empty for the last pulls of the host.",
  }),
  limit: numberInText(PULLS_MAX).default(PULLS_MAX),
});

const Event = z.object({
  kind: z.string().meta({ description: `One of ${PULL_EVENT_KINDS.join(", ")}.` }),
  at_ms: z.number().meta({ description: "When it ended, since the pull began." }),
  ms: z.number().meta({ description: "For how long it was waited." }),
  subject: z.string(),
  detail: z.string(),
  slow: z.boolean().meta({ description: "Whether it is the slow part of the pull." }),
}).meta({ id: "PullEvent" });

const Parent = z.object({
  peer_id: z.string(),
  host_id: z.string(),
  hostname: z.string(),
  ip: z.string(),
  idc: z.string(),
  is_seed: z.boolean(),
  pieces: z.int(),
  bytes: z.number(),
}).meta({ id: "PullParent" });

const PullReply = z.object({
  task_id: z.string(),
  url: z.string(),
  registry: z.string(),
  repository: z.string(),
  digest: z.string().nullable(),
  application: z.string().nullable(),
  requester: z.string().nullable(),
  is_triggered: z.boolean(),
  is_hit: z.boolean(),
  is_running: z.boolean(),
  started_at: z.string().nullable(),
  first_byte_ms: z.number().nullable(),
  duration_ms: z.number(),
  content_length: z.number(),
  origin_bytes: z.number(),
  peer_bytes: z.number(),
  local_bytes: z.number(),
  parents: z.array(Parent),
  events: z.array(Event),
  dropped_events: z.int(),
  error: z.string().nullable(),
  cause: z.string(),
  lost_ms: z.number(),
  reason: z.string(),
}).meta({ id: "Pull" });

const PullsReply = z.object({
  host_id: z.string(),
  hostname: z.string(),
  ip: z.string(),
  tag_digest: z.string().nullable(),
  pulls: z.array(PullReply).meta({ description: "In the order of their starts; without a name the newest first." }),
  slowest: z.int().meta({ description: "Place among the pulls of the one that is explained; -1 when there are none." }),
  sentence: z.string().meta({ description: "What made it slow, as `dfctl explain` says it." }),
}).meta({ id: "Pulls" });

/** What one host pulled, and what made that slow: asked of that host alone, through a scheduler of its cluster. */
export function pullRoutes({ swarms }: RestOptions): Route[] {
  return [route({
    ...{ method: "GET", path: PATH, access: roleAccess(PATH), summary: "Explain the pulls of a host" },
    ...{ params: IdParams, query: PullsQuery, reply: PullsReply },
  }, async ({ params: { id }, query: { host, name, limit }, signal }) => {
    const found = await swarms.pulls(id, host, { name, limit }, signal);
    const { hostId, hostname, ip } = found.host;
    const { tagDigest, pulls: newest } = found.listed;
    const pulls = name === "" ? newest : newest.toReversed();
    const slowest = pulls.length === 0 ? -1 : slowestOf(pulls);
    const worst = pulls[slowest];
    return {
      ...{ host_id: hostId, hostname, ip, tag_digest: tagDigest || null, pulls: pulls.map(pullReply), slowest },
      sentence: worst === undefined ? "" : pullSentence(worst, slowest + 1),
    };
  })];
}

function pullReply(pull: Pull): z.infer<typeof PullReply> {
  const { events, ...json } = pullJson(pull);
  return { ...json, events: events.map((event) => ({ ...event, slow: isSlowPart(event.ms, pull) })) };
}
