import type { Command } from "commander";
import { fullName } from "../runtime/command_line.ts";

/** The shells that are known. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** One command of a program, and what may stand behind it. */
interface Place {
  /** As it is typed without aliases: `dfctl job list`. */
  readonly path: string;
  /** All that is typed for it behind its parent: `dfctl job list` and `dfctl job ls`; none for the program itself. */
  readonly typed: readonly string[];
  readonly words: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly about: string;
}

/** A script for a shell that completes subcommands and options of a program, as its tree of commands has them. */
export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  return SCRIPTS[shell](name, placesOf(program));
}

function placesOf(command: Command): Place[] {
  const { parent } = command;
  const typed = parent === null ? [] : namesOf(command).map((name) => `${fullName(parent)} ${name}`);
  return [{ path: fullName(command), typed, words: wordsOf(command) }, ...command.commands.flatMap(placesOf)];
}

function namesOf(command: Command): string[] {
  return [command.name(), ...command.aliases()];
}

/** Subcommands, arguments that are one of a few, and options. */
function wordsOf(command: Command): Word[] {
  const options = new Set(command.createHelp().visibleOptions(command));
  return [
    ...command.commands.flatMap((child) => namesOf(child).map((word) => ({ word, about: child.description() }))),
    ...command.registeredArguments.flatMap(({ argChoices = [], description: about }) => {
      return argChoices.map((word) => ({ word, about }));
    }),
    ...[...options].flatMap(({ long, description: about }) => long == null ? [] : [{ word: long, about }]),
  ];
}

/** Where a command line is: for each word that leads on, what it leads to. */
function steps(places: readonly Place[], line: (typed: string, path: string) => string): string {
  return places.flatMap(({ typed, path }) => typed.map((text) => line(text, path))).join("\n");
}

function bashScript(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(" ")}" ;;`);
  return `_${name}() {
  local at=${name} words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
${steps(places, (typed, path) => `      "${typed}") at="${path}" ;;`)}
    esac
  done
  case "$at" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`;
}

function zshScript(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => {
    const found = words.map(({ word, about }) => quoted(`${word}:${about.replaceAll(":", "\\:")}`));
    return `    "${path}") found=(${found.join(" ")}) ;;`;
  });
  return `#compdef ${name}
_${name}() {
  local at=${name} word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${steps(places, (typed, path) => `      "${typed}") at="${path}" ;;`)}
    esac
  done
  case "$at" in
${cases.join("\n")}
  esac
  _describe ${name} found || _files
}
compdef _${name} ${name}
`;
}

function fishScript(name: string, places: readonly Place[]): string {
  const completions = places.flatMap(({ path, words }) => {
    return words.map(({ word, about }) => {
      return `complete -c ${name} -n 'test (__${name}_at) = "${path}"' -a ${word} -d ${quoted(about)}`;
    });
  });
  return `function __${name}_at
  set -l at ${name}
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
${steps(places, (typed, path) => `      case "${typed}"\n        set at "${path}"`)}
    end
  end
  echo $at
end
${completions.join("\n")}
`;
}

/** For all three shells: nothing in it means anything to them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}

const SCRIPTS: Readonly<Record<Shell, (name: string, places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
