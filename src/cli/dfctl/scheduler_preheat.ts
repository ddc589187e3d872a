import { type Command, Option } from "commander";
import { DamselflyError } from "../../core/error.ts";
import { PreheatFileRequest, PreheatImageRequest, SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs } from "../../rpc/time.ts";
import { parsePriority, PRIORITY_MAX } from "../option_values.ts";
import type { Choose, Context } from "./context.ts";
import { sayDone, type ShowFlags } from "./answers.ts";
import { option, timeoutOption, verb } from "./leaf.ts";
import {
  checkPreheatFlags,
  filteredParams,
  parseContent,
  type PreheatFlags,
  withPreheatOptions,
} from "./preheat_options.ts";
import { type SchedulerFlags, withScheduler, withSchedulerEndpoint } from "./with_scheduler.ts";

const TIMEOUT_MS = 2 * 60 * 60 * 1_000;
const CONCURRENT_TASKS = 4;
const SCOPE = "all_seed_peers";

/** Options of Dragonfly's dfctl that cannot work, and why: hidden from the help, refused with that description. */
const REFUSED: Readonly<Record<string, string>> = {
  "--request-sdk": "a preheat goes through the scheduler's own hosts",
  "--replicas <count>": "it belongs to --request-sdk",
};

interface Flags extends ShowFlags, PreheatFlags, SchedulerFlags {
  readonly password?: string;
  readonly priority: number;
  readonly enableTaskIdBasedBlobDigest?: string;
  readonly insecureSkipVerify?: boolean;
}

/** `task preheat`, as Dragonfly's dfctl has it: a scheduler is asked, without a manager (node-side.md §5.4). */
export function schedulerPreheatCommand(choose: Choose): Command {
  const command = verb("preheat", "Brings an image or a file into the cluster of a scheduler.")
    .argument("<image or URL>", "oci://registry/repository:tag, an image name, or an http(s) URL");
  withPreheatOptions(withSchedulerEndpoint(command), { scope: SCOPE })
    .addOption(new Option("--password <password>", "password of --username; others on this host can read it"))
    .addOption(option("-p, --priority <level>", "0 to 6", parsePriority).default(PRIORITY_MAX))
    .addOption(
      new Option(
        "--enable-task-id-based-blob-digest [yes or no]",
        "accepted as in Dragonfly; the peers of the cluster decide it",
      ),
    )
    .option("--insecure-skip-verify", "do not check certificates of the registry or the origin")
    .addOption(timeoutOption("longest time of it", TIMEOUT_MS, "2h"));
  for (const [flags, why] of Object.entries(REFUSED)) command.addOption(new Option(flags, why).hideHelp());
  return command.action((text: string, flags: Flags) => choose((context) => preheat(context, text, flags)));
}

async function preheat(context: Context, text: string, flags: Flags): Promise<void> {
  checkPreheatFlags(flags, flags.password !== undefined);
  const { type, url } = parseContent(text, flags);
  const order = {
    url,
    pieceLength: flags.pieceLength,
    tag: flags.tag,
    application: flags.application,
    filteredQueryParams: [...filteredParams(flags)],
    header: { ...flags.header },
    scope: flags.scope ?? SCOPE,
    ips: [...flags.ip ?? []],
    count: flags.count,
    percentage: flags.percentage,
    concurrentTaskCount: flags.concurrentTaskCount ?? CONCURRENT_TASKS,
    concurrentPeerCount: flags.concurrentPeerCount,
    priority: flags.priority,
    insecureSkipVerify: flags.insecureSkipVerify === true,
    timeout: durationOfMs(flags.timeout),
  };
  if (type === "file" && (flags.username !== undefined || flags.platform !== undefined)) {
    throw new DamselflyError("invalid_argument", "--username and --platform are for images; a file takes --header");
  }
  await withScheduler(context, { ...flags, service: SchedulerService }, (client, options) => {
    if (type === "file") return client.preheatFile(PreheatFileRequest.fromPartial(order), options);
    const { username, password, platform } = flags;
    return client.preheatImage(PreheatImageRequest.fromPartial({ ...order, username, password, platform }), options);
  });
  sayDone(context, flags, "Preheat Succeeded!");
}
