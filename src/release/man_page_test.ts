import assert from "node:assert/strict";
import { Command } from "commander";
import { withCommonOptionsBelow } from "../runtime/command_line.ts";
import { manPages } from "./man_page.ts";

const silent = { print: () => {}, printError: () => {} };

function program(): Command {
  const prog = new Command("prog").description("Does much. And more.\n.TH of no meaning")
    .option("-c, --count <n>", "how many", "1").argument("<what>", "the thing")
    .addHelpText("after", "\nExit codes:\n  0  done\n'quoted' \\ and .dotted\n");
  prog.command("sub").description("Does less.").command("leaf").description("Does one thing.");
  return withCommonOptionsBelow(prog, silent);
}

Deno.test("each command has a page, with its options, arguments and what its help says behind them", () => {
  const pages = manPages(program(), 1_700_000_000);
  assert.deepEqual(Object.keys(pages), ["prog", "prog-sub", "prog-sub-leaf"]);
  const page = pages["prog"] ?? "";
  assert.match(page, /^\.TH PROG 1 2023-11-14 "Damselfly \d+\.\d+\.\d+"\n\.SH NAME\nprog \\- Does much\n/);
  assert.match(page, /\.B prog\n\[options\] \[command\] <what>\n/);
  assert.match(page, /\.TP\n\.B \\-c, \\-\\-count <n>\nhow many \(default: "1"\)\n/);
  assert.match(page, /\.TP\n\.B what\nthe thing\n/);
  assert.match(page, /\.SH NOTES\n\.nf\nExit codes:\n {2}0 {2}done\n/);
  assert.match(page, /\.SH SEE ALSO\n\.BR prog\\-sub \(1\)\n$/);
});

Deno.test("text that means something to the formatter is shown as it is", () => {
  const page = manPages(program(), 0)["prog"] ?? "";
  assert.match(page, /^\\&\.TH of no meaning$/m);
  assert.match(page, /^\\&'quoted' \\e and \.dotted$/m);
});

Deno.test("pages of commands below name those above and below them", () => {
  const page = manPages(program(), 0)["prog-sub"] ?? "";
  assert.match(page, /\.SH SEE ALSO\n\.BR prog \(1\)\n\.BR prog\\-sub\\-leaf \(1\)\n$/);
  assert.doesNotMatch(page, /\.SH (ARGUMENTS|NOTES)/);
});
