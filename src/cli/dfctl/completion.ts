import { Argument, Command } from "commander";
import { completionScript, type Shell, SHELLS } from "../completion.ts";
import { dfcacheCommand } from "../dfcache_command.ts";
import { dfgetCommand } from "../dfget_command.ts";
import type { Choose } from "./context.ts";

/** `completion`: what lets a shell complete the command lines of dfctl, dfget and dfcache. */
export function completionCommand(dfctl: Command, choose: Choose): Command {
  const programs = new Map([
    ["dfctl", () => dfctl],
    ["dfget", () => dfgetCommand()],
    ["dfcache", () => dfcacheCommand()],
  ]);
  return new Command("completion").description("Prints what lets a shell complete commands and options.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addArgument(new Argument("[program]", "whose commands").choices([...programs.keys()]).default("dfctl"))
    .action((shell: Shell, program: string) =>
      choose(({ terminal }) => {
        const command = programs.get(program)?.() ?? dfctl;
        terminal.print(completionScript(command, shell));
        return Promise.resolve();
      })
    );
}
