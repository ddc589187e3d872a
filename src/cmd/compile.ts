/** `deno task compile`: makes native programs, in dist/compiled/PLATFORM/. They need no Deno on the host. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { DamselflyError } from "../core/error.ts";
import { permissionFlags } from "../install/permission_flags.ts";
import { compileProgram, ownPlatform, type Platform, PLATFORM_NAMES, platformOf } from "../release/compile.ts";
import { COMMANDS, type ShippedProgram } from "../release/programs.ts";
import { runTool } from "../release/run_tool.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT, runProgram } from "../runtime/main.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { makeBundles } from "./bundle.ts";
import { PERMISSIONS } from "./permissions.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

const HELP = `
Each program is one file in dist/compiled/PLATFORM, with the permissions that its task has. Their runtime, denort, is
what DENORT_BIN names, for the platform which that is for; without it Deno fetches it.

Exit codes:
  0  done
  1  failed, for instance because there is no such runtime
  2  wrong use
`;

/** The command line of compile. */
export function compileCommand(): Command {
  return new Command("compile")
    .description("Makes native programs.")
    .addOption(new Option("--platform <name>", "only for this one").choices(PLATFORM_NAMES))
    .addHelpText("after", HELP);
}

/** What `deno run` and `deno compile` are told that a program may do. */
export function permissionsOf({ permissions }: ShippedProgram): string[] {
  return permissions === "all"
    ? ["--allow-all"]
    : permissionFlags(PERMISSIONS[permissions as keyof typeof PERMISSIONS]);
}

async function compile(args: readonly string[]): Promise<number> {
  const terminal = realTerminal();
  const command = withCommonOptions(compileCommand(), terminal);
  const ended = parseArguments(command, args);
  if (ended !== undefined) return ended;
  const platforms = await platformsOf(command.opts<{ readonly platform?: Platform }>().platform);
  // One after the other, so that a runtime which is none is found with the first.
  for (const program of COMMANDS) {
    await makeBundles([program], (line) => terminal.print(`${line}\n`));
    const script = join(TOP, "dist", `${program.name}.js`);
    for (const platform of platforms) {
      const folder = join("dist/compiled", platform);
      await mkdir(join(TOP, folder), { recursive: true });
      const output = join(folder, program.name);
      await compileProgram({ program, platform, permissions: permissionsOf(program), script, output }, TOP);
      if (platform === ownPlatform(Deno.build)) await mustBe(program, join(TOP, output));
      terminal.print(`${output}\n`);
    }
  }
  return EXIT.done;
}

/** The one that is asked for; a runtime that is given is for one only. Throws `failed_precondition`. */
async function platformsOf(asked: Platform | undefined): Promise<readonly Platform[]> {
  const runtime = Deno.env.get("DENORT_BIN");
  if (runtime === undefined) return asked === undefined ? PLATFORM_NAMES : [asked];
  const given = await platformOf(runtime);
  if (asked === undefined || asked === given) return [given];
  throw new DamselflyError(
    "failed_precondition",
    `Cannot compile for ${asked}: DENORT_BIN is a runtime for ${given}; name one for ${asked}, or take ${given}`,
  );
}

/** A runtime that is something else makes programs that are something else: they are made, and do not run. */
async function mustBe({ name }: ShippedProgram, program: string): Promise<void> {
  const said = await runTool(program, ["--version"], TOP);
  if (said.split(" ")[0] === name) return;
  throw new DamselflyError(
    "failed_precondition",
    `Cannot use what DENORT_BIN names: it is not denort of Deno ${Deno.version.deno}, for ${name} made with it says ` +
      `"${said.split("\n")[0]}" when it is asked for its version`,
  );
}

if (import.meta.main) await runProgram("compile", () => compile(Deno.args));
