/** What archives and images are made of, from the checkout and its bundles. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { completionScript } from "../cli/completion.ts";
import { DamselflyError } from "../core/error.ts";
import { ownPlatform, type Platform, platformOf } from "../release/compile.ts";
import type { ReleaseParts } from "../release/layout.ts";
import type { Origin } from "../release/origin.ts";
import type { ShippedProgram } from "../release/programs.ts";
import { type OtherPackage, sbomOf } from "../release/sbom.ts";
import { UNSHIPPED } from "../release/unshipped.ts";
import { withCommonOptionsBelow } from "../runtime/command_line.ts";
import { makeBundles } from "./bundle.ts";
import { permissionsOf } from "./compile.ts";
import { commandLineOf } from "./completion.ts";
import { PROGRAMS } from "./damselfly.ts";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

/** The Denos that go into archives. Throws `failed_precondition` when a file is for no known platform. */
export async function denosFor(files: readonly string[]): Promise<Map<Platform, string>> {
  const own = ownPlatform(Deno.build);
  const denos = new Map<Platform, string>(own === undefined ? [] : [[own, Deno.execPath()]]);
  for (const file of files) denos.set(await platformOf(file), file);
  return denos;
}

/** Makes the bundles of programs, and gives what archives and images have of each. Throws as {@link makeBundles} does. */
export async function programParts(
  programs: readonly ShippedProgram[],
  say: (line: string) => void,
): Promise<Pick<ReleaseParts, "bundleOf" | "permissionsOf" | "commandOf" | "completionOf">> {
  await makeBundles(programs, say);
  const bundles = new Map<string, Uint8Array>();
  for (const { name } of programs) bundles.set(name, await readFile(join(TOP, "dist", `${name}.js`)));
  const silent = { print: () => {}, printError: () => {} };
  const commandOf = async (program: ShippedProgram) => {
    return withCommonOptionsBelow(await commandLineOf(program.name, PROGRAMS), silent);
  };
  return {
    bundleOf({ name }) {
      const bundle = bundles.get(name);
      if (bundle === undefined) throw new DamselflyError("internal", `There is no bundle of ${name}`);
      return bundle;
    },
    permissionsOf,
    commandOf,
    completionOf: async (program, shell) => completionScript(await commandOf(program), shell),
  };
}

/** Pages that every archive and image has. */
export async function documents(origin: Origin, others: readonly OtherPackage[]): Promise<Record<string, string>> {
  const text = (path: string) => readFile(join(TOP, path), "utf8");
  const configs = [await text("deno.json"), await text("src/console/deno.json")];
  return {
    LICENSE: await text("LICENSE"),
    "CHANGELOG.md": await text("CHANGELOG.md"),
    "sbom.cdx.json": sbomOf({ lock: await text("deno.lock"), configs, unshipped: UNSHIPPED, others, origin }),
  };
}

/** Deno, as the list of what is shipped has it. */
export function denoPackage(): OtherPackage {
  const version = Deno.version.deno;
  return { name: "deno", version, purl: `pkg:github/denoland/deno@v${version}` };
}
