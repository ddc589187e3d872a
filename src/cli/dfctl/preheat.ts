import type { Command } from "commander";
import * as z from "zod";
import { EXIT } from "../daemon_error.ts";
import { readAs, type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { waitForJob } from "./job_wait.ts";
import { verb } from "./leaf.ts";
import { type OrderFlags, preheatArgs, withOrderOptions } from "./preheat_args.ts";
import { idsOf, withManager } from "./with_manager.ts";

/** How much longer than the job may take dfctl waits for word of it. */
const GRACE_MS = 5 * 60 * 1_000;

const Ordered = z.object({ id: z.int() });

interface Flags extends ShowFlags, OrderFlags {
  readonly detach?: boolean;
}

/** `preheat`: orders a job from the manager, and waits for it. */
export function preheatCommand(choose: Choose): Command {
  const command = verb("preheat", "Brings an image, or files, into clusters before anybody pulls them.")
    .argument("<image or URL...>", "an image name, the URL of its manifest, or http(s) URLs of files");
  return withOrderOptions(command)
    .option("--detach", "print the id of the job, and do not wait for it")
    .action((texts: string[], flags: Flags) => choose((context) => preheat(context, texts, flags)));
}

async function preheat(context: Context, texts: readonly string[], flags: Flags): Promise<number> {
  const { terminal } = context;
  const args = await preheatArgs(context, texts, flags);
  return await withManager(context, async (manager) => {
    const scheduler_cluster_ids = await idsOf(manager, "clusters", flags.cluster ?? []);
    const body = { type: "preheat", bio: flags.description, args, scheduler_cluster_ids };
    const ordered = await manager.send("POST", "jobs", { body });
    const { id } = readAs(Ordered, ordered);
    if (flags.detach !== true) {
      return await waitForJob(context, manager, { ...flags, id, timeoutMs: flags.timeout + GRACE_MS });
    }
    if (flags.json === true) showJson(terminal, ordered);
    else terminal.print(`${id}\n`);
    return EXIT.done;
  });
}
