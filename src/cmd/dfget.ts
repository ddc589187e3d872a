import "../rpc/http2_guard.ts";
import { runDfget } from "../cli/dfget.ts";
import { realTerminal } from "../cli/terminal.ts";
import { silentLog } from "../runtime/log.ts";
import { realRuntime } from "../runtime/runtime.ts";
import { runCommand } from "./run_component.ts";

/** Runs dfget with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const effects = { runtime: realRuntime("dfget", { log: silentLog() }), terminal: realTerminal() };
  return runCommand("dfget", (signal) => runDfget(args, effects, signal));
}

if (import.meta.main) await run(Deno.args);
