import type { Command } from "commander";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { formatTable } from "../table.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { repeated, timeoutOption, verb } from "./leaf.ts";
import { parseContent } from "./preheat_options.ts";
import { askSecret } from "./secrets.ts";
import { idsOf, withManager } from "./with_manager.ts";

const TIMEOUT_MS = 10 * 60 * 1_000;
const NANOSECONDS_PER_MS = 1e6;
/** How much longer than its own limit the manager may take to answer. */
const GRACE_MS = 10_000;

const Distribution = z.object({
  image: z.object({ layers: z.array(z.unknown()).nullable() }),
  peers: z.array(z.object({
    hostname: z.string(),
    ip: z.string(),
    cached_layers: z.array(z.unknown()).nullable(),
    scheduler_cluster_id: z.int(),
  })).nullable(),
});

interface Flags extends ShowFlags {
  readonly platform?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly plainHttp?: boolean;
  readonly cluster?: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
}

/** `image-distribution`: which peers hold how much of an image (manager-rest.md §4.1). */
export function imageDistributionCommand(choose: Choose): Command {
  return verb("image-distribution", "Shows which peers hold how much of an image; seed peers do not count.")
    .argument("<image>", "an image name, or the URL of its manifest")
    .option("--platform <platform>", "os/arch[/variant] of the image")
    .option("--username <name>", "account at the registry")
    .option("--password-stdin", "read the password of --username from standard input")
    .option("--plain-http", "the registry of an image name speaks plain HTTP")
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; all when left out", String))
    .addOption(
      timeoutOption("how long peers are asked, such as 30s or 5m", TIMEOUT_MS, "10m"),
    )
    .action((image: string, flags: Flags) => choose((context) => showDistribution(context, image, flags)));
}

async function showDistribution(context: Context, image: string, flags: Flags): Promise<void> {
  const { terminal } = context;
  const { type, url } = parseContent(image, flags);
  if (type !== "image") throw new DamselflyError("invalid_argument", `${image} is no image, and no manifest of one`);
  const { username, passwordStdin: isOnStdin = false, platform } = flags;
  const password = username === undefined
    ? undefined
    : await askSecret(context, { what: "registry password", flag: "--password-stdin", isOnStdin });
  const answer = await withManager(context, async (manager) => {
    const args = { url, platform, username, password, timeout: flags.timeout * NANOSECONDS_PER_MS };
    const scheduler_cluster_ids = await idsOf(manager, "clusters", flags.cluster ?? []);
    const body = { type: "get_image_distribution", args, scheduler_cluster_ids };
    return await manager.send("POST", "jobs", { body, timeoutMs: flags.timeout + GRACE_MS });
  });
  if (flags.json === true) return showJson(terminal, answer);
  const { image: { layers }, peers } = readAs(Distribution, answer);
  if (peers === null || peers.length === 0) return terminal.printError("No peer holds any of it.\n");
  const rows = peers.map(({ hostname, ip, cached_layers, scheduler_cluster_id }) => ({
    "HOSTNAME": hostname,
    "IP": ip,
    "CLUSTER": String(scheduler_cluster_id),
    "LAYERS": `${cached_layers?.length ?? 0} of ${layers?.length ?? 0}`,
  }));
  terminal.print(formatTable(rows, terminal.columns));
}
