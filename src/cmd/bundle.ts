/**
 * `deno task bundle`: makes one self-contained script per program, in dist/. They run without this checkout, without npm
 * and without a network for modules.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorText } from "../core/error.ts";
import { bundleProgram } from "../release/bundle.ts";
import { originOf } from "../release/origin.ts";
import { SHIPPED, type ShippedProgram } from "../release/programs.ts";
import { EXIT } from "../runtime/main.ts";
import { buildConsole } from "./build_console.ts";
import { CONSOLE_PACK } from "./console_pack.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

/** Writes the bundles of programs to `dist`, and says how large each is. Throws `internal` when one cannot be made. */
export async function makeBundles(programs: readonly ShippedProgram[], say: (line: string) => void): Promise<void> {
  await buildConsole(() => say("Building the console"));
  const [{ commit }, consolePack] = await Promise.all([
    originOf(TOP, (name) => Deno.env.get(name)),
    Deno.readTextFile(CONSOLE_PACK),
  ]);
  for (const program of programs) {
    const output = `dist/${program.name}.js`;
    const size = await bundleProgram(TOP, program, join(TOP, output), { commit, console: consolePack });
    say(`${output}  ${(size / 1e6).toFixed(1)} MB`);
  }
}

if (import.meta.main) {
  if (Deno.args.length > 0) {
    console.error(`bundle: unknown arguments ${Deno.args.join(" ")}; there are none`);
    Deno.exit(EXIT.usage);
  }
  try {
    await makeBundles(SHIPPED, console.log);
  } catch (error) {
    console.error(`bundle: ${errorText(error)}`);
    Deno.exit(EXIT.failed);
  }
}
