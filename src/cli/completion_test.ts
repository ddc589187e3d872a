import assert from "node:assert/strict";
import { Argument, Command } from "commander";
import { withCommonOptionsBelow } from "../runtime/command_line.ts";
import { completionScript, SHELLS } from "./completion.ts";
import { dfctlCommand } from "./dfctl/dfctl_command.ts";
import { dfgetCommand } from "./dfget_command.ts";

/** A program that has everything. */
function program(): Command {
  const list = new Command("list").alias("ls").description("Lists it: 'all' of it").option("--json", "for scripts")
    .addArgument(new Argument("<kind>", "which").choices(["red", "blue"]));
  const quiet = { print() {}, printError() {} };
  return withCommonOptionsBelow(new Command("prog").addCommand(new Command("job").addCommand(list)), quiet);
}

/** What bash offers for the last word of a line. */
async function offered(script: string, name: string, line: string): Promise<string[]> {
  const words = line.split(" ");
  const test = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}
_${name}
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", { args: ["--norc", "-c", test] }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim().split("\n").filter((word) => word !== "");
}

Deno.test("bash completes commands, their aliases, options and what arguments may be", async () => {
  const script = completionScript(program(), "bash");
  const offer = (line: string) => offered(script, "prog", line);
  assert.deepEqual(await offer("prog "), ["job", "--version", "--help"]);
  assert.deepEqual(await offer("prog job l"), ["list", "ls"]);
  assert.deepEqual(await offer("prog job ls "), ["red", "blue", "--json", "--version", "--help"]);
  assert.deepEqual(await offer("prog job --x list b"), ["blue"]);
  assert.deepEqual(await offer("prog job list red --j"), ["--json"]);
  assert.deepEqual(await offer("prog nothing -"), ["--version", "--help"]);
});

Deno.test("each shell that is here reads the scripts of our programs without complaint", async () => {
  for (const shell of SHELLS) {
    for (const command of [program(), dfctlCommand(), dfgetCommand()]) {
      const script = completionScript(command, shell);
      assert.ok(!script.includes("--request-sdk"), "hidden options are not offered");
      const { code, stderr } = await syntaxCheck(shell, script);
      assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""], shell);
    }
  }
});

/** Not every machine has the other two shells. */
async function syntaxCheck(shell: string, script: string): Promise<Pick<Deno.CommandOutput, "code" | "stderr">> {
  try {
    return await new Deno.Command(shell, { args: ["-n", "-c", script], stdin: "null" }).output();
  } catch (error) {
    if (shell === "bash" || !(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 0, stderr: new Uint8Array() };
  }
}
