import { Buffer } from "node:buffer";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { embeddingLine } from "../runtime/embedded.ts";
import type { ShippedProgram } from "./programs.ts";
import { runTool } from "./run_tool.ts";

/** Packages that ask for built-in modules by `require` find one; the bundler forgets it where it minifies. */
const REQUIRE =
  'import{createRequire as requireOfBundle}from"node:module";const require=requireOfBundle(import.meta.url);';

/** What bundles hold besides code. */
export interface BundleContents {
  readonly commit: string | undefined;
  /** The built console, for those that run a manager. */
  readonly console: string;
}

/**
 * Writes a program of the checkout as one script to `output`, and returns its size in bytes. What it needs from npm,
 * the bundler too, is what `deno install` brought. Throws `internal` with what `deno bundle` said.
 */
export async function bundleProgram(
  top: string,
  program: ShippedProgram,
  output: string,
  { commit, console }: BundleContents,
): Promise<number> {
  const flags = ["--quiet", "--minify", "--keep-names", "--output", output];
  await runTool(Deno.execPath(), ["bundle", ...flags, join(top, program.entry)], top);
  const held = [
    ...(commit === undefined ? [] : [embeddingLine("commit", commit)]),
    ...(program.hasConsole === true ? [embeddingLine("console", console)] : []),
  ];
  const text = REQUIRE + held.join("") + await readFile(output, "utf8");
  await writeFile(output, text);
  return Buffer.byteLength(text);
}
