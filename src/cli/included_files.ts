import { InvalidArgumentError } from "commander";
import { parsePattern, type Pattern } from "../core/pattern.ts";

const PATTERNS_MAX = 100;

/** Collects patterns of paths below a directory. */
export function addIncludedFiles(text: string, before: readonly string[] = []): readonly string[] {
  const parts = text.split("/");
  if (text === "" || text.startsWith("/") || parts.includes("..") || text.length > 500) {
    throw new InvalidArgumentError("expected a path below the directory, without ..");
  }
  if (before.length >= PATTERNS_MAX) throw new InvalidArgumentError(`at most ${PATTERNS_MAX} patterns are allowed`);
  return [...before, text];
}

/** Whether a path below the directory is one of those that are wanted: all are when nothing is said. */
export function isIncluded(patterns: readonly string[] | undefined): (path: string) => boolean {
  const compiled = patterns?.map(compile);
  return (path) => compiled === undefined || compiled.some((pattern) => pattern.test(path));
}

/** `*` and `?` stay within a part of the path, `**` does not, and a slash at the end means all below it. */
function compile(text: string): Pattern {
  const whole = text.endsWith("/") ? `${text}**` : text;
  const expression = whole.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => WILD[part] ?? quoted(part));
  return parsePattern(`^${expression}$`);
}

const WILD: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };

function quoted(text: string): string {
  return text.replace(/[.+()|{}^$[\]\\]/g, "\\$&");
}
