import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { tryParseDigest } from "../../core/digest.ts";
import { parseDistributionPath } from "../../oci/distribution_path.ts";
import { preheatRequests } from "../jobs/job_requests.ts";
import { nanosecondsOfMilliseconds } from "../store/liveness.ts";
import { JsonObject } from "../store/records.ts";
import type { User } from "../store/users.ts";
import type { WarmImage, WarmImageDeclaration, WarmImageFilter } from "../store/warm_images.ts";
import { parseCron } from "../warm/cron.ts";
import { firstProgress, type Redeclared, redeclared, runNow } from "../warm/image_steps.ts";
import type { RestOptions } from "./context.ts";
import { existing } from "./errors.ts";
import {
  asked,
  bio,
  given,
  id,
  IdParams,
  line,
  name,
  nanoseconds,
  numberInText,
  present,
  rowFields,
  rowJson,
  timeJson,
} from "./fields.ts";
import { parseJobArgs, type PreheatArgs } from "./job_args.ts";
import { REDACTED } from "./job_redaction.ts";
import { clustersOf, userIdOf } from "./jobs.ts";
import { type Access, type Route, route } from "./route.ts";
import { userJson, UserReply } from "./users.ts";

/** Warm images of one manager. */
const WARM_IMAGES_MAX = 1_000;
const CLUSTERS_MAX = 1_000;
const MINUTE_MS = 60_000;
const FOLLOW_MS = { min: MINUTE_MS, max: 30 * 24 * 60 * MINUTE_MS };

const follow = nanoseconds().refine((ms) => ms === 0 || (ms >= FOLLOW_MS.min && ms <= FOLLOW_MS.max), {
  error: "expected 0, or nanoseconds from one minute to 30 days",
});
const declared = {
  bio: given(bio()),
  scheduler_cluster_ids: given(z.array(id()).max(CLUSTERS_MAX)),
  cron: given(line()).describe("Minute, hour, day of month, month and day of week; empty for never."),
  time_zone: given(line()).describe("In which cron is read: UTC, or a name such as Europe/Berlin."),
  follow: given(follow).describe("How often the tag is asked for a new digest, in nanoseconds; 0 for never."),
  on_join: given(z.boolean()).describe(
    "Whether hosts that join a cluster, and those that are there, are brought to it.",
  ),
  paused: given(z.boolean()),
};
const Creation = z.object({ name: name(), args: JsonObject, ...declared });
const Change = z.object({ name: given(name()), args: given(JsonObject), ...declared });
const Query = z.object({ name: line().optional(), user_id: numberInText().optional() });

const Status = z.object({
  job_id: z.int().describe("The job that runs; 0 while none does."),
  job_ids: z.array(z.int()).describe("The last jobs, the newest first."),
  last_run_at: z.string(),
  last_state: z.enum(["", "PENDING", "SUCCESS", "FAILURE"]),
  last_error: z.string(),
  failures: z.int().describe("Runs that failed one after another."),
  skipped: z.int().describe("Runs that were left out, for the one before still ran."),
  next_run_at: z.string(),
  digest: z.string().describe("What the tag was when it was asked last."),
  warm_digest: z.string().describe("What the tag was when it was warmed last."),
  next_check_at: z.string(),
  check_error: z.string(),
  check_failures: z.int(),
  hosts: z.object({ known: z.int(), warm: z.int(), failing: z.int() }).nullable()
    .describe("Hosts of its clusters and how many have it, as far as on_join goes; null in lists and without on_join."),
});
const Reply = z.object({
  ...rowFields,
  name: z.string(),
  bio: z.string(),
  args: JsonObject.meta({
    description: "Those of a preheat; passwords, tokens, signatures and what headers hold are left out.",
  }),
  scheduler_cluster_ids: z.array(z.int()).describe("None stands for all clusters."),
  cron: z.string(),
  time_zone: z.string(),
  follow: z.int(),
  on_join: z.boolean(),
  paused: z.boolean(),
  user_id: z.int(),
  user: UserReply.nullable(),
  status: Status,
}).meta({ id: "WarmImage" });

