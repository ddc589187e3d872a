import "../rpc/http2_guard.ts";
import { runDfcache } from "../cli/dfcache.ts";
import { realClock } from "../runtime/clock.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realTerminal } from "../runtime/terminal.ts";

export { dfcacheCommand as command } from "../cli/dfcache_command.ts";

/** Runs dfcache with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const random = realRandom();
  const runtime = { clock: realClock(), random, disk: realDisk(random), env: (name: string) => Deno.env.get(name) };
  const effects = { runtime, terminal: realTerminal() };
  return runProgram("dfcache", (signal) => runDfcache(args, effects, signal));
}

if (import.meta.main) await run(Deno.args);
