import type { Command } from "commander";
import { DamselflyError } from "../../core/error.ts";
import { type ListPullsResponse, PullsService } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { type ShowFlags, showJson } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { explainByScheduler } from "./explain_scheduler.ts";
import { verb } from "./leaf.ts";
import { listedJson, printImage } from "./pull_view.ts";
import { type DaemonFlags, withDaemon, withDaemonOptions } from "./with_daemon.ts";
import { schedulerEndpoint } from "./with_scheduler.ts";

/** No image has as many contents. */
const CONTENTS_MAX = 1_000;

interface Flags extends ShowFlags, DaemonFlags {
  readonly schedulerEndpoint?: string;
  readonly host?: string;
}

/** `explain`: where the bytes of a pull came from and what it waited for; or what a scheduler decided about a task. */
export function explainCommand(choose: Choose): Command {
  const command = verb(
    "explain",
    "Shows where the bytes of a pull of this host came from, what it waited for and why; or what a scheduler decided.",
  ).argument("<name>", "image, digest of a content, or task id");
  return withDaemonOptions(command)
    .addOption(
      schedulerEndpoint("ask this scheduler instead whom it sent the last peers of a digest or task to, and why"),
    )
    .option("--host <name>", "of the scheduler's answers, only those to this host (its address, name or id)")
    .action((name: string, flags: Flags) => choose((context) => explain(context, name, flags)));
}

async function explain(context: Context, name: string, flags: Flags): Promise<void> {
  const { schedulerEndpoint, host } = flags;
  if (schedulerEndpoint !== undefined) return await explainByScheduler(context, name, { ...flags, schedulerEndpoint });
  if (host !== undefined) {
    throw new DamselflyError(
      "invalid_argument",
      "--host needs --scheduler-endpoint: what a host waited for is only known there; run dfctl explain on it",
    );
  }
  const listed = await listPulls(context, flags, name, CONTENTS_MAX);
  if (flags.json === true) return showJson(context.terminal, listedJson(listed));
  if (listed.pulls.length === 0) {
    throw new DamselflyError("not_found", `This host remembers no pull of ${name}: it keeps those of seven days`);
  }
  printImage(context.terminal, name, listed);
}

/** The pulls of a name, from the dfdaemon of this host. Throws `unimplemented` where that is Dragonfly's. */
export async function listPulls(
  context: Context,
  flags: DaemonFlags,
  name: string,
  limit = 0,
): Promise<ListPullsResponse> {
  try {
    return await withDaemon(context, { ...flags, service: PullsService }, (client, options) => {
      return client.listPulls({ name, limit }, options);
    });
  } catch (error) {
    if (!(error instanceof DamselflyError) || error.code !== "unimplemented") throw error;
    const what = "This dfdaemon keeps no record of its pulls: it is Dragonfly's, or of an older version";
    throw new DamselflyError("unimplemented", what, { cause: error });
  }
}
