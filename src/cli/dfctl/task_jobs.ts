import type { Command } from "commander";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { EXIT } from "../daemon_error.ts";
import { addText, parsePieceLength } from "../option_values.ts";
import { formatTable } from "../table.ts";
import { readAs, type ShowFlags, showJson, shownTime } from "./answers.ts";
import type { Choose, Context } from "./context.ts";
import { Job } from "./job_view.ts";
import { endedJob, showFailures, waitForJob } from "./job_wait.ts";
import { option, repeated, timeoutOption, verb } from "./leaf.ts";
import type { ManagerClient } from "./manager_client.ts";
import { idsOf, withManager } from "./with_manager.ts";

const TIMEOUT_MS = 10 * 60 * 1_000;
const NANOSECONDS_PER_MS = 1e6;
/** How much longer than the job may take dfctl waits for word of it. */
const GRACE_MS = 30_000;

const Ordered = z.object({ id: z.int() });
const Holders = z.object({
  result: z.object({
    job_states: z.array(z.object({
      results: z.array(z.object({
        scheduler_cluster_id: z.int(),
        peers: z.array(z.object({
          hostname: z.string(),
          ip: z.string(),
          host_type: z.string(),
          IsFinished: z.boolean().optional(),
          created_at: z.string(),
        })).nullish(),
      })).nullish(),
    })),
  }),
});

interface Flags extends ShowFlags {
  readonly tag?: string;
  readonly application?: string;
  readonly pieceLength?: number;
  readonly filteredQueryParam?: readonly string[];
  readonly cluster?: readonly string[];
  /** Milliseconds. */
  readonly timeout: number;
}

/** `task holders` and `task purge`: a task in whole clusters, by jobs of the manager (manager-rest.md §4.1). */
export function taskJobCommands(choose: Choose): Command[] {
  return [
    withTaskOptions(verb("holders", "Shows which hosts of the clusters hold a task."))
      .action((what: string, flags: Flags) => choose((context) => showHolders(context, what, flags))),
    withTaskOptions(verb("purge", "Removes a task from all hosts of the clusters."))
      .action((what: string, flags: Flags) => choose((context) => purge(context, what, flags))),
  ];
}

function withTaskOptions(command: Command): Command {
  return command
    .argument("<task>", "task id, digest of a blob, or URL")
    .option("--tag <tag>", "tag of the task, with a URL")
    .option("--application <name>", "application of the task, with a URL")
    .addOption(
      option("--piece-length <size>", "length of pieces that the task was given, with a URL", parsePieceLength),
    )
    .option("--filtered-query-param <name>", "as in the pull of the URL; may be repeated", addText)
    .addOption(repeated("--cluster <cluster>", "id or name of a cluster; may be repeated; all when left out", String))
    .addOption(timeoutOption("longest time of the job, such as 30s or 5m", TIMEOUT_MS, "10m"));
}

async function showHolders(context: Context, what: string, flags: Flags): Promise<number> {
  const { terminal } = context;
  const row = await withManager(context, async (manager) => {
    const id = await order(manager, "get_task", what, flags);
    return await endedJob(context, manager, { id, timeoutMs: flags.timeout + GRACE_MS });
  });
  const job = readAs(Job, row);
  const code = job.state === "SUCCESS" ? EXIT.done : EXIT.failed;
  showFailures(context, job);
  if (flags.json === true) showJson(terminal, row);
  else printHolders(context, readAs(Holders, row));
  return code;
}

function printHolders({ terminal }: Context, { result }: z.output<typeof Holders>): void {
  const rows = result.job_states.flatMap(({ results }) => results ?? []).flatMap((part) =>
    (part.peers ?? []).map((peer) => ({
      "HOSTNAME": peer.hostname,
      "IP": peer.ip,
      "TYPE": peer.host_type,
      "CLUSTER": String(part.scheduler_cluster_id),
      "WHOLE": peer.IsFinished === undefined ? "-" : peer.IsFinished ? "yes" : "no",
      "CREATED": shownTime(peer.created_at),
    }))
  );
  if (rows.length === 0) terminal.printError("No host holds it.\n");
  else terminal.print(formatTable(rows, terminal.columns));
}

async function purge(context: Context, what: string, { json, ...flags }: Flags): Promise<number> {
  return await withManager(context, async (manager) => {
    const id = await order(manager, "delete_task", what, flags);
    const timeoutMs = flags.timeout + GRACE_MS;
    return await waitForJob(context, manager, { id, timeoutMs, ...json === undefined ? {} : { json } });
  });
}

/** Orders a job about a task; its id. */
async function order(manager: ManagerClient, type: string, what: string, flags: Flags): Promise<number> {
  const args = { ...taskArgs(what, flags), timeout: flags.timeout * NANOSECONDS_PER_MS };
  const scheduler_cluster_ids = await idsOf(manager, "clusters", flags.cluster ?? []);
  return readAs(Ordered, await manager.send("POST", "jobs", { body: { type, args, scheduler_cluster_ids } })).id;
}

/** A task by its id, which of a blob is its digest, or by a URL and what else makes its id. Throws `invalid_argument`. */
function taskArgs(what: string, { tag, application, pieceLength: piece_length, filteredQueryParam }: Flags) {
  const isUrl = /^https?:\/\//i.test(what);
  const filtered_query_params = filteredQueryParam?.join("&");
  if (isUrl) return { url: what, tag, application, piece_length, filtered_query_params };
  const given = [tag, application, piece_length, filtered_query_params].some((value) => value !== undefined);
  const [, id] = /^(?:sha256:)?([\w-]{1,256})$/.exec(what) ?? [];
  if (id !== undefined && !given) return { task_id: id };
  const why = given
    ? "--tag, --application, --piece-length and --filtered-query-param belong to a URL"
    : "expected a task id, the digest of a blob, or an http(s) URL";
  throw new DamselflyError("invalid_argument", why);
}
