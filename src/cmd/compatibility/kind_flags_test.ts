import assert from "node:assert/strict";
import { Command, Option } from "commander";
import { withCommonOptions } from "../../runtime/command_line.ts";
import { flags } from "./kind_flags.ts";

const PROGRAM = { section: "tool", at: "tool" };

function toolFlags() {
  const tool = new Command("tool").argument("<url>")
    .option("-O, --output <file>", "where")
    .option("--many <count>", "how many", "5")
    .option("--console", "accepted as in Dragonfly; there is no log")
    .addOption(new Option("--old <x>", "gone").hideHelp())
    .option("--own", "ours alone");
  tool.addCommand(new Command("import").option("--ttl <duration>", "how long"));
  const quiet = { print() {}, printError() {} };
  return flags(new Map([["tool", withCommonOptions(tool, quiet)]]));
}

Deno.test("a flag is there when its name, its short form, its value and its default are", () => {
  const kind = toolFlags();
  const find = (name: string, theirs?: unknown) => kind.find(PROGRAM, name, theirs);
  for (const name of ["-O, --output <value>", "--output <value>", "<url>", "import", "-h, --help", "-V, --version"]) {
    assert.deepEqual(find(name), { verdict: "yes" }, name);
  }
  assert.deepEqual(find("--many <value>", 5), { verdict: "yes" });
  assert.deepEqual(find("--many <value>", 6), { verdict: "differs", why: "default `5`, `6` in Dragonfly" });
  assert.deepEqual(find("-m, --many"), { verdict: "differs", why: "no short form -m; takes a value" });
  assert.deepEqual(find("--own <value>"), { verdict: "differs", why: "takes no value" });
  for (const name of ["--none", "stat"]) assert.deepEqual(find(name), { verdict: "no" }, name);
});

Deno.test("a flag without effect and a refused one are not there, and say why", () => {
  const kind = toolFlags();
  assert.deepEqual(kind.find(PROGRAM, "--console", null), { verdict: "no", why: "accepted, but there is no log" });
  assert.deepEqual(kind.find(PROGRAM, "--old <value>", null), { verdict: "no", why: "refused: gone" });
});

Deno.test("a subcommand has flags of its own, and a program that is missing has none", () => {
  const kind = toolFlags();
  const at = (path: string) => kind.find({ section: path, at: path }, "--ttl <value>", null);
  assert.deepEqual(at("tool import"), { verdict: "yes" });
  assert.deepEqual(at("tool"), { verdict: "no" });
  assert.deepEqual(at("other import"), { verdict: "no" });
});

Deno.test("flags of ours alone are those that are shown and not Dragonfly's", () => {
  const alone = toolFlags().alone(PROGRAM, ["-O, --output <value>", "-h, --help"]);
  assert.deepEqual(alone, ["--many", "--console", "--own", "--version"]);
});
