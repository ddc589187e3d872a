/** What the long-lived components have in common: flags, configuration, log level, running until they are stopped. */
import { Argument, Command, Option } from "commander";
import type * as z from "zod";
import { errorText } from "../core/error.ts";
import { fileMetaOf, loadConfig } from "../config/load.ts";
import type { TracingConfig } from "../config/shared.ts";
import { checked, parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { type AdjustableLog, type LogLevel, openLog } from "../runtime/log.ts";
import type { Endpoint } from "../runtime/net.ts";
import { realClock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import { realProfiler } from "../runtime/profiler.ts";
import { type HttpServer, startHttpServer } from "../http/serve.ts";
import { EXIT, runProgram, untilStopped } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realRuntime, type Runtime } from "../runtime/runtime.ts";
import { realTerminal, type Terminal } from "../runtime/terminal.ts";
import type { Attributes } from "../runtime/tracing.ts";
import { type HealthEndpoint, runHealth } from "./component_health.ts";
import { reload } from "./reload.ts";
import { type Overrides, withSetting } from "./settings.ts";

/** A component as its main describes it. */
export interface Component<S extends z.ZodObject> {
  readonly description: string;
  readonly schema: S;
  /** Options besides those that all components have. */
  readonly options?: readonly Option[];
  /** The level that the configuration asks for, unless it is verbose; the command line wins over it. */
  readonly logLevelOf: (config: z.output<S>) => LogLevel;
  /** Where profiles and the level of the log can be had; undefined where nowhere. */
  readonly debugAt: (config: z.output<S>) => Endpoint | undefined;
  /** Where it says whether it serves, for `health`. */
  readonly healthAt: (config: z.output<S>) => HealthEndpoint;
  /** Where its traces go, as the configuration has it. */
  readonly tracingOf: (config: z.output<S>) => Tracing;
  /** `options` are those of the command line; the signal gives the start up. */
  start(config: z.output<S>, runtime: Runtime, options: ComponentOptions): Promise<AsyncDisposable>;
}

/** `tracing` of a configuration, and what of it is said of the process. */
interface Tracing {
  readonly tracing: TracingConfig;
  readonly resource?: Attributes;
}

/** What a component is started with besides its configuration. */
export type ComponentOptions = { readonly signal: AbortSignal } & Readonly<Record<string, unknown>>;

interface CommonFlags {
  readonly console?: boolean;
  readonly config?: string;
  readonly set?: Overrides;
  readonly logLevel?: LogLevel | "trace";
  readonly verbose?: boolean;
}

/** Options that Dragonfly's components have for log files. */
const LOG_FILE_OPTIONS = ["--log-dir <dir>", "--log-max-files <count>", "--log-max-file-size <size>"]
  .map((flags) => new Option(flags, "accepted as in Dragonfly, has no effect"));

const VERBS = ["run", "health"] as const;
type Verb = (typeof VERBS)[number];

const HELP = `
"health" asks the one that runs on this host with this configuration whether it serves, for the checks of containers.

Every key of the configuration, with its default, is listed in docs/config. An unknown key stops the start; a known one
without effect is named in a warning. SIGTERM and Ctrl-C stop it well; a second one, a second later or more, at once.
SIGHUP makes it read its configuration anew: the log's level takes effect, other keys that changed are named in the log.

Exit codes:
  0    stopped by a signal; health: it serves
  1    failed, for instance because of its configuration or a port that is taken; health: it does not serve
  2    wrong use
  130  stopped at once by a second signal
`;

/** The command line of a component. */
export function componentCommand<S extends z.ZodObject>(
  { description, schema, options = [] }: Pick<Component<S>, "description" | "schema" | "options">,
): Command {
  const { component, file, fileEnv } = fileMetaOf(schema);
  const fromEnv = fileEnv === undefined ? "" : `, or $${fileEnv}`;
  const command = new Command(component)
    .description(description)
    .addArgument(new Argument("[verb]", "what to do (default: run)").choices(VERBS))
    .option("-c, --config <file>", `configuration (default: ${file} if it exists${fromEnv})`)
    .addOption(
      new Option(
        "-l, --log-level <level>",
        "least severe messages that are logged (default: the configuration's, else info)",
      )
        .choices(["trace", "debug", "info", "warn", "error"]),
    )
    .addOption(
      new Option("--set <key=value>", "a key of the configuration, such as host.ip=10.0.0.1; may be repeated")
        .argParser(checked(withSetting)).default({}, "none"),
    )
    .option("--verbose", "the same as --log-level debug")
    .option("--console", "write logs as lines for people and not as JSON");
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
    const [verb = "run"] = command.processedArgs as [Verb | undefined];
    if (verb === "health") return await askHealth(component, command, terminal, signal);
    await untilStopped(() => startComponent(component, command, { terminal, signal, onHangup }), signal);
    return EXIT.done;
  }, () => onHangup.reload());
}

