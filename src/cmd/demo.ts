import "../rpc/http2_guard.ts";
import { Command } from "commander";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT, runProgram } from "../runtime/main.ts";
import { realTerminal } from "../runtime/terminal.ts";
import { runDemo } from "./demo_run.ts";

const HELP = `
Starts a manager, a scheduler, one seed peer and two peers on free ports of 127.0.0.1, with an embedded database in a
temporary directory; pulls IMAGE through the mirror of peer 1 as containerd would, then through peer 2, then through
peer 2 again; prints where the bytes of each pull came from; and removes all it made.

Exit codes:
  0    the three pulls succeeded
  1    one failed, or the registry of IMAGE cannot be reached
  2    wrong use
  130  interrupted

Examples:
  deno task demo
  deno task demo ghcr.io/owner/app:1.2
  deno task demo localhost:5000/team/app:v1 --insecure
`;

/** The command line of the demo. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("Pulls an image through a cluster on this machine, and shows where its bytes came from.")
    .argument(
      "[image]",
      "image to pull (default: docker.io/library/alpine:3.19, or a sample where that is out of reach)",
    )
    .option("--insecure", "the registry of IMAGE speaks plain HTTP")
    .addHelpText("after", HELP);
}

export { demoCommand as command };

/** Runs the demo with the arguments of a command line. */
export function run(args: readonly string[]): Promise<never> {
  return runProgram("demo", async (signal) => {
    const terminal = realTerminal();
    const command = withCommonOptions(demoCommand(), terminal);
    const ended = parseArguments(command, args);
    if (ended !== undefined) return ended;
    const image = command.processedArgs[0] as string | undefined;
    const { insecure = false } = command.opts<{ insecure?: boolean }>();
    await runDemo({ image, isInsecure: insecure }, terminal, signal);
    return EXIT.done;
  });
}

if (import.meta.main) await run(Deno.args);
