import { runConfig } from "../cli/config.ts";
import { runProgram } from "../runtime/main.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { realTerminal } from "../runtime/terminal.ts";

export { configCommand as command } from "../cli/config_command.ts";

/** Runs `damselfly config` with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  const effects = { disk: realDisk(realRandom()), terminal: realTerminal() };
  return runProgram("damselfly config", () => runConfig(args, effects));
}

if (import.meta.main) await run(Deno.args);
