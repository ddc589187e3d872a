import { type Command, Option } from "commander";
import * as z from "zod";
import { formatDuration, parseDuration } from "../../config/durations.ts";
import { sayDone, type ShowFlags, shownList, shownTime, showOne } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { listVerb, noun, option, repeated, verb, yesOrNo } from "./leaf.ts";
import { type OrderFlags, preheatArgs, withOrderOptions } from "./preheat_args.ts";
import { ID_OR_NAME, idOf, idsOf, showList, withManager } from "./with_manager.ts";

const PATH = "warm-images";
const NANOSECONDS_PER_MS = 1e6;

const WarmImage = z.object({
  id: z.int(),
  name: z.string(),
  bio: z.string(),
  args: z.object({ url: z.string().optional(), urls: z.array(z.string()).nullish() }),
  scheduler_cluster_ids: z.array(z.int()),
  cron: z.string(),
  time_zone: z.string(),
  follow: z.number(),
  on_join: z.boolean(),
  paused: z.boolean(),
  status: z.object({
    job_id: z.int(),
    job_ids: z.array(z.int()),
    last_run_at: z.string(),
    last_state: z.string(),
    last_error: z.string(),
    next_run_at: z.string(),
    digest: z.string(),
    warm_digest: z.string(),
    next_check_at: z.string(),
    check_error: z.string(),
    skipped: z.int(),
    hosts: z.object({ known: z.int(), warm: z.int(), failing: z.int() }).nullable(),
  }),
});
type WarmImage = z.output<typeof WarmImage>;

/** When a warm image is fetched. */
interface ScheduleFlags {
  readonly cron?: string;
  readonly timeZone?: string;
  /** Milliseconds. */
  readonly follow?: number;
  readonly onJoin?: boolean;
  readonly description?: string;
  readonly cluster?: readonly string[];
}

/** `warm-image list|show|create|update|pause|resume|run|delete`: what the manager preheats by itself. */
export function warmImageCommand(choose: Choose): Command {
  const list = listVerb("Lists warm images.");
  const one = (name: string, description: string) => verb(name, description).argument("<warm image>", ID_OR_NAME);
  const paused = (name: string, description: string, isPaused: boolean) =>
    one(name, description).action((image: string, flags: ShowFlags) =>
      choose((context) => change(context, image, { paused: isPaused }, flags))
    );
  return noun("warm-image", "Images and files that the manager keeps warm: preheated by themselves.", [
    list.action((flags: ShowFlags & { limit: number }) =>
      choose((context) => showList(context, flags, { path: PATH, schema: WarmImage, rowOf }))
    ),
    one("show", "Shows a warm image, and how its runs went.").action((image: string, flags: ShowFlags) =>
      choose((context) => showWarmImage(context, image, flags))
    ),
    createCommand(choose),
    updateCommand(choose),
    paused("pause", "Lets a warm image rest.", true),
    paused("resume", "Lets a warm image go on.", false),
    one("run", "Runs a warm image now.").action((image: string, flags: ShowFlags) =>
      choose((context) => runNow(context, image, flags))
    ),
    one("delete", "Removes a warm image; a job that runs goes on.").action((image: string, flags: ShowFlags) =>
      choose((context) => remove(context, image, flags))
    ),
  ]);
}

function createCommand(choose: Choose): Command {
  const command = verb("create", "Declares what is to be kept warm: by the clock, by its tag, and for hosts that join.")
    .argument("<name>", "its name")
    .argument("<image or URL...>", "an image name, the URL of its manifest, or http(s) URLs of files");
  return withSchedule(withOrderOptions(command))
    .action((name: string, texts: string[], flags: ShowFlags & OrderFlags & ScheduleFlags) =>
      choose((context) => create(context, { name, texts }, flags))
    );
}

function updateCommand(choose: Choose): Command {
  const command = verb("update", "Changes when a warm image is fetched, and where.")
    .argument("<warm image>", ID_OR_NAME)
    .option("--description <text>", "what it is for")
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; '' for all", String));
  return withSchedule(command).action((image: string, flags: ShowFlags & ScheduleFlags) =>
    choose(async (context) => {
      const { cluster } = flags;
      const scheduler_cluster_ids = cluster === undefined ? undefined : await clusterIds(context, cluster);
      await change(context, image, { ...scheduleOf(flags), bio: flags.description, scheduler_cluster_ids }, flags);
    })
  );
}

