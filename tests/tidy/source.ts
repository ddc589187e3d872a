import { walk } from "./walk.ts";

/** A source file of the project: its path from the top, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** All TypeScript files below the folders, sorted by path. */
export function sourceFiles(top: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => walk(`${top}/${folder}`))
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({ path: path.slice(top.length + 1), text: Deno.readTextFileSync(path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The module specifiers that a file imports or re-exports, statically or dynamically. */
export function importsOf(text: string): string[] {
  const pattern = /(?:^|\n)\s*(?:import|export)\b[^"'`;]*?from\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? "");
}

/** A function and how long it is. */
export interface LongFunction {
  readonly line: number;
  readonly lines: number;
}

/** Functions of more than `linesMax` lines, found in the syntax tree by a lint plugin. */
export function longFunctions(file: SourceFile, linesMax: number): LongFunction[] {
  const found: LongFunction[] = [];
  const check = (node: { readonly range: [number, number] }) => {
    const [start, end] = node.range;
    const lines = file.text.slice(start, end).split("\n").length;
    if (lines > linesMax) found.push({ line: file.text.slice(0, start).split("\n").length, lines });
  };
  const rule: Deno.lint.Rule = {
    create: () => ({ FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check }),
  };
  Deno.lint.runPlugin({ name: "tidy", rules: { "long-function": rule } }, file.path, file.text);
  return found;
}
