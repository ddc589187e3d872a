/** What docs/dfctl.md tells people to type is understood as it stands there. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { dfctlCommand } from "../src/cli/dfctl/dfctl_command.ts";
import { parseArguments, withCommonOptionsBelow } from "../src/runtime/command_line.ts";

const PAGE = await readFile(new URL("../docs/dfctl.md", import.meta.url), "utf8");

/** Every command line between fences, without what is said of it and where its input comes from. */
const lines = [...PAGE.matchAll(/^```\n([^]*?)^```$/gm)].flatMap(([, text = ""]) => text.trim().split("\n"))
  .map((line) => line.replace(/ +#.*| *<.*/, ""));

Deno.test("each command of the page is one of dfctl's, with options that it has", () => {
  assert.ok(lines.length > 25);
  for (const line of lines) {
    const [program, ...args] = line.split(/ +/);
    assert.equal(program, "dfctl");
    let [chosen, errors] = [0, ""];
    const terminal = { print() {}, printError: (text: string) => void (errors += text) };
    const command = withCommonOptionsBelow(dfctlCommand(() => chosen++), terminal);
    assert.equal(parseArguments(command, args), undefined, `${line}: ${errors}`);
    assert.equal(chosen, 1, line);
  }
});

Deno.test("each command says what it does, and so does each of its options", () => {
  const walk = (command: Command): Command[] => [command, ...command.commands.flatMap(walk)];
  for (const command of walk(dfctlCommand())) {
    assert.match(command.description(), /^[A-Z].*\.$/, command.name());
    for (const { description, long } of command.options) assert.ok(description.length > 3, `${command.name()} ${long}`);
  }
});