/** `warm-images`, below `prefix`: what is preheated by itself. No route of Dragonfly's. */
export function warmImageRoutes(options: RestOptions, prefix: string, access: Access): Route[] {
  const { store, clock, random } = options;
  const path = `${prefix}/warm-images`;
  const one = { path: `${path}/:id`, access, params: IdParams };
  const whole = async (image: WarmImage) => {
    const { schedulerClusterIds, declaredAtMs, onJoin } = image;
    const hosts = onJoin ? await store.warmHosts.count(schedulerClusterIds, declaredAtMs) : null;
    return imageJson(image, await store.users.get(image.userId), hosts);
  };
  return [
    route({
      ...{ method: "POST", path, access, summary: "Declare a warm image" },
      ...{ body: Creation, reply: Reply },
    }, async ({ body, caller }) => await whole(await declare(body, userIdOf(caller), options))),
    route({
      ...{ method: "GET", path, access, summary: "List warm images", isList: true },
      ...{ query: Query, reply: Reply },
    }, async ({ query, page }) => {
      const filter = asked<WarmImageFilter>({ name: query.name, userId: query.user_id });
      const { rows, total } = await store.warmImages.list(filter, page);
      const users = await store.users.getMany(rows.map(({ userId }) => userId));
      return { rows: rows.map((image) => imageJson(image, users.get(image.userId), null)), total };
    }),
    route({ ...one, method: "GET", summary: "Show a warm image", reply: Reply }, async ({ params: { id } }) => {
      return await whole(existing(await store.warmImages.get(id), "warm image", id));
    }),
    route({
      ...{ ...one, method: "PATCH", summary: "Change a warm image" },
      ...{ body: Change, reply: Reply },
    }, async ({ params: { id }, body }) => await whole(await declareAnew(id, body, options))),
    route({ ...one, method: "DELETE", summary: "Remove a warm image; a job that runs goes on" }, ({ params }) => {
      return store.warmImages.remove(params.id);
    }),
    route({
      ...{ method: "POST", path: `${path}/:id/run`, access, params: IdParams, summary: "Run a warm image now" },
      reply: Reply,
    }, async ({ params: { id } }) => {
      const changed = await store.warmImages.change(id, (image) => {
        refuseRun(image);
        return runNow(image, { nowMs: clock.wallMs(), random });
      });
      return await whole(existing(changed, "warm image", id));
    }),
  ];
}

async function declare(
  body: z.output<typeof Creation>,
  userId: number,
  options: RestOptions,
): Promise<WarmImage> {
  const { store, warmArgs, clock, random } = options;
  const clusters = await clustersOf(body.scheduler_cluster_ids ?? [], options);
  const declaration = checkedDeclaration({
    ...{ name: body.name, bio: body.bio ?? "", ...warmArgs.stored(body.name, checkedArgs(body.args)) },
    ...{ userId, schedulerClusterIds: clusters.map((cluster) => cluster.id) },
    ...{ cron: body.cron ?? "", timeZone: body.time_zone || "UTC", followIntervalMs: body.follow ?? 0 },
    ...{ onJoin: body.on_join ?? false, isPaused: body.paused ?? false },
  }, clock.wallMs());
  const { total } = await store.warmImages.list({}, { offset: 0, limit: 1 });
  if (total >= WARM_IMAGES_MAX) {
    throw new DamselflyError("resource_exhausted", `Cannot declare a warm image: there are ${total} already`);
  }
  const newestMs = await newestOf(options);
  const progress = firstProgress(declaration, { nowMs: clock.wallMs(), random, newestMs });
  return await store.warmImages.create({ ...declaration, ...progress });
}

async function declareAnew(id: number, body: z.output<typeof Change>, options: RestOptions): Promise<WarmImage> {
  const { store, clock, random } = options;
  const before = existing(await store.warmImages.get(id), "warm image", id);
  const clusters = body.scheduler_cluster_ids && await clustersOf(body.scheduler_cluster_ids, options);
  const patch = present<Partial<WarmImageDeclaration>>({
    ...{ name: body.name, bio: body.bio, cron: body.cron, timeZone: body.time_zone || undefined },
    ...{ followIntervalMs: body.follow, onJoin: body.on_join, isPaused: body.paused },
    schedulerClusterIds: clusters?.map((cluster) => cluster.id),
    ...storedAnew(before, body, options),
  });
  const newestMs = await newestOf(options);
  const changed = await store.warmImages.change(id, (image) => {
    refuseRace(before, image);
    const nowMs = clock.wallMs();
    const declaration = checkedDeclaration({ ...image, ...patch }, nowMs);
    const changes = changesOf(image, patch, body.args !== undefined);
    return { ...patch, ...redeclared({ ...image, ...declaration }, changes, { nowMs, random, newestMs }) };
  });
  return existing(changed, "warm image", id);
}

