import * as z from "zod";
import { errorText, toDamselflyError } from "../../core/error.ts";
import { parsePattern } from "../../core/pattern.ts";
import { parseScope } from "../../core/scope.ts";

const ENTRIES_MAX = 1_000;
const ENTRY_CHARACTERS_MAX = 1_024;
const LIST_TEXT_CHARACTERS_MAX = 1_024;

/** Go clients write `null` for what they leave out, and 0 for a limit that is not set (manager-rest.md §0). */
const absent = <T>(value: T): NonNullable<T> | undefined => value || undefined;
const limit = (max: number, min = 1) => z.union([z.literal(0), z.int().min(min).max(max)]).nullish().transform(absent);
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const entry = z.string().max(ENTRY_CHARACTERS_MAX);
const entries = optional(z.array(entry).max(ENTRIES_MAX));
const patterns = optional(z.array(entry.superRefine(checkPattern)).max(ENTRIES_MAX));

function checkPattern(pattern: string, context: z.core.$RefinementCtx<string>): void {
  try {
    parsePattern(pattern);
  } catch (error) {
    context.addIssue(errorText(error));
  }
}

const uploadBlock = z.object({ applications: entries, urls: patterns, tags: entries });
const downloadBlock = uploadBlock.extend({ priorities: optional(z.array(z.int()).max(ENTRIES_MAX)) });
const bothBlocks = optional(z.object({ download: optional(downloadBlock), upload: optional(uploadBlock) }));

/** What peers of a cluster must not download or upload; a key that is left out blocks nothing (wire.md §5.5). */
const BlockList = z.object({
  task: optional(z.object({ download: optional(downloadBlock) })),
  persistent_task: bothBlocks,
  persistent_cache_task: bothBlocks,
});

/** A table of the seed peers' block list alone. */
export const BlockListConfig = z.object({ block_list: optional(BlockList) }).transform(compact);
export type BlockListConfig = z.infer<typeof BlockListConfig>;

/** A JSON object whose keys are nobody's business here. */
export const JsonObject = z.record(z.string(), z.unknown());
export type JsonObject = Readonly<z.infer<typeof JsonObject>>;

/** Limits of scheduling in a cluster; a limit that is left out is the scheduler's own default. */
export const SchedulerClusterConfig = z.object({
  candidate_parent_limit: limit(20),
  filter_parent_limit: limit(1_000, 10),
  job_rate_limit: limit(1_000_000),
}).transform(compact);
export type SchedulerClusterConfig = z.infer<typeof SchedulerClusterConfig>;

/** What the peers of a cluster are told. */
export const PeerClusterConfig = z.object({
  load_limit: limit(2_000),
  block_list: optional(BlockList),
}).transform(compact);
export type PeerClusterConfig = z.infer<typeof PeerClusterConfig>;

/** What the seed peers of a cluster are told. */
export const SeedPeerClusterConfig = z.object({
  load_limit: limit(50_000),
  block_list: optional(BlockList),
}).transform(compact);
export type SeedPeerClusterConfig = z.infer<typeof SeedPeerClusterConfig>;

/** The hosts that a cluster is for, as an administrator writes them; refused where `parseScope` refuses them. */
export const Scopes = z.object({
  idc: optional(z.string().max(LIST_TEXT_CHARACTERS_MAX)),
  location: optional(z.string().max(LIST_TEXT_CHARACTERS_MAX)),
  cidrs: entries,
  hostnames: entries,
}).transform(compact).superRefine((scopes, context) => {
  try {
    parseScope(scopes);
  } catch (error) {
    context.addIssue(toDamselflyError(error, "invalid_argument", "Cannot parse scopes").message);
  }
});
export type Scopes = z.infer<typeof Scopes>;

/** Drops keys without a value, so that what is stored and sent holds only what somebody said. */
function compact<T extends object>(value: T): Partial<T> {
  return JSON.parse(JSON.stringify(value)) as Partial<T>;
}

/** A priority of download requests, 0 the least urgent (wire.md §1.1). */
const priority = z.int().min(0).max(20);

/** The download priority of an application, and its exceptions by URL. */
export const ApplicationPriority = z.object({
  value: priority,
  urls: optional(z.array(z.object({ regex: entry, value: priority }))),
}).transform(({ value, urls }) => ({ value, ...(urls === undefined ? {} : { urls }) }));
export type ApplicationPriority = z.infer<typeof ApplicationPriority>;
