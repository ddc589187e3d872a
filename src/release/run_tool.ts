import { DamselflyError, errorText } from "../core/error.ts";

/** Runs a program of this machine and returns what it printed. Throws `internal` with what it said when it fails. */
export async function runTool(program: string, args: readonly string[], cwd: string): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args: [...args], cwd, stdin: "null", env: { NO_COLOR: "1" } }).output();
  } catch (cause) {
    throw new DamselflyError("internal", `Cannot run ${program}: ${errorText(cause)}`, { cause });
  }
  const [printed, said] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (output.success) return printed ?? "";
  throw new DamselflyError("internal", `${program} ${args.join(" ")} failed: ${said}`);
}
