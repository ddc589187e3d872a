/**
 * Puts one fault after the other into a copy of the code and looks whether the nearest tests notice it:
 *
 *     deno task mutants [--only WORDS] [--jobs 2]
 *
 * Prints each one and how it ended, and fails when one survives, or when the list is out of date.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MUTANTS } from "./list.ts";
import { type Mutant, mutated } from "./mutant.ts";

/** A mutant that goes on for longer is caught: its tests never end. */
const LIMIT_MS = 180_000;
/** What the tests need of a checkout. */
const PARTS = ["src", "tests", "dfinit", "proto", "charts", "docs", "deno.json", "deno.lock"];
const ROOT = new URL("../..", import.meta.url).pathname;

const OPTIONS = {
  only: { type: "string", default: "" },
  jobs: { type: "string", default: "1" },
} as const;

type Ending = "caught" | "SURVIVED" | "DOES NOT LOAD";

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  const mutants = MUTANTS.filter(({ what }) => what.includes(values.only));
  for (const mutant of mutants) mutated(await Deno.readTextFile(join(ROOT, mutant.file)), mutant);
  const copies = await Promise.all(Array.from({ length: Number(values.jobs) }, copyOfCheckout));
  try {
    const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
    const [first] = copies;
    const before = first === undefined ? undefined : await run(first, tests);
    if (before?.success !== true) {
      console.log(before?.output ?? "There is no copy to run the tests in");
      console.log("The tests fail without any mutant");
      return 1;
    }
    return await runAll(mutants, copies);
  } finally {
    await Promise.all(copies.map((copy) => Deno.remove(copy, { recursive: true })));
  }
}

async function runAll(mutants: readonly Mutant[], copies: readonly string[]): Promise<number> {
  const left = mutants.values();
  let bad = 0;
  await Promise.all(copies.map(async (copy) => {
    for (const mutant of left) {
      const ending = await endingOf(mutant, copy);
      if (ending !== "caught") bad++;
      console.log(`${ending.padEnd(14)} ${mutant.file}: ${mutant.what}`);
    }
  }));
  console.log(`${mutants.length - bad} of ${mutants.length} mutants are caught`);
  return bad === 0 ? 0 : 1;
}

async function endingOf(mutant: Mutant, copy: string): Promise<Ending> {
  const path = join(copy, mutant.file);
  const before = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, mutated(before, mutant));
  try {
    const { success, output } = await run(copy, mutant.tests);
    if (success) return "SURVIVED";
    return output.includes("(uncaught error)") || output.includes("Module not found") ? "DOES NOT LOAD" : "caught";
  } finally {
    await Deno.writeTextFile(path, before);
  }
}

async function run(copy: string, tests: readonly string[]): Promise<{ success: boolean; output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "-q", "--no-check", ...tests],
    cwd: copy,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function copyOfCheckout(): Promise<string> {
  const copy = await Deno.makeTempDir({ prefix: "mutants-" });
  for (const part of PARTS) await copyAll(join(ROOT, part), join(copy, part));
  return copy;
}

async function copyAll(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyAll(join(from, name), join(to, name));
}

if (import.meta.main) Deno.exit(await main());