function withSchedule(command: Command): Command {
  return command
    .option("--cron <fields>", "minute, hour, day of month, month, day of week; '' for never")
    .option("--time-zone <name>", "in which --cron is read: UTC, or a name such as Europe/Berlin")
    .addOption(
      option("--follow <duration>", "how often the tag is asked for a new digest; 0s for never", parseDuration),
    )
    .addOption(
      new Option("--on-join [yes or no]", "whether hosts that join a cluster get it").argParser(yesOrNo).preset("yes"),
    );
}

async function showWarmImage(context: Context, image: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("GET", `${PATH}/${await idOf(manager, PATH, image)}`);
  });
  showOne(context, flags, { row, schema: WarmImage, fieldsOf });
}

async function create(
  context: Context,
  { name, texts }: { readonly name: string; readonly texts: readonly string[] },
  flags: ShowFlags & OrderFlags & ScheduleFlags,
): Promise<void> {
  const args = await preheatArgs(context, texts, flags);
  const row = await withManager(context, async (manager) => {
    const scheduler_cluster_ids = await idsOf(manager, "clusters", flags.cluster ?? []);
    const body = { name, bio: flags.description, args, scheduler_cluster_ids, ...scheduleOf(flags) };
    return await manager.send("POST", PATH, { body });
  });
  showOne(context, flags, { row, schema: WarmImage, fieldsOf });
}

async function change(
  context: Context,
  image: string,
  body: Readonly<Record<string, unknown>>,
  flags: ShowFlags,
): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("PATCH", `${PATH}/${await idOf(manager, PATH, image)}`, { body });
  });
  showOne(context, flags, { row, schema: WarmImage, fieldsOf });
}

async function runNow(context: Context, image: string, flags: ShowFlags): Promise<void> {
  const row = await withManager(context, async (manager) => {
    return await manager.send("POST", `${PATH}/${await idOf(manager, PATH, image)}/run`);
  });
  showOne(context, flags, { row, schema: WarmImage, fieldsOf });
}

async function remove(context: Context, image: string, flags: ShowFlags): Promise<void> {
  await withManager(context, async (manager) => {
    await manager.send("DELETE", `${PATH}/${await idOf(manager, PATH, image)}`);
  });
  sayDone(context, flags, `Warm image ${image} is removed.`);
}

function clusterIds(context: Context, names: readonly string[]): Promise<number[]> {
  return withManager(context, (manager) => idsOf(manager, "clusters", names.filter((name) => name !== "")));
}

function scheduleOf({ cron, timeZone, follow, onJoin }: ScheduleFlags) {
  return {
    ...{ cron, time_zone: timeZone, on_join: onJoin },
    follow: follow === undefined ? undefined : follow * NANOSECONDS_PER_MS,
  };
}

function rowOf({ id, name, args, cron, follow, on_join, paused, status }: WarmImage) {
  return {
    "ID": String(id),
    "NAME": name,
    "CRON": cron || "-",
    "FOLLOW": follow === 0 ? "-" : formatDuration(follow / NANOSECONDS_PER_MS),
    "ON JOIN": on_join ? "yes" : "no",
    "LAST RUN": shownTime(status.last_run_at),
    "STATE": status.job_id !== 0 ? `job ${status.job_id} runs` : paused ? "paused" : status.last_state || "-",
    "NEXT RUN": shownTime(status.next_run_at),
    "WHAT": args.url || args.urls?.[0] || "-",
  };
}

function fieldsOf(image: WarmImage) {
  const { status } = image;
  const { hosts } = status;
  return {
    ...rowOf(image),
    "DESCRIPTION": image.bio || "-",
    "TIME ZONE": image.time_zone,
    "CLUSTERS": image.scheduler_cluster_ids.length === 0 ? "all" : shownList(image.scheduler_cluster_ids),
    "JOBS": shownList(status.job_ids),
    "SKIPPED": String(status.skipped),
    "LAST ERROR": status.last_error || "-",
    "DIGEST": status.digest || "-",
    "WARM DIGEST": status.warm_digest || "-",
    "NEXT CHECK": shownTime(status.next_check_at),
    "CHECK ERROR": status.check_error || "-",
    "HOSTS": hosts === null ? "-" : `${hosts.warm} of ${hosts.known} have it, ${hosts.failing} fail`,
  };
}
