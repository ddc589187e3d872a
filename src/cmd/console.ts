/** `deno task console`: builds the console that the manager serves, when its sources have changed. */
import { errorText } from "../core/error.ts";
import { EXIT } from "../runtime/main.ts";
import { buildConsole } from "./build_console.ts";

/** The tasks that serve the console build it first, and start without it when that fails. */
const OPTION = "--or-warn";

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => arg !== OPTION);
  if (unknown.length > 0) {
    console.error(`console: unknown arguments ${unknown.join(" ")}; there is only ${OPTION}`);
    return EXIT.usage;
  }
  try {
    await buildConsole(() => console.log("Building the console"));
    return EXIT.done;
  } catch (error) {
    console.error(`console: ${errorText(error)}`);
    return args.includes(OPTION) ? EXIT.done : EXIT.failed;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
