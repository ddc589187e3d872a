/** Manual pages, from the same commands as `--help`. */
import type { Command } from "commander";
import { VERSION } from "../core/version.ts";
import { fullName } from "../runtime/command_line.ts";

/**
 * The manual pages of a program, by name: `dfctl`, and `dfctl-job-list` for each command below it. `time` is in seconds
 * since 1970. Its commands must have been given their common options.
 */
export function manPages(program: Command, time: number): Record<string, string> {
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  const page = (command: Command): [string, string][] => {
    const name = fullName(command).replaceAll(" ", "-");
    return [[name, pageOf(command, name, date)], ...command.commands.flatMap(page)];
  };
  return Object.fromEntries(page(program));
}

function pageOf(command: Command, name: string, date: string): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const args = command.registeredArguments.filter(({ description }) => description !== "");
  const seeAlso = [command.parent, ...command.commands].flatMap((other) => other === null ? [] : [fullName(other)]);
  const sections: [string, readonly string[]][] = [
    ["NAME", [`${name} \\- ${escaped(firstSentence(command.description()))}`]],
    ["SYNOPSIS", [`.B ${escaped(fullName(command))}`, escaped(command.usage())]],
    ["DESCRIPTION", [escaped(command.description())]],
    ["ARGUMENTS", args.flatMap((argument) => item(argument.name(), help.argumentDescription(argument)))],
    ["OPTIONS", options.flatMap((option) => item(option.flags, help.optionDescription(option)))],
    ["NOTES", notesOf(command)],
    ["SEE ALSO", seeAlso.map((other) => `.BR ${escaped(other.replaceAll(" ", "-"))} (1)`)],
  ];
  const body = sections.flatMap(([title, lines]) => lines.length === 0 ? [] : [`.SH ${title}`, ...lines]);
  return `${[`.TH ${name.toUpperCase()} 1 ${date} "Damselfly ${VERSION}"`, ...body].join("\n")}\n`;
}

function item(term: string, text: string): string[] {
  return [".TP", `.B ${escaped(term)}`, escaped(text)];
}

/** A command gives what was added to its help only as an event; its types do not say that it has events. */
interface Emitter {
  emit(event: "afterHelp", context: { error: boolean; write: (part: string) => void; command: Command }): void;
}

/** What stands behind the options in `--help`: exit codes and examples, as they are. */
function notesOf(command: Command): string[] {
  let text = "";
  const emitter = command as unknown as Emitter;
  emitter.emit("afterHelp", { error: false, write: (part) => void (text += part), command });
  const trimmed = text.trim();
  return trimmed === "" ? [] : [".nf", ...trimmed.split("\n").map(escaped), ".fi"];
}

function firstSentence(text: string): string {
  return /^[^.\n]*/.exec(text)?.[0] ?? "";
}

/** Text that means nothing to the formatter. */
function escaped(text: string): string {
  return text.split("\n").map((line) => {
    const plain = line.replaceAll("\\", "\\e").replaceAll("-", "\\-");
    return /^[.']/.test(plain) ? `\\&${plain}` : plain;
  }).join("\n");
}
