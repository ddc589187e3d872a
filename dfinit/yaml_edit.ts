import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { DamselflyError } from "../src/core/error.ts";
import { eolOf, lineEnd, lineStart } from "./toml_edit.ts";

/** Where a list is below the top: keys of tables. */
export type YamlPath = readonly string[];

/** How many aliases a file may expand to; more are a trap. */
const ALIASES_MAX = 100;

/** Parses YAML that holds a table or nothing. Throws `invalid_argument` with the line. */
export function parseYamlTable(text: string): Record<string, unknown> {
  const value = documentOf(text).toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DamselflyError("invalid_argument", "Cannot use this YAML: expected a table at the top");
}

/**
 * Puts `item` in front of the list at `path`, and leaves every other line as it is. Tables on the way, and the list,
 * are made where there are none. Throws `failed_precondition` when that cannot be done without changing another value.
 */
export function prependYaml(text: string, path: YamlPath, item: string): string {
  const document = documentOf(text);
  const after = isMap(document.contents)
    ? intoMap(text, document.contents, path, JSON.stringify(item))
    : appended(text, block(path, JSON.stringify(item), "", eolOf(text)));
  return checked(text, after, (values) => put(values, path, item));
}

/** Takes `item` out of the list at `path`, and the tables for it that hold nothing any more, unless `keep` says no. */
export function removeYaml(text: string, path: YamlPath, item: string, keep: (path: YamlPath) => boolean): string {
  const document = documentOf(text);
  const list = document.getIn(path, true);
  if (!isSeq(list)) throw cannotEdit(`${path.join(".")} is no list`);
  const at = list.items.findIndex((node) => isScalar(node) && node.value === item);
  if (list.items.length > 1) {
    return checked(
      text,
      cutItem(text, list.items as Node[], at, list.flow === true),
      (values) => drop(values, path, at),
    );
  }
  // The whole way up to the first table that has something else, or that was there before.
  let gone = path;
  while (gone.length > 1 && !keep(gone.slice(0, -1)) && sizeOf(document, gone.slice(0, -1)) === 1) {
    gone = gone.slice(0, -1);
  }
  return checked(text, cutPair(text, document, gone), (values) => remove(values, gone));
}

function intoMap(text: string, map: YAMLMap, [key = "", ...rest]: YamlPath, literal: string): string {
  const pair = pairOf(map, key);
  const eol = eolOf(text);
  if (pair === undefined) {
    if (map.flow === true) {
      return insert(
        text,
        rangeOf(map)[0] + 1,
        `${JSON.stringify(key)}: ${nested(rest, literal)}${map.items.length === 0 ? "" : ", "}`,
      );
    }
    const indent = indentOf(text, map);
    const [, last] = rangeOf(map.items.at(-1)?.value ?? map.items.at(-1)?.key);
    return insertLines(text, last, block([key, ...rest], literal, indent, eol));
  }
  const { value } = pair;
  if (value === null || (isScalar(value) && value.value === null)) {
    const [start, end] = value === null ? [0, 0] : rangeOf(value);
    // A written null, such as ~, gives way to a table on its line.
    if (end > start) return text.slice(0, start) + nested(rest, literal) + text.slice(end);
    const indent = `${indentOf(text, map)}  `;
    const lines = rest.length === 0 ? `${indent}- ${literal}${eol}` : block(rest, literal, indent, eol);
    if (map.flow === true) throw cannotEdit(`${key} has no value`);
    return insertLines(text, rangeOf(pair.key)[1], lines);
  }
  if (rest.length > 0 && isMap(value)) return intoMap(text, value, rest, literal);
  if (rest.length > 0 || !isSeq(value)) throw cannotEdit(`${key} is not of the kind that is expected`);
  const [first] = value.items as Node[];
  if (value.flow === true) {
    return insert(text, rangeOf(value)[0] + 1, `${literal}${first === undefined ? "" : ", "}`);
  }
  const start = lineStart(text, rangeOf(value)[0]);
  return insert(text, start, `${/^[ \t]*/.exec(text.slice(start))?.[0] ?? ""}- ${literal}${eol}`);
}

/** `path` as nested tables around a list of one item. */
function block(path: YamlPath, literal: string, indent: string, eol: string): string {
  const keys = path.map((key, depth) => `${indent}${"  ".repeat(depth)}${JSON.stringify(key)}:${eol}`);
  // A word that needs no quotes looks better without.
  const plain = keys.map((line) => line.replace(/"([a-z]+)":/, "$1:"));
  return `${plain.join("")}${indent}${"  ".repeat(path.length)}- ${literal}${eol}`;
}

