import type { Command } from "commander";
import { DamselflyError } from "../../core/error.ts";
import type { Context } from "./context.ts";
import { repeated, timeoutOption } from "./leaf.ts";
import {
  checkPreheatFlags,
  filteredParams,
  parseContent,
  type PreheatFlags,
  withPreheatOptions,
} from "./preheat_options.ts";
import { askSecret } from "./secrets.ts";

const HOUR_MS = 60 * 60 * 1_000;
const NANOSECONDS_PER_MS = 1e6;

/** What can be told of a preheat that a manager orders. */
export interface OrderFlags extends PreheatFlags {
  readonly cluster?: readonly string[];
  readonly passwordStdin?: boolean;
  readonly description?: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Adds the options of {@link OrderFlags}. */
export function withOrderOptions(command: Command): Command {
  return withPreheatOptions(command, { scope: "single_seed_peer" })
    .option("--password-stdin", "read the password of --username from standard input")
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; all when left out", String))
    .option("--description <text>", "what it is for")
    .addOption(
      timeoutOption("longest time of the job, such as 30m or 2h", HOUR_MS, "1h"),
    );
}

/**
 * The arguments of a preheat (manager-rest.md §4.2). Asks for the password of the registry's account where there is one.
 * Throws `invalid_argument`.
 */
export async function preheatArgs(context: Context, texts: readonly string[], flags: OrderFlags) {
  const { username, passwordStdin: isOnStdin = false } = flags;
  checkPreheatFlags(flags, isOnStdin);
  const content = contentsOf(texts, flags);
  const password = username === undefined
    ? undefined
    : await askSecret(context, { what: "registry password", flag: "--password-stdin", isOnStdin });
  return { ...content, ...argsOf(flags), username, password };
}

/** The `type`, `url` and `urls` of an order. Throws `invalid_argument`. */
function contentsOf(texts: readonly string[], flags: OrderFlags) {
  const contents = texts.map((text) => parseContent(text, flags));
  const [first] = contents;
  if (first !== undefined && contents.length === 1) return first;
  if (contents.every(({ type }) => type === "file")) return { type: "file", urls: contents.map(({ url }) => url) };
  throw new DamselflyError("invalid_argument", "Several files make one job; each image is a job of its own");
}

function argsOf(flags: OrderFlags) {
  return {
    scope: flags.scope,
    ips: flags.ip,
    count: flags.count,
    percentage: flags.percentage,
    concurrent_task_count: flags.concurrentTaskCount,
    concurrent_peer_count: flags.concurrentPeerCount,
    platform: flags.platform,
    piece_length: flags.pieceLength,
    tag: flags.tag,
    application: flags.application,
    filtered_query_params: filteredParams(flags).join("&"),
    headers: flags.header,
    timeout: flags.timeout * NANOSECONDS_PER_MS,
  };
}
