/** `deno task release`: makes the archives of a release, in dist/release/. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { VERSION } from "../core/version.ts";
import { PLATFORM_NAMES } from "../release/compile.ts";
import { releaseTree } from "../release/layout.ts";
import { type Origin, originOf } from "../release/origin.ts";
import { COMMANDS } from "../release/programs.ts";
import { tarOf } from "../release/tree.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT, runProgram } from "../runtime/main.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { denoPackage, denosFor, documents, programParts } from "./shipped_parts.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = "dist/release";
/** Higher ones take a multiple of the time, for 2 percent. */
const GZIP_LEVEL = 6;

const HELP = `
What it writes to dist/release:
  damselfly-VERSION-any.tar.gz           for hosts that have Deno ${Deno.version.deno} on their path
  damselfly-VERSION-linux-amd64.tar.gz   with Deno in it, and so for each platform whose Deno is at hand: that of this
                                         machine, and those of --deno
  SHA256SUMS                             what they hash to

All are unpacked to a folder of their own or, with --strip-components=1, to /usr/local. The same commit gives the same
bytes, wherever and whenever it is built.

Exit codes:
  0  done
  1  failed
  2  wrong use
`;

/** The command line of release. */
export function releaseCommand(): Command {
  return new Command("release")
    .description("Makes the archives of a release.")
    .option(
      "--deno <file...>",
      "program file of Deno for another platform; which one, its head says",
      (path: string, earlier: string[] = []) => [...earlier, path],
    )
    .addHelpText("after", HELP);
}

async function release(args: readonly string[]): Promise<number> {
  const terminal = realTerminal();
  const command = withCommonOptions(releaseCommand(), terminal);
  const ended = parseArguments(command, args);
  if (ended !== undefined) return ended;
  const denos = await denosFor(command.opts<{ readonly deno?: readonly string[] }>().deno ?? []);
  const say = (line: string) => terminal.print(`${line}\n`);
  const parts = await programParts(COMMANDS, say);
  await rm(join(TOP, FOLDER), { recursive: true, force: true });
  await mkdir(join(TOP, FOLDER), { recursive: true });
  const origin = await originOf(TOP, (name) => Deno.env.get(name));
  const sums: string[] = [];
  for (const platform of ["any", ...PLATFORM_NAMES] as const) {
    const deno = platform === "any" ? undefined : denos.get(platform);
    if (platform !== "any" && deno === undefined) {
      say(`There is no archive for ${platform}: name its Deno with --deno`);
      continue;
    }
    const name = `damselfly-${VERSION}-${platform}`;
    const archive = await archiveOf(name, deno, parts, origin);
    await writeFile(join(TOP, FOLDER, `${name}.tar.gz`), archive);
    sums.push(`${createHash("sha256").update(archive).digest("hex")}  ${name}.tar.gz\n`);
    say(`${FOLDER}/${name}.tar.gz  ${(archive.length / 1e6).toFixed(1)} MB`);
  }
  await writeFile(join(TOP, FOLDER, "SHA256SUMS"), sums.join(""));
  return EXIT.done;
}

/** The archive of one platform; without a Deno that for any. */
async function archiveOf(
  name: string,
  deno: string | undefined,
  parts: Awaited<ReturnType<typeof programParts>>,
  origin: Origin,
): Promise<Uint8Array> {
  const others = deno === undefined ? [] : [denoPackage()];
  const entries = await releaseTree({
    ...parts,
    documents: await documents(origin, others),
    deno: deno === undefined ? undefined : await readFile(deno),
    time: origin.time,
  });
  return gzipSync(await tarOf(entries.map((entry) => ({ ...entry, path: `${name}/${entry.path}` })), origin.time), {
    level: GZIP_LEVEL,
  });
}

if (import.meta.main) await runProgram("release", () => release(Deno.args));