/** `path` as tables on one line, around a list of one item. */
function nested(path: YamlPath, literal: string): string {
  return path.reduceRight((inner, key) => `{ ${JSON.stringify(key)}: ${inner} }`, `[${literal}]`);
}

function cutItem(text: string, items: readonly Node[], at: number, isFlow: boolean): string {
  const [start, end] = rangeOf(items[at]);
  if (!isFlow) return text.slice(0, lineStart(text, start)) + text.slice(lineEnd(text, end));
  const next = items[at + 1];
  const before = items[at - 1];
  const from = next === undefined && before !== undefined ? rangeOf(before)[1] : start;
  return text.slice(0, from) + text.slice(next === undefined ? end : rangeOf(next)[0]);
}

function cutPair(text: string, document: Document, path: YamlPath): string {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent) ? pairOf(parent, path.at(-1) ?? "") : undefined;
  if (pair === undefined || !isMap(parent)) throw cannotEdit(`${path.join(".")} is not there`);
  const start = rangeOf(pair.key)[0];
  const end = rangeOf(pair.value ?? pair.key)[1];
  if (parent.flow !== true) return text.slice(0, lineStart(text, start)) + text.slice(lineEnd(text, end - 1));
  const next = parent.items[parent.items.indexOf(pair) + 1];
  return text.slice(0, start) + text.slice(next === undefined ? end : rangeOf(next.key)[0]);
}

function documentOf(text: string): Document {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error === undefined) return document;
  const what = error.message.split("\n", 1)[0];
  throw new DamselflyError("invalid_argument", `Cannot parse YAML: ${what}`, { cause: error });
}

function checked(before: string, after: string, change: (values: Record<string, unknown>) => void): string {
  const expected = parseYamlTable(before);
  change(expected);
  let actual: unknown;
  try {
    actual = parseYamlTable(after);
  } catch (cause) {
    throw cannotEdit("the result would not be valid YAML", cause);
  }
  if (!isDeepStrictEqual(emptyAsNull(actual), emptyAsNull(expected))) {
    throw cannotEdit("another value of the file would change");
  }
  return after;
}

/** A table without a key, and none, are the same to those who read these files, and hard to tell in a block. */
function emptyAsNull(value: unknown): unknown {
  if (!isTable(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, emptyAsNull(inner)] as const);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function put(values: Record<string, unknown>, [key = "", ...rest]: YamlPath, item: string): void {
  if (rest.length === 0) {
    const list = values[key];
    values[key] = [item, ...Array.isArray(list) ? list : []];
    return;
  }
  const inner = values[key];
  const table = isTable(inner) ? inner : {};
  values[key] = table;
  put(table, rest, item);
}

function drop(values: Record<string, unknown>, path: YamlPath, at: number): void {
  const list = path.reduce<unknown>((value, key) => isTable(value) ? value[key] : undefined, values);
  if (Array.isArray(list)) list.splice(at, 1);
}

function remove(values: Record<string, unknown>, path: YamlPath): void {
  const parent = path.slice(0, -1).reduce<unknown>((value, key) => isTable(value) ? value[key] : undefined, values);
  if (isTable(parent)) delete parent[path.at(-1) ?? ""];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sizeOf(document: Document, path: YamlPath): number {
  const node = document.getIn(path, true);
  return isMap(node) ? node.items.length : 0;
}

function pairOf(map: YAMLMap, key: string): Pair<unknown, unknown> | undefined {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

function rangeOf(node: unknown): readonly [number, number] {
  const range = (node as Node | undefined)?.range;
  if (range === undefined || range === null) throw cannotEdit("a value has no place in the file");
  return [range[0], range[1]];
}

function indentOf(text: string, map: YAMLMap): string {
  const [start] = rangeOf(map.items[0]?.key);
  return text.slice(lineStart(text, start), start);
}

function appended(text: string, lines: string): string {
  return text === "" || text.endsWith("\n") ? text + lines : `${text}${eolOf(text)}${lines}`;
}

/** Behind the line on which `offset` is. */
function insertLines(text: string, offset: number, lines: string): string {
  const at = lineEnd(text, Math.max(0, offset - 1));
  return appended(text.slice(0, at), lines) + text.slice(at);
}

function insert(text: string, at: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at);
}

function cannotEdit(why: string, cause?: unknown): DamselflyError {
  return new DamselflyError("failed_precondition", `Cannot edit YAML: ${why}`, { cause });
}
