import "../rpc/http2_guard.ts";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DamselflyError } from "../core/error.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { silentLog } from "../runtime/log.ts";
import { EXIT, runProgram, untilStopped } from "../runtime/main.ts";
import { realRuntime } from "../runtime/runtime.ts";
import { realTerminal, type Terminal } from "../runtime/terminal.ts";
import { ComponentLogs } from "./component_logs.ts";
import { readConsolePack } from "./console_pack.ts";
import { startLocalCluster } from "./local_cluster.ts";
import { upCommand, type UpFlags, upPlaces } from "./up_options.ts";
import { upText } from "./up_text.ts";

export { upCommand as command };

/** Runs a cluster in the foreground, as the arguments of a command line say. */
export function run(args: readonly string[]): Promise<never> {
  return runProgram("up", async (signal) => {
    const terminal = realTerminal();
    const command = withCommonOptions(upCommand(), terminal);
    const ended = parseArguments(command, args);
    if (ended !== undefined) return ended;
    await untilStopped(() => startUp(command.opts<UpFlags>(), terminal, signal), signal);
    return EXIT.done;
  });
}

async function startUp(flags: UpFlags, terminal: Terminal, signal: AbortSignal): Promise<AsyncDisposable> {
  const { clock, disk } = realRuntime("up", { log: silentLog() });
  await using stack = new AsyncDisposableStack();
  const dir = flags.dataDir ?? await mkdtemp(join(tmpdir(), "damselfly-up-"));
  if (flags.dataDir === undefined) stack.defer(() => disk.remove(dir));
  const logs = stack.use(new ComponentLogs(join(dir, "logs")));
  const runtimeOf = (name: string) => realRuntime(name, { log: logs.open(name) });
  const consolePack = await readConsolePack(disk);
  const cluster = stack.use(
    await startLocalCluster({ ...upPlaces(flags), dir, consolePack, clock, runtimeOf }, signal).catch(explainPort),
  );
  terminal.print(upText(cluster, flags, dir));
  return stack.move();
}

/** Says where another port is chosen, when that is what it takes. */
function explainPort(error: unknown): never {
  if (!(error instanceof DamselflyError) || !error.message.startsWith("Cannot listen on")) throw error;
  throw new DamselflyError(error.code, `${error.message}; up --help lists the options for other ports`);
}

if (import.meta.main) await run(Deno.args);
