import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { errorText } from "../core/error.ts";
import { EXIT } from "./main.ts";
import type { Terminal } from "./terminal.ts";
import { versionText } from "./version_text.ts";

/** Wide enough for the texts behind the options, which are not wrapped. */
const HELP_COLUMNS = 120;

/** What every command of ours has: `--version`, `--help`, no surplus arguments, and no exit on its own. */
export function withCommonOptions(
  program: Command,
  terminal: Pick<Terminal, "print" | "printError">,
): Command {
  const name = fullName(program);
  return program
    .version(versionText(name.split(" ")[0] ?? ""), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .showHelpAfterError(`(${name} --help lists all options)`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.printError(text),
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      // Nothing is coloured; left to itself commander reads environment variables to find out.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

/** {@link withCommonOptions} for a command and all below it. */
export function withCommonOptionsBelow(program: Command, terminal: Pick<Terminal, "print" | "printError">): Command {
  for (const command of program.commands) withCommonOptionsBelow(command, terminal);
  return withCommonOptions(program, terminal);
}

/** A command with those above it, as it is typed: `dfctl job list`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** Parses arguments; a number is the exit code of a command that has done all it should: help, version, wrong use. */
export function parseArguments(program: Command, args: readonly string[]): number | undefined {
  try {
    program.parse(args, { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

/** Turns a parser that throws into one for an option, whose errors are errors of use. */
export function checked<T, Before extends unknown[]>(
  parse: (text: string, ...before: Before) => T,
): (text: string, ...before: Before) => T {
  return (text, ...before) => {
    try {
      return parse(text, ...before);
    } catch (error) {
      throw new InvalidArgumentError(errorText(error));
    }
  };
}
