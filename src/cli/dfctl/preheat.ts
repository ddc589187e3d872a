import type { Command } from "commander";
import * as z from "zod";
import { parseDuration } from "../../config/durations.ts";
import { DamselflyError } from "../../core/error.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { waitForJob } from "./job_wait.ts";
import { option, repeated, verb } from "./leaf.ts";
import {
  checkPreheatFlags,
  filteredParams,
  parseContent,
  type PreheatFlags,
  withPreheatOptions,
} from "./preheat_options.ts";
import { askSecret } from "./secrets.ts";
import { idsOf, withManager } from "./with_manager.ts";

const HOUR_MS = 60 * 60 * 1_000;
const NANOSECONDS_PER_MS = 1e6;
/** How much longer than the job may take dfctl waits for word of it. */
const GRACE_MS = 5 * 60 * 1_000;

const Ordered = z.object({ id: z.int() });

interface Flags extends ShowFlags, PreheatFlags {
  readonly cluster?: readonly string[];
  readonly passwordStdin?: boolean;
  readonly description?: string;
  readonly detach?: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/** `preheat`: orders a job from the manager, and waits for it. */
export function preheatCommand(choose: Choose): Command {
  const command = verb("preheat", "Brings an image, or files, into clusters before anybody pulls them.")
    .argument("<image or URL...>", "an image name, the URL of its manifest, or http(s) URLs of files");
  return withPreheatOptions(command, { scope: "single_seed_peer" })
    .option("--password-stdin", "read the password of --username from standard input")
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; all when left out", String))
    .option("--description <text>", "what it is for")
    .addOption(
      option("--timeout <duration>", "longest time of the job, such as 30m or 2h", parseDuration).default(
        HOUR_MS,
        "1h",
      ),
    )
    .option("--detach", "print the id of the job, and do not wait for it")
    .action((texts: string[], flags: Flags) => choose((context) => preheat(context, texts, flags)));
}

async function preheat(context: Context, texts: readonly string[], flags: Flags): Promise<number> {
  const { terminal } = context;
  checkPreheatFlags(flags, flags.passwordStdin === true);
  const content = contentsOf(texts, flags);
  const { username, passwordStdin: isOnStdin = false } = flags;
  const password = username === undefined
    ? undefined
    : await askSecret(context, { what: "registry password", flag: "--password-stdin", isOnStdin });
  return await withManager(context, async (manager) => {
    const body = {
      type: "preheat",
      bio: flags.description,
      args: { ...content, ...argsOf(flags), username, password },
      scheduler_cluster_ids: await idsOf(manager, "clusters", flags.cluster ?? []),
    };
    const ordered = await manager.send("POST", "jobs", { body });
    const { id } = readAs(Ordered, ordered);
    if (flags.detach !== true) {
      return await waitForJob(context, manager, { id, timeoutMs: flags.timeout + GRACE_MS, ...flags });
    }
    if (flags.json === true) showJson(terminal, ordered);
    else terminal.print(`${id}\n`);
    return 0;
  });
}

/** The `type`, `url` and `urls` of the order. Throws `invalid_argument`. */
function contentsOf(texts: readonly string[], flags: Flags) {
  const contents = texts.map((text) => parseContent(text, flags));
  const [first] = contents;
  if (first !== undefined && contents.length === 1) return first;
  if (contents.every(({ type }) => type === "file")) return { type: "file", urls: contents.map(({ url }) => url) };
  throw new DamselflyError("invalid_argument", "Several files make one job; each image is a job of its own");
}

function argsOf(flags: Flags) {
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
