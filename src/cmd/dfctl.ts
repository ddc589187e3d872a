import "../rpc/http2_guard.ts";
import { runDfctl } from "../cli/dfctl/dfctl.ts";
import { realClock } from "../runtime/clock.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { realTerminalInput } from "../runtime/terminal_input.ts";

export { dfctlCommand as command } from "../cli/dfctl/dfctl_command.ts";

/** Runs dfctl with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const random = realRandom();
  const runtime = {
    ...{ clock: realClock(), random, disk: realDisk(random) },
    fetch: (input: string | URL, init?: RequestInit) => fetch(input, init),
    env: (name: string) => Deno.env.get(name),
  };
  const effects = { runtime, terminal: realTerminal(), input: realTerminalInput() };
  return runProgram("dfctl", (signal) => runDfctl(args, effects, signal));
}

if (import.meta.main) await run(Deno.args);
