import { isDeepStrictEqual } from "node:util";
import { applyEdits, findNodeAtLocation, modify, type Node, parseTree } from "jsonc-parser";
import { DamselflyError, errorText } from "../src/core/error.ts";

const BYTE_ORDER_MARK = "\ufeff";

/** A JSON object with what it means. */
export type JsonObject = { [key: string]: unknown };

/** Where a value is below the top. */
export type JsonPath = readonly string[];

/** Parses an object; an empty text is an empty one. Throws `invalid_argument`. */
export function parseJsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = plain(text).trim() === "" ? {} : JSON.parse(plain(text));
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot parse JSON: ${errorText(cause)}`, { cause });
  }
  if (isObject(value)) return value;
  throw new DamselflyError("invalid_argument", "Cannot use this JSON: expected an object at the top");
}

/** Whether a value is an object and no array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at `path`; undefined when there is none. */
export function jsonAt(object: JsonObject, path: JsonPath): unknown {
  return path.reduce<unknown>((value, key) => isObject(value) ? value[key] : undefined, object);
}

/** Sets one value, or with `undefined` removes it, and leaves all other values and lines as they are. */
export function setJson(text: string, path: JsonPath, value: unknown): string {
  const before = parseJsonObject(text);
  const base = plain(text).trim() === "" ? "{}\n" : plain(text);
  const edits = modify(base, [...path], value, { formattingOptions: styleOf(base) });
  return checked(text, applyEdits(base, edits), put(before, path, value));
}

/** Puts `item` in front of a list, which is made when there is none. */
export function prependJson(text: string, path: JsonPath, item: string): string {
  const list = jsonAt(parseJsonObject(text), path);
  if (!Array.isArray(list) || list.length === 0) return setJson(text, path, [item]);
  const base = plain(text);
  const first = itemsOf(base, path)[0];
  const open = base.lastIndexOf("[", first?.offset ?? 0) + 1;
  const gap = base.slice(open, first?.offset);
  const literal = `${JSON.stringify(item)},${gap.includes("\n") ? gap : " "}`;
  const at = first?.offset ?? open;
  const after = base.slice(0, at) + literal + base.slice(at);
  return checked(text, after, put(parseJsonObject(text), path, [item, ...list]));
}

/** Takes the item at `index` out of a list, which stays, empty if need be. */
export function removeJsonItem(text: string, path: JsonPath, index: number): string {
  const list = jsonAt(parseJsonObject(text), path);
  const base = plain(text);
  const items = itemsOf(base, path);
  const [item, before, next] = [items[index], items[index - 1], items[index + 1]];
  if (!Array.isArray(list) || item === undefined) throw cannotEdit(`${path.join(".")} has no item ${index}`);
  const from = next === undefined && before !== undefined ? before.offset + before.length : item.offset;
  const to = next === undefined ? item.offset + item.length : next.offset;
  return checked(
    text,
    base.slice(0, from) + base.slice(to),
    put(parseJsonObject(text), path, list.toSpliced(index, 1)),
  );
}

function itemsOf(text: string, path: JsonPath): readonly Node[] {
  const root = parseTree(text);
  return (root === undefined ? undefined : findNodeAtLocation(root, [...path]))?.children ?? [];
}

function checked(before: string, after: string, expected: JsonObject): string {
  if (!isDeepStrictEqual(parseJsonObject(after), expected)) throw cannotEdit("another value of the file would change");
  return before.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK + after : after;
}

function put(object: JsonObject, [key = "", ...rest]: JsonPath, value: unknown): JsonObject {
  const inner = rest.length === 0 ? value : put(isObject(object[key]) ? object[key] : {}, rest, value);
  const { [key]: _, ...others } = object;
  return inner === undefined ? others : { ...object, [key]: inner };
}

function styleOf(text: string) {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return { eol, insertSpaces: !indent.includes("\t"), tabSize: indent.includes("\t") ? 1 : indent.length };
}

function plain(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function cannotEdit(why: string): DamselflyError {
  return new DamselflyError("failed_precondition", `Cannot edit JSON: ${why}`);
}
