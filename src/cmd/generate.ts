/**
 * `deno task gen`: writes everything in the repository that is generated from something else. With `--check` it writes
 * nothing and fails with the list of the files that differ.
 */
import { generateChart } from "../config/chart/generate.ts";
import { generateConfigDocs } from "../config/generate.ts";
import { DamselflyError } from "../core/error.ts";
import { generateRpc } from "../rpc/generate.ts";
import { generateDockerfiles } from "../release/dockerfile.ts";
import { EXIT } from "../runtime/main.ts";
import { generateConsoleApi } from "./console_api.ts";
import { generateCompatibility } from "./compatibility/generate.ts";

/** Writes some files, and owns whole directories: what it does not generate there does not belong there. */
interface Generator {
  readonly owns: readonly string[];
  readonly generate: () => Map<string, string> | Promise<Map<string, string>>;
}

const GENERATORS: readonly Generator[] = [
  { owns: ["src/rpc/gen"], generate: generateRpc },
  { owns: ["docs/config"], generate: generateConfigDocs },
  { owns: [], generate: generateChart },
  { owns: ["src/console/api/gen"], generate: generateConsoleApi },
  { owns: [], generate: generateCompatibility },
  { owns: [], generate: () => generateDockerfiles(Deno.version.deno) },
];

/** What has to be done to one file; no text means that the file must go. */
interface Difference {
  readonly path: string;
  readonly text: string | undefined;
}

async function differences(generator: Generator): Promise<Difference[]> {
  const files = await generator.generate();
  const found: Difference[] = [];
  for (const [path, text] of files) {
    if (await readIfPresent(path) !== text) found.push({ path, text });
  }
  for (const directory of generator.owns) {
    for (const path of await filesBelow(directory)) {
      if (!files.has(path)) found.push({ path, text: undefined });
    }
  }
  return found;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const entry of Deno.readDir(directory)) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory) paths.push(...await filesBelow(path));
      else paths.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths;
}

async function apply({ path, text }: Difference): Promise<void> {
  if (text === undefined) return await Deno.remove(path);
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Undefined when something cannot be generated, and that has been said. */
async function allDifferences(): Promise<Difference[] | undefined> {
  try {
    return (await Promise.all(GENERATORS.map(differences))).flat();
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error;
    console.error(`gen: ${error.message}`);
    return undefined;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((arg) => arg !== "--check");
  if (unknown.length > 0) {
    console.error(`gen: unknown arguments ${unknown.join(" ")}; there is only --check`);
    return EXIT.usage;
  }
  const found = await allDifferences();
  if (found === undefined) return EXIT.failed;
  if (args.includes("--check")) {
    if (found.length === 0) return EXIT.done;
    console.error("These generated files differ; run `deno task gen` and commit them:");
    for (const { path } of found) console.error(`  ${path}`);
    return EXIT.failed;
  }
  for (const difference of found) await apply(difference);
  console.log(found.length === 0 ? "Everything generated is up to date" : `Wrote ${found.length} files`);
  return EXIT.done;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
