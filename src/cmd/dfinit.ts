import { runDfinit } from "../../dfinit/cli.ts";
import { realTerminal } from "../cli/terminal.ts";
import { realRandom } from "../runtime/random.ts";
import { realDisk } from "../runtime/real_disk.ts";

/** Runs dfinit with the arguments of a command line, as part of the program that holds all. */
export async function run(args: readonly string[]): Promise<never> {
  const disk = realDisk(realRandom());
  Deno.exit(await runDfinit(args, { disk, env: (name) => Deno.env.get(name), ...realTerminal() }));
}
