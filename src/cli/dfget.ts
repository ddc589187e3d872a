import { join } from "node:path";
import { DamselflyError, errorText } from "../core/error.ts";
import { inParallel } from "../core/in_parallel.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { EXIT, exitCodeOf, failureText } from "./daemon_error.ts";
import { DFGET_ENVIRONMENT, dfgetCommand } from "./dfget_command.ts";
import { directoriesOf, filesOf } from "./dfget_directory.ts";
import { type DfgetPlan, dfgetPlan } from "./dfget_plan.ts";
import type { WantedFile } from "./dfget_way.ts";
import { Ways } from "./dfget_ways.ts";
import { argumentsOfEnvironment } from "./environment.ts";
import { formatBytes, formatMs } from "./format.ts";
import { checkOutput } from "./output_file.ts";
import { Progress } from "./progress.ts";

/** What dfget needs of the world. */
export interface DfgetEffects {
  readonly runtime: Pick<Runtime, "clock" | "disk" | "random" | "net" | "fetch" | "env">;
  readonly terminal: Terminal;
}

/** Runs dfget with the arguments of the command line and returns the exit code. */
export async function runDfget(args: readonly string[], effects: DfgetEffects, signal: AbortSignal): Promise<number> {
  const { terminal, runtime } = effects;
  const plan = planOf(args, effects);
  if (typeof plan === "number") return plan;
  using limit = runtime.clock.deadline(plan.timeout);
  try {
    await run(plan, effects, AbortSignal.any([signal, limit.signal]));
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    terminal.printError(`dfget: ${failureText(error, plan)}\n`);
    return exitCodeOf(error);
  }
}

/** What is asked for; a number is the exit code of a command line that asks for nothing. */
function planOf(args: readonly string[], { terminal, runtime }: DfgetEffects): DfgetPlan | number {
  const command = withCommonOptions(dfgetCommand(), terminal);
  const wrong = (text: string) => {
    terminal.printError(`error: ${text}\n`);
    return EXIT.usage;
  };
  let set: string[];
  try {
    set = argumentsOfEnvironment(command, DFGET_ENVIRONMENT, (name) => runtime.env(name));
  } catch (error) {
    return wrong(errorText(error));
  }
  const ended = parseArguments(command, [...set, ...args]);
  if (ended !== undefined) return ended;
  const plan = dfgetPlan(command, set);
  return typeof plan === "string" ? wrong(plan) : plan;
}

async function run(plan: DfgetPlan, { runtime, terminal }: DfgetEffects, signal: AbortSignal): Promise<void> {
  const startedAt = runtime.clock.now();
  using ways = new Ways(plan, runtime, terminal);
  using progress = new Progress(plan, terminal, runtime.clock);
  const fetch = async (file: WantedFile, signal: AbortSignal) => {
    const ofFile = progress.file();
    await ways.through(async (way) => {
      ofFile.restart();
      await way.fetch(file, ofFile, signal);
    }, signal);
  };
  const what = plan.isDirectory
    ? await fetchDirectory(plan, { ways, progress, fetch, disk: runtime.disk }, signal)
    : await fetchFile(plan, { fetch, disk: runtime.disk }, signal);
  progress[Symbol.dispose]();
  terminal.print(`${plan.output}: ${what} in ${formatMs(runtime.clock.now() - startedAt)}\n`);
}

/** What both kinds of downloads work with. */
interface Downloads extends Pick<Runtime, "disk"> {
  fetch(file: WantedFile, signal: AbortSignal): Promise<void>;
}

async function fetchFile(plan: DfgetPlan, { fetch, disk }: Downloads, signal: AbortSignal): Promise<string> {
  const { url, output } = plan;
  await checkOutput(output, plan, disk);
  await fetch({ url, output }, signal);
  return formatBytes((await disk.stat(output))?.size ?? 0);
}

async function fetchDirectory(
  plan: DfgetPlan,
  { ways, progress, fetch, disk }: Downloads & { readonly ways: Ways; readonly progress: Progress },
  signal: AbortSignal,
): Promise<string> {
  const { url, output } = plan;
  if ((await disk.stat(output))?.isDirectory !== true) {
    throw new DamselflyError("failed_precondition", `Cannot write to ${output}: there is no such directory`);
  }
  const files = filesOf(await ways.through((way) => way.list(url, signal), signal), plan);
  for (const directory of directoriesOf(files, output)) await disk.mkdirAll(directory);
  for (const { path } of files) await checkOutput(join(output, path), plan, disk);
  const bytes = files.reduce((sum, { contentLength }) => sum + contentLength, 0);
  progress.expect(bytes);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const ending: Promise<void>[] = [];
  try {
    const results = inParallel(files, plan.maxConcurrentRequests, ({ url, path }) => {
      const file = fetch({ url, output: join(output, path) }, either);
      ending.push(file.catch(() => {}));
      return file;
    });
    for await (const _ of results);
  } catch (error) {
    failed.abort(error);
    await Promise.all(ending);
    throw error;
  }
  return `${files.length} ${files.length === 1 ? "file" : "files"}, ${formatBytes(bytes)},`;
}
