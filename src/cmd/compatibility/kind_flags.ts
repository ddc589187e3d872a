import type { Command, Option } from "commander";
import { withCommonOptions } from "../../runtime/command_line.ts";
import type { Program } from "../damselfly.ts";
import type { Finding } from "./judge.ts";
import { type Kind, present } from "./kind.ts";

/** How an option is described that is taken for the sake of existing scripts. */
const WITHOUT_EFFECT = /^accepted as in Dragonfly[;,] (.+)$/;

/** The command lines of all programs, by name. */
export async function commandsOf(programs: Readonly<Record<string, Program>>): Promise<ReadonlyMap<string, Command>> {
  const quiet = { print() {}, printError() {} };
  const loaded = Object.entries(programs).map(async ([name, { load }]) => {
    const { command } = await load();
    return [name, withCommonOptions(command(), quiet)] as const;
  });
  return new Map(await Promise.all(loaded));
}

/**
 * What a command line takes: flags, `-O, --output <file>`, with their defaults, `<url>` for an argument and `import` for
 * a subcommand. A section is a program, or a program with a subcommand.
 */
export function flags(commands: ReadonlyMap<string, Command>): Kind {
  const commandAt = (at: string) => {
    const [program = "", ...subcommands] = at.split(" ");
    const start = commands.get(program);
    return subcommands.reduce((parent, name) => parent?.commands.find((child) => isCalled(child, name)), start);
  };
  const optionsOf = (at: string) => {
    const command = commandAt(at);
    return command === undefined ? [] : optionsOfCommand(command);
  };
  return {
    name: "flags",
    find: ({ at }, name, fact) => {
      const command = commandAt(at);
      if (name.startsWith("<")) return present(command !== undefined && command.registeredArguments.length > 0);
      if (!name.startsWith("-")) return present(command?.commands.some((child) => isCalled(child, name)) === true);
      const option = optionsOf(at).find(({ long }) => long === longOf(name));
      return option === undefined ? { verdict: "no" } : comparedFlag(option, name, fact);
    },
    alone: ({ at }, things) => {
      const known = new Set(things.map(longOf));
      return optionsOf(at).flatMap(({ long, hidden }) => long == null || hidden || known.has(long) ? [] : [long]);
    },
  };
}

function isCalled(command: Command, name: string): boolean {
  return command.name() === name || command.aliases().includes(name);
}

/** All options, with --help, which commander keeps apart, and with hidden ones, which it does not show. */
function optionsOfCommand(command: Command): readonly Option[] {
  return [...new Set([...command.options, ...command.createHelp().visibleOptions(command)])];
}

function longOf(flag: string): string | undefined {
  return /--[a-z-]+/.exec(flag)?.[0];
}

function comparedFlag(option: Option, name: string, theirDefault: unknown): Finding {
  if (option.hidden) return { verdict: "no", why: `refused: ${option.description}` };
  const without = WITHOUT_EFFECT.exec(option.description)?.[1];
  if (without !== undefined) return { verdict: "no", why: `accepted, but ${without}` };
  const short = /^-\w/.exec(name)?.[0];
  const hasValue = name.includes("<");
  const ours = option.defaultValueDescription ?? option.defaultValue;
  const differences = [
    ...short === undefined || option.short === short ? [] : [`no short form ${short}`],
    ...hasValue === (option.required || option.optional) ? [] : [hasValue ? "takes no value" : "takes a value"],
    ...theirDefault == null || ours === undefined || String(ours) === String(theirDefault)
      ? []
      : [`default \`${ours}\`, \`${theirDefault}\` in Dragonfly`],
  ];
  return differences.length === 0 ? { verdict: "yes" } : { verdict: "differs", why: differences.join("; ") };
}
