import { Argument, Command, Option } from "commander";
import { DfinitConfig } from "../src/config/dfinit.ts";
import { fileMetaOf, loadConfig } from "../src/config/load.ts";
import { DamselflyError } from "../src/core/error.ts";
import { parseArguments, withCommonOptions } from "../src/runtime/command_line.ts";
import type { Disk } from "../src/runtime/disk.ts";
import { EXIT as COMMON_EXIT } from "../src/runtime/main.ts";
import type { Terminal } from "../src/runtime/terminal.ts";
import { HostFiles } from "./host_files.ts";
import { carryOut, type NodeResult, planRuntime, runtimesOf } from "./node.ts";
import { EMPTY_PLAN, RefusalError } from "./plan.ts";
import { bypassWarning, reportJson, reportRefusals, reportResult, reportStatus, reportWarnings } from "./report.ts";

/** How dfinit ends. */
export const EXIT = { ...COMMON_EXIT, wouldChange: 3 } as const;

/** What dfinit needs of the world. */
export interface DfinitEffects extends Pick<Terminal, "print" | "printError"> {
  readonly disk: Disk;
  env(name: string): string | undefined;
}

const VERBS = ["apply", "diff", "restore", "status"] as const;
type Verb = typeof VERBS[number];

interface Flags {
  readonly config?: string;
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly json?: boolean;
  readonly createConfig?: boolean;
  readonly restartFile?: string;
  readonly root: string;
}

const HELP = `
What it does:
  apply    makes the container runtimes that dfinit.yaml names pull through the peer. It reads their configuration,
           prints what differs from what is wanted, and changes just that; comments, order and everything else stay as
           they are. This is what happens without a word too
  diff     shows what apply would change, and changes nothing; as apply --check --diff
  restore  brings back what was before: byte for byte where nobody else changed a file since, and otherwise it takes
           out what apply put there. Files and folders that apply made go
  status   says of each runtime whether it is configured, not configured, or drifted, and which registries go around
           the peer; changes nothing

  A file is replaced in one step and keeps its mode and owner; what it held before the first change is kept next to it
  as <file>.damselfly.bak. A second run changes nothing. What cannot be edited safely is refused with the reason and
  the way out, and then no file is changed at all.
  dfinit starts no programs: it says which runtime has to be restarted, and --restart-file says it to a script.

Exit codes:
  0  done, or nothing to do
  1  failed, or refused
  2  wrong use
  3  diff, status, --check: something would change

Examples:
  dfinit diff --config /etc/dragonfly/dfinit.yaml
  dfinit --config /etc/dragonfly/dfinit.yaml --root /host --restart-file /run/restart
  dfinit restore --root /host
`;

/** Runs dfinit with the arguments of the command line and returns the exit code. */
export async function runDfinit(args: readonly string[], effects: DfinitEffects): Promise<number> {
  const program = withCommonOptions(dfinitCommand(), effects);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  try {
    const [verb = "apply"] = program.processedArgs as [Verb | undefined];
    return await configure(verb, program.opts<Flags>(), effects);
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    effects.printError(error instanceof RefusalError ? reportRefusals([error.refusal]) : `dfinit: ${error.message}\n`);
    return EXIT.failed;
  }
}

/** The command line of dfinit. */
export function dfinitCommand(): Command {
  return new Command("dfinit")
    .description("Makes the container runtime of this node pull through the Damselfly peer that runs on it.")
    .addArgument(new Argument("[verb]", "what to do (default: apply)").choices(VERBS))
    .option("-c, --config <file>", "configuration of dfinit (default: /etc/dragonfly/dfinit.yaml)")
    .option("--check", "change nothing; exit with 3 when something would change")
    .option("--diff", "print each change as a unified diff")
    .option("--json", "print what happened, or would, as one JSON document")
    .option("--create-config", "write containerd's configuration when there is no file, as containerd 2 may run")
    .option(
      "--restart-file <file>",
      "write here what systemctl has to do, such as restart containerd.service; one a line",
    )
    .option("--root <dir>", "where the node's / is mounted; paths of the configuration are below it", "/")
    .addOption(
      new Option("-l, --log-level <level>", "accepted as in Dragonfly; the report is always the same")
        .choices(["trace", "debug", "info", "warn", "error"]).default("info"),
    )
    .option("--console", "accepted as in Dragonfly; the report always goes to standard output")
    .addHelpText("after", HELP);
}

