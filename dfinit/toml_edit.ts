import { isDeepStrictEqual } from "node:util";
import { parse as parseValues, type TomlTable, type TomlValue } from "smol-toml";
import { type AST, parseTOML } from "toml-eslint-parser";
import { DamselflyError, errorText } from "../src/core/error.ts";

/** The keys that lead from the top of a document to a value. */
export type TomlPath = readonly string[];

/** A TOML document: its text, where everything stands in it, and what it means. */
export interface TomlDocument {
  readonly text: string;
  readonly root: AST.TOMLTopLevelTable;
  readonly values: TomlTable;
}

/** One `key = value` line, with the whole path that it sets. */
export interface TomlLine {
  readonly path: TomlPath;
  /** How many leading keys of `path` come from the table header above. */
  readonly headerLength: number;
  readonly node: AST.TOMLKeyValue;
}

/** A mark that some editors of Windows put in front, which containerd 1.x passes over and TOML does not know. */
const BYTE_ORDER_MARK = "\ufeff";

/** Parses `text` twice, for positions and for values. Throws `invalid_argument` with the line. */
export function parseToml(text: string): TomlDocument {
  try {
    const plain = text.startsWith(BYTE_ORDER_MARK) ? ` ${text.slice(1)}` : text;
    return { text, root: parseTOML(plain).body[0], values: parseValues(plain, { integersAsBigInt: "asNeeded" }) };
  } catch (cause) {
    const { lineNumber, line } = cause as { lineNumber?: number; line?: number };
    const where = lineNumber ?? line;
    const what = errorText(cause).split("\n", 1)[0];
    const message = `Cannot parse TOML${where === undefined ? "" : ` at line ${where}`}: ${what}`;
    throw new DamselflyError("invalid_argument", message, { cause });
  }
}

