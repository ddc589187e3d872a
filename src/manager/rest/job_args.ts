import * as z from "zod";
import { given, line, nanoseconds } from "./fields.ts";
import { DamselflyError } from "../../core/error.ts";
import type { JsonObject } from "../store/records.ts";
import { parseInput } from "./body.ts";

const MIB = 1024 * 1024;
const URL_CHARACTERS_MAX = 8_192;
const URLS_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 8_192;
const HEADERS_MAX = 100;

/** A number within bounds; 0 is as good as nothing (manager-rest.md §0). */
const within = (min: number, max: number) => {
  return z.union([z.literal(0), z.int().min(min).max(max)]).nullish().transform((value) => value || undefined);
};
/** A text; an empty one is as good as nothing. */
const text = (max = TEXT_CHARACTERS_MAX) => z.string().max(max).nullish().transform((value) => value || undefined);
const url = () => z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" }).max(URL_CHARACTERS_MAX);
/** What files can be at. */
const fileUrl = () =>
  z.url({ protocol: /^(https?|s3)$/, error: "expected an http://, https:// or s3:// URL" }).max(URL_CHARACTERS_MAX);
/** Milliseconds in code would be another unit than in the stored row, so it stays as it is: nanoseconds. */
const timeout = given(z.int().min(0).refine((ns) => nanoseconds().safeParse(ns).success)).transform((ns) =>
  ns || undefined
);

/** How the storage of `s3://` URLs is reached, in the words of Dragonfly's message (common.v2.ObjectStorage). */
const ObjectStorage = z.object({
  ...{ region: text(), endpoint: text(), access_key_id: text(), access_key_secret: text() },
  ...{ session_token: text(), security_token: text(), credential_path: text(), predefined_acl: text() },
  insecure_skip_verify: given(z.boolean()),
});
const isS3 = (url: string) => /^s3:/i.test(url);

const Preheat = z.object({
  type: z.enum(["image", "file"]),
  url: given(z.union([z.literal(""), fileUrl()])).transform((value) => value || undefined),
  urls: given(z.array(fileUrl()).max(URLS_MAX)),
  piece_length: within(4 * MIB, 64 * MIB),
  tag: text(),
  application: text(),
  filtered_query_params: text(),
  headers: given(z.record(line(), line(TEXT_CHARACTERS_MAX)).refine((map) => Object.keys(map).length <= HEADERS_MAX)),
  username: text(),
  password: text(),
  platform: text(),
  scope: given(z.enum(["", "single_seed_peer", "all_seed_peers", "all_peers"])).transform((value) =>
    value || undefined
  ),
  ips: given(z.array(z.union([z.ipv4(), z.ipv6()])).max(100)),
  count: within(1, 200),
  percentage: within(1, 100),
  concurrent_task_count: within(1, 100),
  concurrent_peer_count: within(1, 1_000),
  timeout,
  object_storage: given(ObjectStorage),
  hdfs: given(z.record(z.string(), z.unknown())),
}).superRefine(({ type, url, urls = [], object_storage }, context) => {
  if (type === "image" && url === undefined) context.addIssue("an image needs url, that of its manifest");
  if (type === "image" && url !== undefined && isS3(url)) {
    context.addIssue("an image is at a registry, with an http:// or https:// URL");
  }
  if (type === "file" && url === undefined && urls.length === 0) context.addIssue("files need url or urls");
  const areObjects = type === "file" && [...urls, ...url === undefined ? [] : [url]].every(isS3);
  if (object_storage !== undefined && !areObjects) context.addIssue("object_storage is only for files with s3:// URLs");
});

/** What a preheat is ordered with. */
export type PreheatArgs = z.output<typeof Preheat>;

const taskFields = {
  task_id: text(256),
  url: text(URL_CHARACTERS_MAX),
  piece_length: within(4 * MIB, 64 * MIB),
  tag: text(),
  application: text(),
  filtered_query_params: text(),
  content_for_calculating_task_id: text(),
  timeout,
};
const namesTask = (
  args: {
    task_id?: string | undefined;
    url?: string | undefined;
    content_for_calculating_task_id?: string | undefined;
  },
) => args.task_id !== undefined || args.url !== undefined || args.content_for_calculating_task_id !== undefined;
const TASK_NEEDED = "one of task_id, url and content_for_calculating_task_id is needed";

const GetTask = z.object({ ...taskFields, concurrent_peer_count: within(1, 1_000) }).refine(namesTask, TASK_NEEDED);
/** What a job about a task is ordered with. */
export type TaskArgs = z.output<typeof GetTask>;

const DeleteTask = z.object(taskFields).refine(namesTask, TASK_NEEDED);
const ImageDistribution = z.object({
  url: url(),
  piece_length: within(4 * MIB, 64 * MIB),
  tag: text(),
  application: text(),
  filtered_query_params: text(),
  headers: given(z.record(line(), line(TEXT_CHARACTERS_MAX))),
  username: text(),
  password: text(),
  platform: text(),
  timeout,
  concurrent_layer_count: within(1, 1_000),
  concurrent_peer_count: within(1, 1_000),
});

/** What the question who holds an image is asked with. */
export type ImageDistributionArgs = z.output<typeof ImageDistribution>;

/** The arguments of each type of job (manager-rest.md §4.1, §4.2). */
const ARGS: Readonly<Record<string, z.ZodType>> = {
  preheat: Preheat,
  get_task: GetTask,
  delete_task: DeleteTask,
  get_image_distribution: ImageDistribution,
  sync_peers: z.object({}),
  gc: z.object({ type: z.enum(["audit", "job"]) }),
};

/** Spellings of old clients (manager-rest.md §4.2). */
const OLD_NAMES: Readonly<Record<string, string>> = {
  filteredQueryParams: "filtered_query_params",
  pieceLength: "piece_length",
  concurrent_count: "concurrent_task_count",
};

/** Checks the arguments of a job. Fails with `invalid_argument`; an unknown type is told with stock managers' text. */
export function parseJobArgs(type: string, args: JsonObject): JsonObject {
  const schema = Object.hasOwn(ARGS, type) ? ARGS[type] : undefined;
  if (schema === undefined) throw new DamselflyError("invalid_argument", "Unknow type");
  const renamed = Object.entries(args).map(([key, value]) => [OLD_NAMES[key] ?? key, value] as const);
  // Of two spellings the new one counts, whichever comes first.
  const known = { ...Object.fromEntries(renamed), ...args };
  const parsed = parseInput(z.object({ args: schema }), { args: known }).args as JsonObject;
  return Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== undefined));
}
