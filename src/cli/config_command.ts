import { Argument, Command, Option } from "commander";

/** The components whose files are known, by their words on the command line. */
export const KINDS = ["dfdaemon", "scheduler", "manager", "dfinit", "dynconfig"] as const;
export type Kind = typeof KINDS[number];

/** What the command line asks for. */
export type ConfigChoice =
  | { readonly name: "convert"; readonly file: string; readonly kind?: Kind; readonly output?: string }
  | { readonly name: "check"; readonly file: string; readonly kind?: Kind };

const CONVERT_HELP = `
Files of Dragonfly 2.0 and 2.1 for peers written in Go (dfget.yaml), schedulers and managers, and of Dragonfly 0.x and
1.0 (dfdaemon.yml, dfget.yml, dragonfly.conf, supernode.yml) are read. The result begins with comments: what has to be
decided before it is used, and what has no meaning any more. It holds the passwords of the old file.

Exit codes:
  0  done
  1  failed: the file cannot be read, or what it says cannot be said today
  2  wrong use
  3  done, but something has to be decided before the result is used

Example:
  damselfly config convert /etc/dragonfly/dfget.yaml -o /etc/dragonfly/dfdaemon.yaml
`;

const CHECK_HELP = `
Reads a file as its component does at its start, and prints what that would warn of, or why it would not start.

Exit codes:
  0  the component takes the file
  1  it does not
  2  wrong use
`;

/** The command line of `damselfly config`; `choose` hears what it asks for. */
export function configCommand(choose: (choice: ConfigChoice) => void = () => {}): Command {
  const program = new Command("config").description("Checks configuration files, and converts those of old.");
  const file = () => new Argument("<file>", "configuration file");
  const kind = () =>
    new Option("--kind <component>", "whose file it is (default: by its keys, or by its name)").choices(KINDS);
  program.command("convert")
    .description("Prints a file of an old Dragonfly as it is written today.")
    .addArgument(file()).addOption(kind())
    .option("-o, --output <file>", "write it to this file, which must not exist yet")
    .addHelpText("after", CONVERT_HELP)
    .action((path: string, flags: { kind?: Kind; output?: string }) =>
      choose({ name: "convert", file: path, ...flags })
    );
  program.command("check")
    .description("Says whether a component would take a file, and what it would warn of.")
    .addArgument(file()).addOption(kind())
    .addHelpText("after", CHECK_HELP)
    .action((path: string, flags: { kind?: Kind }) => choose({ name: "check", file: path, ...flags }));
  return program;
}
