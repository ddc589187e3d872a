import { Argument, Command } from "commander";
import { completionScript, type Shell, SHELLS } from "../cli/completion.ts";
import { parseArguments, withCommonOptions, withCommonOptionsBelow } from "../runtime/command_line.ts";
import { EXIT } from "../runtime/main.ts";
import type { Terminal } from "../runtime/terminal.ts";
import type { Program } from "./damselfly.ts";

const ALL = "damselfly";

/**
 * `damselfly completion <shell> [program]`: prints what lets a shell complete the command line of `damselfly` with all
 * programs behind it, or that of one that is called by its own name. The exit code is returned.
 */
export async function runCompletion(
  args: readonly string[],
  programs: Readonly<Record<string, Program>>,
  terminal: Pick<Terminal, "print" | "printError">,
): Promise<number> {
  const command = withCommonOptions(
    new Command(`${ALL} completion`).description("Prints what lets a shell complete commands and options.")
      .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
      .addArgument(
        new Argument("[program]", "whose commands").choices([ALL, ...Object.keys(programs)]).default(ALL),
      ),
    terminal,
  );
  const ended = parseArguments(command, args);
  if (ended !== undefined) return ended;
  const [shell, name] = command.processedArgs as [Shell, string];
  const wanted = await commandLineOf(name, programs);
  terminal.print(completionScript(withCommonOptionsBelow(wanted, terminal), shell));
  return EXIT.done;
}

/** The command line of a program by its name, or that of `damselfly` with all programs below it. */
export async function commandLineOf(name: string, programs: Readonly<Record<string, Program>>): Promise<Command> {
  return name === ALL ? await treeOf(programs) : await commandOf(name, programs[name]);
}

async function treeOf(programs: Readonly<Record<string, Program>>): Promise<Command> {
  const tree = new Command(ALL);
  for (const [name, program] of Object.entries(programs)) {
    tree.addCommand((await commandOf(name, program)).description(program.about));
  }
  return tree.addCommand(new Command("completion").description("prints such a script").argument("<shell>"));
}

/** Components' command lines do not know under which name they are called. */
async function commandOf(name: string, program: Program | undefined): Promise<Command> {
  const loaded = await program?.load();
  return loaded === undefined ? new Command(name) : loaded.command().name(name);
}
