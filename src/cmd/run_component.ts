/** What the long-lived components have in common: flags, configuration, log level, running until they are stopped. */
import { Command, Option } from "commander";
import type * as z from "zod";
import { errorText } from "../core/error.ts";
import { fileMetaOf, loadConfig } from "../config/load.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { jsonLog, type LogLevel } from "../runtime/log.ts";
import { EXIT, runProgram, untilStopped } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realRuntime, type Runtime } from "../runtime/runtime.ts";
import { realTerminal, type Terminal } from "../runtime/terminal.ts";
import { reload } from "./reload.ts";

/** A component as its main describes it. */
export interface Component<S extends z.ZodObject> {
  readonly description: string;
  readonly schema: S;
  /** Options besides those that all components have. */
  readonly options?: readonly Option[];
  /** The level that the configuration asks for; the command line wins over it. */
  readonly logLevelOf?: (config: z.output<S>) => LogLevel;
  /** `options` are those of the command line; the signal gives the start up. */
  start(config: z.output<S>, runtime: Runtime, options: ComponentOptions): Promise<AsyncDisposable>;
}

/** What a component is started with besides its configuration. */
export type ComponentOptions = { readonly signal: AbortSignal } & Readonly<Record<string, unknown>>;

interface CommonFlags {
  readonly config?: string;
  readonly logLevel?: LogLevel | "trace";
  readonly verbose?: boolean;
}

/** Options that Dragonfly's components have for log files. */
const LOG_FILE_OPTIONS = ["--log-dir <dir>", "--log-max-files <count>", "--log-max-file-size <size>"]
  .map((flags) => new Option(flags, "accepted as in Dragonfly, has no effect"));

const HELP = `
Every key of the configuration, with its default, is listed in docs/config. An unknown key stops the start; a known one
without effect is named in a warning. SIGTERM and Ctrl-C stop it well; a second one, a second later or more, at once.
SIGHUP makes it read its configuration anew: the log's level takes effect, other keys that changed are named in the log.

Exit codes:
  0    stopped by a signal
  1    failed, for instance because of its configuration or a port that is taken
  2    wrong use
  130  stopped at once by a second signal
`;

/** The command line of a component. */
export function componentCommand<S extends z.ZodObject>({ description, schema, options = [] }: Component<S>): Command {
  const { component, file, fileEnv } = fileMetaOf(schema);
  const fromEnv = fileEnv === undefined ? "" : `, or $${fileEnv}`;
  const command = new Command(component)
    .description(description)
    .option("-c, --config <file>", `configuration (default: ${file} if it exists${fromEnv})`)
    .addOption(
      new Option(
        "-l, --log-level <level>",
        "least severe messages that are logged (default: the configuration's, else info)",
      )
        .choices(["trace", "debug", "info", "warn", "error"]),
    )
    .option("--verbose", "the same as --log-level debug")
    .option("--console", "accepted as in Dragonfly; logs always go to standard output");
  for (const option of [...options, ...LOG_FILE_OPTIONS]) command.addOption(option);
  return command.addHelpText("after", HELP);
}

/** Runs a component until a signal stops it: exits with 0 then, 1 when it failed, 2 on wrong use. */
export function runComponent<S extends z.ZodObject>(
  component: Component<S>,
  args: readonly string[],
): Promise<never> {
  const command = componentCommand(component);
  const onHangup: { reload: () => void } = { reload: () => {} };
  return runProgram(command.name(), async (signal) => {
    const terminal = realTerminal();
    const ended = parseArguments(withCommonOptions(command, terminal), args);
    if (ended !== undefined) return ended;
    await untilStopped(() => startComponent(component, command, { terminal, signal, onHangup }), signal);
    return EXIT.done;
  }, () => onHangup.reload());
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** What SIGHUP does from now on. */
  readonly onHangup: { reload: () => void };
}

async function startComponent<S extends z.ZodObject>(
  component: Component<S>,
  command: Command,
  { terminal, signal, onHangup }: Surroundings,
): Promise<AsyncDisposable> {
  const { config: path, logLevel, verbose, ...options } = command.opts<CommonFlags & Record<string, unknown>>();
  for (const option of LOG_FILE_OPTIONS.filter((option) => options[option.attributeName()] !== undefined)) {
    terminal.printError(`warning: ${option.long} has no effect: logs go to standard output\n`);
  }
  const sources = { disk: realDisk(realRandom()), env: (variable: string) => Deno.env.get(variable) };
  const load = () => loadConfig(component.schema, path === undefined ? {} : { path }, sources);
  const { config, warnings } = await load();
  for (const warning of warnings) terminal.printError(`warning: ${warning}\n`);
  const asked = verbose === true ? "debug" : logLevel === "trace" ? "debug" : logLevel;
  const log = jsonLog(command.name(), { level: asked ?? component.logLevelOf?.(config) ?? "info" });
  const runtime = realRuntime(command.name(), { log });
  signal.addEventListener("abort", () => runtime.log.info("Stopping", { reason: errorText(signal.reason) }));
  const started = await component.start(config, runtime, { ...options, signal });
  const logLevelOf = asked === undefined ? component.logLevelOf : undefined;
  onHangup.reload = () => void reload({ running: config, load, logLevelOf }, log);
  return started;
}