/** Asks the component that runs with this configuration. What the configuration warns of was said at its start. */
async function askHealth<S extends z.ZodObject>(
  { schema, healthAt }: Component<S>,
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { config } = await loaderOf(schema, command.opts<CommonFlags>())();
  return await runHealth(healthAt(config), { clock: realClock(), net: realNet() }, terminal, signal);
}

/** Reads the configuration that the command line, or the environment, names, and what the command line sets in it. */
function loaderOf<S extends z.ZodObject>(schema: S, { config: path, set: overrides = {} }: CommonFlags) {
  const sources = { disk: realDisk(realRandom()), env: (variable: string) => Deno.env.get(variable) };
  return () => loadConfig(schema, { overrides, ...(path !== undefined && { path }) }, sources);
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
  const flags = command.opts<CommonFlags & Record<string, unknown>>();
  const { config: _config, set: _set, logLevel, verbose, console, ...options } = flags;
  for (const option of LOG_FILE_OPTIONS.filter((option) => options[option.attributeName()] !== undefined)) {
    terminal.printError(`warning: ${option.long} has no effect: logs go to standard output\n`);
  }
  const load = loaderOf(component.schema, flags);
  const { config, warnings } = await load();
  for (const warning of warnings) terminal.printError(`warning: ${warning}\n`);
  const asked = verbose === true ? "debug" : logLevel === "trace" ? "debug" : logLevel;
  const levelOf = (config: z.output<S>): LogLevel => asVerbose(config).verbose ? "debug" : component.logLevelOf(config);
  const isForPeople = console === true || asVerbose(config).console;
  const log = openLog(command.name(), { level: asked ?? levelOf(config), isForPeople });
  await using stack = new AsyncDisposableStack();
  const runtime = await tracedRuntime(realRuntime(command.name(), { log }), component.tracingOf(config), stack);
  signal.addEventListener("abort", () => runtime.log.info("Stopping", { reason: errorText(signal.reason) }));
  stack.use(await component.start(config, runtime, { ...options, signal }));
  const debug = await openDebugServer(component.debugAt(config), log, runtime);
  if (debug !== undefined) stack.use(debug);
  const logLevelOf = asked === undefined ? levelOf : undefined;
  onHangup.reload = () => void reload({ running: config, load, logLevelOf }, log);
  return stack.move();
}

/** The keys about logs that all components have at the top. */
function asVerbose(config: object): { readonly console: boolean; readonly verbose: boolean } {
  const { console, verbose } = config as Partial<Record<"console" | "verbose", boolean>>;
  return { console: console === true, verbose: verbose === true };
}

/** Where profiles and the level of the log can be had. That it cannot listen is no reason for pulls to wait. */
async function openDebugServer(
  listen: Endpoint | undefined,
  log: AdjustableLog,
  { clock, net }: Runtime,
): Promise<HttpServer | undefined> {
  if (listen === undefined) return undefined;
  const { debugHandler } = await import("../profiling/debug_server.ts"); // not needed without it
  const onError = (error: unknown) => log.error("A request for a profile failed", { error });
  const profiler = realProfiler(clock);
  try {
    // No profile is worth a wait at the end.
    const drainTimeoutMs = 0;
    const handler = debugHandler({ profiler, log, clock });
    return startHttpServer({ listen, handler, drainTimeoutMs, onError, clock, net });
  } catch (error) {
    log.warn("Profiles and the level of the log cannot be had", { listen, reason: errorText(error) });
    return undefined;
  }
}

/** The runtime with traces, where they are configured. */
async function tracedRuntime(
  runtime: Runtime,
  { tracing: { protocol, endpoint, "service-name": serviceName, ...rest }, resource }: Tracing,
  stack: AsyncDisposableStack,
): Promise<Runtime> {
  if (protocol === undefined || endpoint === undefined) {
    const isHalf = protocol !== endpoint;
    if (isHalf) runtime.log.warn("Nothing is traced: set both tracing.protocol and tracing.endpoint");
    return runtime;
  }
  const { openTracing } = await import("../tracing/open_tracing.ts"); // not needed without it
  const options = { ...rest, protocol, endpoint, serviceName, ...(resource !== undefined && { resource }) };
  return { ...runtime, tracer: stack.use(openTracing(options, runtime)) };
}
