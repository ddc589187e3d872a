/** Programs of the machine that the ring needs. Missing ones are named; only CI insists on them. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  const path = `${Deno.env.get("PATH") ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
  return [...path.split(delimiter), ...postgresFolders()].map((folder) => join(folder, name)).find(isExecutable);
}

/** Where Debian has PostgreSQL's programs, one folder a version. */
function postgresFolders(): string[] {
  const folder = "/usr/lib/postgresql";
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => join(folder, name, "bin")).sort().reverse();
  } catch {
    return [];
  }
}

/** Like {@link findProgram}, for callers that were promised it by {@link e2eTest}. */
export function requireProgram(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`Cannot find the program ${name} on PATH: install it`);
  return found;
}

/** What a test of this ring needs from the machine. */
export interface Needs {
  readonly programs: readonly string[];
  readonly root?: boolean;
  /** What else was looked for and is not there, in words. */
  readonly missing?: readonly string[];
}

/**
 * Registers a test that needs programs of the machine. When one is missing the test is skipped and says by name why;
 * with CI=true it fails instead, because there a skipped test would be a hole that nobody sees.
 */
export function e2eTest(title: string, needs: Needs, run: (t: Deno.TestContext) => Promise<void>): void {
  const missing = needs.programs.filter((name) => findProgram(name) === undefined).map((name) => `program ${name}`);
  if (needs.root === true && Deno.uid() !== 0) missing.push("root");
  missing.push(...needs.missing ?? []);
  if (missing.length === 0) return Deno.test(title, run);

  const reason = `needs ${missing.join(", ")}`;
  if (Deno.env.get("CI") === "true") {
    return Deno.test(title, () => {
      throw new Error(`Cannot run on this machine: ${reason}`);
    });
  }
  Deno.test({ name: `${title} (skipped: ${reason})`, ignore: true, fn: () => {} });
}

/** Runs a command to its end and returns what it printed; a non-zero exit is an error that shows its output. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const output = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  }).output();
  const text = new TextDecoder();
  const stdout = text.decode(output.stdout);
  if (!output.success) {
    const said = `${stdout}${text.decode(output.stderr)}`.trim();
    throw new Error(`Cannot run ${command} ${args.join(" ")}: exit code ${output.code}\n${said}`);
  }
  return stdout;
}

/** Where and with which additional environment {@link run} starts its command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
