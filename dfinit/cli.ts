import { Command, Option } from "commander";
import { DfinitConfig } from "../src/config/dfinit.ts";
import { loadConfig } from "../src/config/load.ts";
import { DamselflyError } from "../src/core/error.ts";
import { parseArguments, withCommonOptions } from "../src/runtime/command_line.ts";
import type { Disk } from "../src/runtime/disk.ts";
import { EXIT as COMMON_EXIT } from "../src/runtime/main.ts";
import type { Terminal } from "../src/runtime/terminal.ts";
import { applyPlan } from "./apply.ts";
import { HostFiles } from "./host_files.ts";
import { type Plan, RefusalError } from "./plan.ts";
import { reportPlan, reportRefusals, reportWarnings } from "./report.ts";
import { type ContainerdOptions, planContainerd } from "./runtimes/containerd_plan.ts";

/** How dfinit ends. */
export const EXIT = { ...COMMON_EXIT, wouldChange: 3 } as const;

/** What dfinit needs of the world. */
export interface DfinitEffects extends Pick<Terminal, "print" | "printError"> {
  readonly disk: Disk;
  env(name: string): string | undefined;
}

interface Flags {
  readonly config?: string;
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly createConfig?: boolean;
  readonly root: string;
}

const HELP = `
What it does:
  Reads the container runtime's configuration, prints what differs from what dfinit.yaml asks for, and changes just
  that; comments, order and everything else stay as they are. A file is replaced in one step and keeps its mode and
  owner; what it held before the first change is kept next to it as <file>.damselfly.bak. A second run changes nothing.
  What cannot be edited safely is refused with the reason and the way out, and then no file is changed at all.
  It never restarts the runtime; it says whether that is needed.

Exit codes:
  0  done, or nothing to do
  1  failed, or refused
  2  wrong use
  3  --check: something would change

Examples:
  dfinit --config /etc/dragonfly/dfinit.yaml --check --diff
  dfinit --config /etc/dragonfly/dfinit.yaml --root /host
`;

/** Runs dfinit with the arguments of the command line and returns the exit code. */
export async function runDfinit(args: readonly string[], effects: DfinitEffects): Promise<number> {
  const program = withCommonOptions(dfinitCommand(), effects);
  const ended = parseArguments(program, args);
  if (ended !== undefined) return ended;
  try {
    return await configure(program.opts<Flags>(), effects);
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
    .option("-c, --config <file>", "configuration of dfinit (default: /etc/dragonfly/dfinit.yaml)")
    .option("--check", "change nothing; exit with 3 when something would change")
    .option("--diff", "print each change as a unified diff")
    .option("--create-config", "write containerd's configuration when there is no file, as containerd 2 may run")
    .option("--root <dir>", "where the node's / is mounted; paths of the configuration are below it", "/")
    .addOption(
      new Option("-l, --log-level <level>", "accepted as in Dragonfly; the report is always the same")
        .choices(["trace", "debug", "info", "warn", "error"]).default("info"),
    )
    .option("--console", "accepted as in Dragonfly; the report always goes to standard output")
    .addHelpText("after", HELP);
}

async function configure(flags: Flags, effects: DfinitEffects): Promise<number> {
  const source = flags.config === undefined ? {} : { path: flags.config };
  const { config, warnings } = await loadConfig(DfinitConfig, source, effects);
  effects.printError(warnings.map((warning) => `warning: ${warning}\n`).join(""));
  if (config.containerRuntime === undefined) {
    effects.print("Nothing to do: the configuration names no container runtime\n");
    return EXIT.done;
  }
  const files = new HostFiles(effects.disk, flags.root);
  const options = { mirror: config.proxy.addr, mayCreateConfig: flags.createConfig === true };
  const plan = await planNode(config.containerRuntime, options, files);
  effects.printError(reportWarnings(plan));
  if (plan.refusals.length > 0) {
    effects.printError(reportRefusals(plan.refusals));
    effects.printError("Nothing was changed\n");
    return EXIT.failed;
  }
  const isCheck = flags.check === true;
  if (!isCheck) await applyPlan(plan, files);
  effects.print(reportPlan(plan, { isCheck, withDiff: flags.diff === true }));
  return isCheck && plan.changes.length > 0 ? EXIT.wouldChange : EXIT.done;
}

function planNode(
  runtime: NonNullable<DfinitConfig["containerRuntime"]>,
  options: ContainerdOptions,
  files: HostFiles,
): Promise<Plan> {
  if (runtime.containerd !== undefined) return planContainerd(runtime.containerd, options, files);
  const name = Object.entries(runtime).find(([, value]) => value !== undefined)?.[0] ?? "this runtime";
  throw new DamselflyError(
    "unimplemented",
    `Cannot configure ${name}: dfinit edits the files of containerd only so far`,
  );
}
