/**
 * `deno task bundle`: makes one self-contained script per program, in dist/. They run without this checkout, without npm
 * and without a network for modules.
 */
import { EXIT } from "../runtime/main.ts";
import { buildConsole } from "./build_console.ts";
import { CONSOLE_PACK, EMBEDDED_CONSOLE } from "./console_pack.ts";

const ENTRIES: Readonly<Record<string, string>> = {
  manager: "src/cmd/manager.ts",
  scheduler: "src/cmd/scheduler.ts",
  dfdaemon: "src/cmd/dfdaemon.ts",
  dfget: "src/cmd/dfget.ts",
  dfcache: "src/cmd/dfcache.ts",
  dfctl: "src/cmd/dfctl.ts",
  dfinit: "dfinit/main.ts",
  doctor: "src/cmd/doctor.ts",
  damselfly: "src/cmd/damselfly.ts",
};

/** The programs that run a manager, and so hold its console. */
const WITH_CONSOLE = ["manager", "damselfly"];

/** Packages that ask for built-in modules by `require` find one; the bundler forgets it where it minifies. */
const REQUIRE =
  'import{createRequire as requireOfBundle}from"node:module";const require=requireOfBundle(import.meta.url);';

/** Bundles one program; false when `deno bundle` failed, which says why itself. */
async function bundle(name: string, entry: string, consolePack: string): Promise<boolean> {
  const output = `dist/${name}.js`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--keep-names", "--output", output, entry],
    stdin: "null",
    stderr: "inherit",
  });
  const { success } = await command.output();
  if (!success) return false;
  const held = WITH_CONSOLE.includes(name) ? consolePack : "";
  await Deno.writeTextFile(output, REQUIRE + held + await Deno.readTextFile(output));
  const { size } = await Deno.stat(output);
  console.log(`${output}  ${(size / 1e6).toFixed(1)} MB`);
  return true;
}

if (import.meta.main) {
  if (Deno.args.length > 0) {
    console.error(`bundle: unknown arguments ${Deno.args.join(" ")}; there are none`);
    Deno.exit(EXIT.usage);
  }
  await buildConsole(() => console.log("Building the console"));
  const pack = JSON.stringify(await Deno.readTextFile(CONSOLE_PACK));
  const consolePack = `globalThis[Symbol.for(${JSON.stringify(EMBEDDED_CONSOLE)})]=${pack};`;
  for (const [name, entry] of Object.entries(ENTRIES)) {
    if (!await bundle(name, entry, consolePack)) {
      console.error(`bundle: cannot bundle ${entry}`);
      Deno.exit(EXIT.failed);
    }
  }
}
