import { runProgram } from "../src/runtime/main.ts";
import { realRandom } from "../src/runtime/random.ts";
import { realDisk } from "../src/runtime/real_disk.ts";
import { realTerminal } from "../src/runtime/terminal.ts";
import { runDfinit } from "./cli.ts";

export { dfinitCommand as command } from "./cli.ts";

/** Runs dfinit with the arguments of a command line. Told to stop, it finishes, which takes no time worth mentioning. */
export function run(args: readonly string[]): Promise<never> {
  const effects = { disk: realDisk(realRandom()), env: (name: string) => Deno.env.get(name), ...realTerminal() };
  return runProgram("dfinit", () => runDfinit(args, effects));
}

if (import.meta.main) await run(Deno.args);