async function configure(verb: Verb, flags: Flags, effects: DfinitEffects): Promise<number> {
  const source = flags.config === undefined ? {} : { path: flags.config };
  const { config, warnings } = await loadConfig(DfinitConfig, source, effects);
  effects.printError(reportWarnings(warnings));
  const files = new HostFiles(effects.disk, flags.root);
  const runtimes = await runtimesOf(config, { mayCreateConfig: flags.createConfig === true }, files);
  if (runtimes.length === 0 && flags.json !== true) {
    effects.print(`Nothing to do: ${await whyNoRuntime(flags, effects)}\n`);
    return EXIT.done;
  }
  const isRestoring = verb === "restore";
  const isCheck = flags.check === true || verb === "diff" || verb === "status";
  const planned = await Promise.all(runtimes.map((runtime) => planRuntime(runtime, isRestoring, files)));
  const plans = planned.map(({ plan }) => plan);
  effects.printError(reportWarnings(plans.flatMap((plan) => [...plan.warnings, ...plan.bypassed.map(bypassWarning)])));
  const refusals = plans.flatMap((plan) => plan.refusals);
  effects.printError(reportRefusals(refusals));
  if (refusals.length > 0) effects.printError("Nothing was changed\n");
  const isDone = !isCheck && refusals.length === 0;
  if (isDone) {
    for (const [i, runtime] of runtimes.entries()) await carryOut(plans[i] ?? EMPTY_PLAN, runtime, isRestoring, files);
  }
  printResult({ runtimes: planned }, { verb, isCheck: !isDone, isRefused: refusals.length > 0 }, flags, effects);
  // After the report: what was changed is told even where this file cannot be written.
  if (isDone) await tellRestarts({ runtimes: planned }, flags, effects);
  if (refusals.length > 0) return EXIT.failed;
  return isCheck && plans.some(({ changes }) => changes.length > 0) ? EXIT.wouldChange : EXIT.done;
}

/** Without `--config` the usual file may be absent, most likely because it lies elsewhere. */
async function whyNoRuntime({ config }: Flags, { disk }: DfinitEffects): Promise<string> {
  const { file } = fileMetaOf(DfinitConfig);
  if (config !== undefined || await disk.stat(file) !== undefined) {
    return "the configuration names no container runtime";
  }
  return `there is no ${file}; --config names another file`;
}

function printResult(
  result: NodeResult,
  { verb, isCheck, isRefused }: { verb: Verb; isCheck: boolean; isRefused: boolean },
  flags: Flags,
  { print }: DfinitEffects,
): void {
  const options = { isCheck, withDiff: flags.diff === true || verb === "diff" };
  if (flags.json === true) print(reportJson(result, options));
  else if (verb === "status") print(reportStatus(result));
  else if (!isRefused) print(reportResult(result, options));
}

/** An init container of a pod cannot wait for a restart that ends the pod: a script of the node does it, detached. */
async function tellRestarts({ runtimes }: NodeResult, { restartFile }: Flags, { disk }: DfinitEffects): Promise<void> {
  if (restartFile === undefined) return;
  const lines = runtimes.flatMap(({ isRestartOwed, service, reload }) =>
    isRestartOwed && service !== undefined ? [`restart ${service}`] : reload ?? []
  );
  await disk.writeTextAtomic(restartFile, lines.map((line) => `${line}.service\n`).join(""));
}
