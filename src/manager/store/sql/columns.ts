import * as z from "zod";
import { BoundedMap } from "../../../core/bounded_map.ts";
import { DamselflyError, errorText } from "../../../core/error.ts";
import type { SqlValue } from "./database.ts";
import { type ColumnType, type Dialect, integerOf, timeOf } from "./dialect.ts";

/** How a value of a record lies in its column. */
export interface Column<T> {
  readonly name: string;
  readonly type: ColumnType;
  toSql(value: T, dialect: Dialect): SqlValue;
  /** Throws on what it cannot read; what Dragonfly left empty has a value all the same. */
  fromSql(raw: unknown): T;
}

/** Text of at most `length` characters. */
export function text(name: string, length = 256): Column<string> {
  return { name, type: { text: length }, toSql: (value) => value, fromSql: textOf };
}

/** Text of any length. */
export function longText(name: string): Column<string> {
  return { name, type: "long", toSql: (value) => value, fromSql: textOf };
}

/** One of a few words; what is none of them reads as the last one. */
export function choice<const Word extends string>(name: string, words: readonly [...Word[], Word]): Column<Word> {
  const last = words.at(-1) as Word;
  return {
    name,
    type: { text: 256 },
    toSql: (value) => value,
    fromSql: (raw) => words.find((word) => word === raw) ?? last,
  };
}

/** A whole number. */
export function integer(name: string): Column<number> {
  return { name, type: "integer", toSql: (value) => value, fromSql: integerOf };
}

/** The id of a row of another table; 0 for none. */
export function reference(name: string): Column<number> {
  return { name, type: "reference", toSql: (value) => value, fromSql: integerOf };
}

/** Yes or no. */
export function flag(name: string): Column<boolean> {
  return {
    name,
    type: "flag",
    toSql: (value, dialect) => dialect.flag(value),
    fromSql: (raw) => raw === true || Number(raw ?? 0) === 1,
  };
}

/** Wall time in milliseconds; 0 for never. */
export function time(name: string): Column<number> {
  return { name, type: "time", toSql: (ms, dialect) => dialect.time(ms), fromSql: timeOf };
}

/** Characters of JSON whose meaning a column remembers: thousands of rows say the same. */
const REMEMBERED_CHARACTERS_MAX = 256 * 1024;

/** JSON of this schema; where there is none, or `null`, it reads as `absent`. */
export function json<T extends z.ZodType>(name: string, schema: T, absent: z.input<T>): Column<z.output<T>> {
  const parsed = new BoundedMap<z.output<T>>(REMEMBERED_CHARACTERS_MAX, (json) => json.length);
  return {
    name,
    type: "long",
    toSql: (value) => JSON.stringify(value),
    fromSql(raw) {
      const json = textOf(raw);
      let value = parsed.get(json);
      if (value === undefined) {
        value = parseJson(schema, json, absent);
        parsed.add(json, value);
      }
      return value;
    },
  };
}

/** A column whose value is another one in the record. */
export function mapped<Stored, T>(
  column: Column<Stored>,
  map: { readonly store: (value: T) => Stored; readonly load: (stored: Stored) => T },
): Column<T> {
  return {
    name: column.name,
    type: column.type,
    toSql: (value, dialect) => column.toSql(map.store(value), dialect),
    fromSql: (raw) => map.load(column.fromSql(raw)),
  };
}

function textOf(raw: unknown): string {
  return typeof raw === "string" ? raw : "";
}

function parseJson<T extends z.ZodType>(schema: T, json: string, absent: z.input<T>): z.output<T> {
  try {
    const value: unknown = json === "" ? null : JSON.parse(json);
    return schema.parse(value ?? absent);
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll(/\s+/g, " ") : errorText(cause);
    throw new DamselflyError("data_loss", `it holds other JSON: ${why}`, { cause });
  }
}
