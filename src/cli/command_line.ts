import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { errorText } from "../core/error.ts";
import { VERSION } from "../core/version.ts";

/** Exit codes of every command (node-side.md §5). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  daemonUnreachable: 3,
  originRefused: 4,
  originFailed: 5,
  digestMismatch: 6,
  timeout: 7,
  interrupted: 130,
} as const;

/** What every command of ours has: `--version`, `--help`, no surplus arguments, and no exit on its own. */
export function withCommonOptions(
  program: Command,
  terminal: { print(text: string): void; printError(text: string): void },
) {
  return program
    .version(`${program.name()} ${VERSION}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .showHelpAfterError(`(${program.name()} --help lists all options)`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.print(text), writeErr: (text) => terminal.printError(text) });
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
export function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(errorText(error));
    }
  };
}