/** When the newest warm image was declared. */
async function newestOf({ store }: Pick<RestOptions, "store">): Promise<number> {
  return Math.max(0, ...(await store.warmImages.all()).map(({ declaredAtMs }) => declaredAtMs));
}

/** The arguments of a preheat, cleaned. Fails with `invalid_argument`, and `unimplemented` for what no run could do. */
function checkedArgs(given: JsonObject): JsonObject {
  const args = parseJobArgs("preheat", given);
  if (JSON.stringify(args).includes(REDACTED)) {
    const message = `args: ${REDACTED} stands for a secret that is not shown; give the secret itself`;
    throw new DamselflyError("invalid_argument", message);
  }
  preheatRequests(args as unknown as PreheatArgs);
  return args;
}

/** What is declared, if its parts fit together. Fails with `invalid_argument`. */
function checkedDeclaration<D extends WarmImageDeclaration>(declaration: D, nowMs: number): D {
  const { args, cron, timeZone, followIntervalMs, onJoin } = declaration;
  if (cron === "" && followIntervalMs === 0 && !onJoin) refuse("one of cron, follow and on_join is needed");
  if (parseCron(cron === "" ? "0 0 * * *" : cron, timeZone).after(nowMs) === 0) refuse("cron: that time never comes");
  if (followIntervalMs > 0 && !hasTag(args)) refuse("follow: args must be of an image, by a tag");
  return declaration;
}

function refuse(message: string): never {
  throw new DamselflyError("invalid_argument", message);
}

function hasTag({ type, url }: JsonObject): boolean {
  const path = typeof url === "string" ? parseDistributionPath(new URL(url).pathname) : undefined;
  return type === "image" && path?.kind === "manifest" && tryParseDigest(path.reference) === undefined;
}

/** The arguments as they are stored under a new name, or new ones. */
function storedAnew(
  before: WarmImage,
  { name = before.name, args }: z.output<typeof Change>,
  { warmArgs }: Pick<RestOptions, "warmArgs">,
) {
  if (args !== undefined) return warmArgs.stored(name, checkedArgs(args));
  return name === before.name ? {} : warmArgs.stored(name, warmArgs.open(before));
}

/** Arguments are sealed for the name that was read. */
function refuseRace(before: WarmImage, now: WarmImage): void {
  if (before.sealedArgs === now.sealedArgs) return;
  const message = `Cannot change warm image ${now.id}: somebody else changed its arguments; look at them and try again`;
  throw new DamselflyError("failed_precondition", message);
}

function refuseRun({ id, jobId, isPaused }: WarmImage): void {
  const why = isPaused ? "it is paused" : jobId === 0 ? undefined : `its job ${jobId} runs`;
  if (why !== undefined) throw new DamselflyError("failed_precondition", `Cannot run warm image ${id}: ${why}`);
}

function changesOf(before: WarmImage, patch: Partial<WarmImageDeclaration>, areArgsGiven: boolean): Redeclared {
  const isOther = (...keys: readonly (keyof WarmImageDeclaration)[]) => {
    return keys.some((key) => patch[key] !== undefined && !isDeepStrictEqual(patch[key], before[key]));
  };
  return {
    args: areArgsGiven,
    cron: isOther("cron", "timeZone"),
    follow: isOther("followIntervalMs"),
    hosts: isOther("onJoin", "schedulerClusterIds"),
    isPaused: isOther("isPaused"),
  };
}

function imageJson(image: WarmImage, user: User | undefined, hosts: z.input<typeof Status>["hosts"]) {
  return {
    ...rowJson(image),
    ...{ name: image.name, bio: image.bio, args: image.args },
    scheduler_cluster_ids: [...image.schedulerClusterIds],
    ...{ cron: image.cron, time_zone: image.timeZone, follow: nanosecondsOfMilliseconds(image.followIntervalMs) },
    ...{ on_join: image.onJoin, paused: image.isPaused, user_id: image.userId },
    user: user === undefined ? null : userJson(user),
    status: {
      ...{ job_id: image.jobId, job_ids: [...image.jobIds], last_run_at: timeJson(image.lastRunAtMs) },
      ...{ last_state: image.lastState, last_error: image.runError, failures: image.runFailures },
      ...{ skipped: image.skipped, digest: image.seenDigest, warm_digest: image.warmDigest, hosts },
      next_run_at: timeJson(image.isPaused ? 0 : image.runAtMs),
      next_check_at: timeJson(image.isPaused ? 0 : image.checkAtMs),
      ...{ check_error: image.checkError, check_failures: image.checkFailures },
    },
  };
}
