import * as z from "zod";

const NAME_CHARACTERS_MAX = 256;
const BIO_CHARACTERS_MAX = 1_024;
const ID_MAX = Number.MAX_SAFE_INTEGER;
const NANOSECONDS_PER_MS = 1e6;
const PORT_MAX = 65_535;

// deno-lint-ignore no-control-regex -- SQLite ends a text at a zero character, so that two names would look like one
const CONTROL = /^[^\x00-\x1f\x7f]*$/;

/** Go clients send `null` for what they leave out (manager-rest.md §0). */
export function given<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** A short text on one line, such as a name or an address. */
export const line = (max = NAME_CHARACTERS_MAX) => z.string().max(max).regex(CONTROL, "expected no control characters");
/** A line that must say something. */
export const name = (max = NAME_CHARACTERS_MAX) => line(max).min(1);
/** What somebody writes about a thing. */
export const bio = () => z.string().max(BIO_CHARACTERS_MAX).refine((text) => !text.includes("\0"), "expected text");
/** The id of a row. */
export const id = () => z.int().min(1).max(ID_MAX);
/** The id of a row or 0, which stands for none. */
export const idOrNone = () => z.int().min(0).max(ID_MAX);
/** A TCP port. */
export const port = () => z.int().min(1).max(PORT_MAX);
/** A TCP port, or 0 for none. */
export const portOrNone = () => z.int().min(0).max(PORT_MAX);
/** A time as RFC 3339 writes it; milliseconds since the Unix epoch in code. */
export const time = () => z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
/** A duration as Go writes it, in nanoseconds; milliseconds in code. */
export const nanoseconds = () => z.int().min(0).transform((ns) => Math.round(ns / NANOSECONDS_PER_MS));

/** A number in a query. */
const digits = z.string().regex(/^\d{1,15}$/, "expected a whole number").transform(Number);
/** Ids and ports in a query or path. */
export const idInText = () => digits.pipe(id());
export const numberInText = (max = ID_MAX) => digits.pipe(z.int().min(0).max(max));

/** `/:id`. */
export const IdParams = z.object({ id: idInText() });

/** The columns that every row has (manager-rest.md §2). */
export const rowFields = {
  id: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  is_del: z.int(),
};

/** {@link rowFields} of a row. */
export function rowJson(row: { readonly id: number; readonly createdAtMs: number; readonly updatedAtMs: number }) {
  return { id: row.id, created_at: timeJson(row.createdAtMs), updated_at: timeJson(row.updatedAtMs), is_del: 0 };
}

/** A time as Go writes it; 0 is its zero time. */
export function timeJson(ms: number): string {
  return ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString();
}

/** The keys that have a value. */
export function present<T extends object>(values: { readonly [K in keyof T]: T[K] | null | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined)) as
    & object
    & Partial<T>;
}

/** {@link present} for filters: an empty text or 0 asks for nothing (manager-rest.md §0). */
export function asked<T extends object>(values: { readonly [K in keyof T]: T[K] | null | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Boolean(value))) as object & Partial<T>;
}