/** The value at `path`; undefined when there is none. */
export function valueAt(values: TomlTable, path: TomlPath): TomlValue | undefined {
  let value: TomlValue | undefined = values;
  for (const key of path) {
    if (!isTable(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Whether a value is a table and not a date, array or scalar. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `text` as a basic string. JSON's escapes are all TOML's too; DEL is the one character that only TOML escapes. */
export function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007F");
}

/** `keys` joined by dots, quoted where they must be. */
export function tomlKey(keys: TomlPath): string {
  return keys.map((key) => /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key)).join(".");
}

/** All `key = value` lines outside inline tables, in file order. */
export function linesOf(root: AST.TOMLTopLevelTable): TomlLine[] {
  return root.body.flatMap((node) => {
    const header = node.type === "TOMLTable" ? node.resolvedKey.map(String) : [];
    const pairs = node.type === "TOMLTable" ? node.body : [node];
    return pairs.map((pair) => ({ path: [...header, ...keysOf(pair)], headerLength: header.length, node: pair }));
  });
}

/** All `[table]` headers, in file order. */
export function tablesOf(root: AST.TOMLTopLevelTable): AST.TOMLTable[] {
  return root.body.filter((node) => node.type === "TOMLTable");
}

/** Whether `path` is `prefix` or lies below it. */
export function isWithin(path: readonly (string | number)[], prefix: TomlPath): boolean {
  return prefix.every((key, i) => path[i] === key);
}

/**
 * Sets one value and leaves every other byte as it is: replaces the value where it stands, else adds the key in the
 * table's own style (header, dotted keys or inline), else adds a section at the end. `note` becomes a comment behind
 * a line that is added. Throws `failed_precondition` when that cannot be done without changing another value.
 */
export function setValue(text: string, path: TomlPath, literal: string, note?: string): string {
  const after = spliceValue(parseToml(text), path, literal, note === undefined ? "" : ` # ${note}`);
  const [value] = Object.values(parseValues(`value = ${literal}`));
  return checked(text, after, (values) => putAt(values, path, value as TomlValue));
}

/** Removes the line that sets `path`. Throws `failed_precondition` when it is not on lines of its own. */
export function removeLine(text: string, path: TomlPath): string {
  const line = linesOf(parseToml(text).root).find((line) => isSame(line.path, path));
  if (line === undefined) throw cannotEdit(`${tomlKey(path)} is not on a line of its own`);
  const after = text.slice(0, lineStart(text, line.node.range[0])) + text.slice(lineEnd(text, line.node.range[1]));
  return checked(text, after, (values) => dropAt(values, path));
}

/**
 * Turns every line that sets something below `path` into a comment that starts with `mark`, so that a person can see
 * and restore it. Throws `failed_precondition` when such a value shares its line with something else.
 */
export function commentOut(text: string, path: TomlPath, mark: string): string {
  const { root } = parseToml(text);
  const starts = new Set<number>();
  const add = (from: number, to: number) => {
    for (let at = lineStart(text, from); at < to; at = lineEnd(text, at)) starts.add(at);
  };
  for (const line of linesOf(root)) if (isWithin(line.path, path)) add(...line.node.range);
  for (const table of tablesOf(root)) {
    if (isWithin(table.resolvedKey, path) && table.resolvedKey.length > path.length) add(...table.key.range);
  }
  const after = [...starts].sort((a, b) => b - a).reduce(
    (out, at) => `${out.slice(0, at)}${mark}${out.slice(at)}`,
    text,
  );
  // An empty table and an absent one mean the same here, and a remaining header keeps the empty one.
  return checked(text, after, (values) => dropAt(values, path), (values) => dropEmptyAt(values, path));
}

/**
 * Removes the header of a table in which nothing is any more, and the empty line above it. One that is not there, or
 * holds something, stays.
 */
export function removeEmptyTable(text: string, path: TomlPath): string {
  const table = tablesOf(parseToml(text).root).find((table) => isSame(table.resolvedKey, path));
  const value = valueAt(parseToml(text).values, path);
  if (table === undefined || !isTable(value) || Object.keys(value).length > 0) return text;
  const start = lineStart(text, table.range[0]);
  const above = lineStart(text, start - 1);
  const from = start > 0 && text.slice(above, start).trim() === "" ? above : start;
  const after = text.slice(0, from) + text.slice(lineEnd(text, table.key.range[1]));
  return checked(text, after, (values) => dropAt(values, path), (values) => dropEmptyAt(values, path));
}

/** The comments on the lines directly above `offset`'s line belong to it: where the first of them starts. */
export function startWithComments(text: string, offset: number): number {
  let start = lineStart(text, offset);
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (!/^[ \t]*#/.test(text.slice(above, start))) break;
    start = above;
  }
  return start;
}

/** The end of line the file uses. */
export function eolOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** Where the line of `offset` starts. */
export function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

/** Where the line after the one of `offset` starts, or the end of the text. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end + 1;
}

/**
 * Returns `after` when it means what `before` means with `change` applied, values and nothing else. An editor that
 * writes a node's configuration must fail here rather than there. Throws `failed_precondition`.
 */
export function checked(
  before: string,
  after: string,
  change: (values: TomlTable) => void,
  normalise: (values: TomlTable) => void = () => {},
): string {
  const expected = parseToml(before).values;
  change(expected);
  normalise(expected);
  let actual: TomlTable;
  try {
    actual = parseToml(after).values;
  } catch (cause) {
    throw cannotEdit("the result would not be valid TOML", cause);
  }
  normalise(actual);
  if (!isDeepStrictEqual(expected, actual)) throw cannotEdit("another value of the file would change");
  return after;
}

function spliceValue({ text, root }: TomlDocument, path: TomlPath, literal: string, note: string): string {
  const lines = linesOf(root);
  const owner = lines.find((line) => isWithin(path, line.path));
  if (owner !== undefined) return spliceInto(text, owner.node.value, path.slice(owner.path.length), literal);

  const parent = path.slice(0, -1);
  const last = path.slice(-1);
  const eol = eolOf(text);
  if (parent.length === 0) {
    return insert(text, text.startsWith(BYTE_ORDER_MARK) ? 1 : 0, `${tomlKey(last)} = ${literal}${note}${eol}`);
  }

  const table = tablesOf(root).find((table) => table.kind === "standard" && isSame(table.resolvedKey, parent));
  if (table !== undefined) {
    const at = lineEnd(text, table.key.range[1]);
    const [first] = table.body;
    const indent = first === undefined ? `${indentOf(text, table.range[0])}  ` : indentOf(text, first.range[0]);
    const newline = text[at - 1] === "\n" ? "" : eol;
    return insert(text, at, `${newline}${indent}${tomlKey(last)} = ${literal}${note}${eol}`);
  }

  const dotted = closestDotted(lines, parent);
  if (dotted !== undefined) {
    const start = lineStart(text, dotted.node.range[0]);
    const key = tomlKey(path.slice(dotted.headerLength));
    return insert(text, start, `${indentOf(text, start)}${key} = ${literal}${note}${eol}`);
  }
  const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
  return `${text}${gap}[${tomlKey(parent)}]${eol}  ${tomlKey(last)} = ${literal}${note}${eol}`;
}

/** A table that dotted keys made may only be extended by dotted keys; finds the line that reaches farthest into it. */
function closestDotted(lines: readonly TomlLine[], parent: TomlPath): TomlLine | undefined {
  let best: { line: TomlLine; shared: number } | undefined;
  for (const line of lines) {
    const differs = line.path.findIndex((key, i) => key !== parent[i]);
    const shared = Math.min(differs === -1 ? line.path.length : differs, line.path.length - 1);
    if (shared > line.headerLength && shared > (best?.shared ?? 0)) best = { line, shared };
  }
  return best?.line;
}

function spliceInto(text: string, value: AST.TOMLContentNode, path: TomlPath, literal: string): string {
  const [start, end] = value.range;
  if (path.length === 0) return text.slice(0, start) + inStyleOf(value, literal) + text.slice(end);
  if (value.type !== "TOMLInlineTable") {
    throw cannotEdit(`${tomlKey(path.slice(0, 1))} is below something that is no table`);
  }
  const owner = value.body.find((pair) => isWithin(path, keysOf(pair)));
  if (owner !== undefined) return spliceInto(text, owner.value, path.slice(keysOf(owner).length), literal);
  const pair = `${tomlKey(path)} = ${literal}`;
  const last = value.body.at(-1);
  if (last === undefined) return `${text.slice(0, start)}{ ${pair} }${text.slice(end)}`;
  return insert(text, last.range[1], `, ${pair}`);
}

/** Keeps the quotes of the file: containerd 2 writes its strings in single ones. */
function inStyleOf(value: AST.TOMLContentNode, literal: string): string {
  const isLiteral = value.type === "TOMLValue" && value.kind === "string" && value.style === "literal";
  return isLiteral && /^"[^"'\\]*"$/.test(literal) ? `'${literal.slice(1, -1)}'` : literal;
}

function keysOf(pair: AST.TOMLKeyValue): string[] {
  return pair.key.keys.map((key) => key.type === "TOMLBare" ? key.name : key.value);
}

function isSame(a: readonly (string | number)[], b: TomlPath): boolean {
  return a.length === b.length && isWithin(a, b);
}

function insert(text: string, at: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at);
}

function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? "";
}

function putAt(values: TomlTable, path: TomlPath, value: TomlValue): void {
  let table = values;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(table, key) ? table[key] : (table[key] = parseValues(""));
    if (!isTable(next)) return;
    table = next;
  }
  const last = path.at(-1);
  if (last !== undefined) table[last] = value;
}

function dropAt(values: TomlTable, path: TomlPath): void {
  const parent = valueAt(values, path.slice(0, -1));
  const last = path.at(-1);
  if (isTable(parent) && last !== undefined) delete parent[last];
}

function dropEmptyAt(values: TomlTable, path: TomlPath): void {
  for (let length = path.length; length > 0; length--) {
    const value = valueAt(values, path.slice(0, length));
    if (isTable(value) && Object.keys(value).length === 0) dropAt(values, path.slice(0, length));
  }
}

function cannotEdit(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("failed_precondition", `Cannot edit TOML: ${why}`, { cause });
}
