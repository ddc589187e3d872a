import { Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../config/durations.ts";
import { checked } from "../../runtime/command_line.ts";

const LIMIT_DEFAULT = 1_000;
const LIMIT_MAX = 1_000_000;

/** A noun, which only has verbs. */
export function noun(name: string, description: string, verbs: readonly Command[]): Command {
  const command = new Command(name).description(description);
  for (const verb of verbs) command.addCommand(verb);
  return command;
}

/** A verb whose answer can be had as JSON. */
export function verb(name: string, description: string): Command {
  return new Command(name).description(description).option("--json", "print JSON for scripts");
}

/** A verb that gives a list from the manager. */
export function listVerb(description: string): Command {
  return verb("list", description).alias("ls")
    .option("--limit <count>", "how many at most", wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT);
}

/** An option whose value is parsed; what the parser throws is wrong use. */
export function option<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser(checked(parse));
}

/** An option that may be given again and again; undefined when it never was. */
export function repeated<T>(flags: string, description: string, parse: (text: string) => T): Option {
  const one = checked(parse);
  return new Option(flags, description).argParser((text, before: readonly T[] | undefined) => {
    return [...before ?? [], one(text)];
  });
}

/** `--timeout`, with the default as it is shown. */
export function timeoutOption(what: string, ms: number, shown: string): Option {
  return option("--timeout <duration>", what, parseDuration).default(ms, shown);
}

/** A parser of numbers without fractions. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected ${min} to ${max}`);
  };
}

/** `yes` and `no`, in the words that people use. */
export function yesOrNo(text: string): boolean {
  if (["true", "yes"].includes(text)) return true;
  if (["false", "no"].includes(text)) return false;
  throw new InvalidArgumentError("expected yes or no");
}
