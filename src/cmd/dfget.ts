import "../rpc/http2_guard.ts";
import { runDfget } from "../cli/dfget.ts";
import { realClock } from "../runtime/clock.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realNet } from "../runtime/real_net.ts";
import { realTerminal } from "../runtime/terminal.ts";

export { dfgetCommand as command } from "../cli/dfget_command.ts";

/** Runs dfget with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const random = realRandom();
  const runtime = {
    ...{ clock: realClock(), random, disk: realDisk(random), net: realNet() },
    fetch: (input: string | URL, init?: RequestInit) => fetch(input, init),
    env: (name: string) => Deno.env.get(name),
  };
  const effects = { runtime, terminal: realTerminal() };
  return runProgram("dfget", (signal) => runDfget(args, effects, signal));
}

if (import.meta.main) await run(Deno.args);
