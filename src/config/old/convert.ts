import { isDeepStrictEqual } from "node:util";
import type * as z from "zod";
import { DamselflyError, errorText } from "../../core/error.ts";
import { isTable } from "../clean.ts";
import { canonicalPath } from "../keys.ts";
import { schemaAt, shapeOf } from "../schema_tree.ts";
import { SUPERNODE_FILE, ZERO_CLIENT, ZERO_DAEMON } from "./dragonfly_zero.ts";
import { GO_PEER } from "./go_peer.ts";
import { GO_MANAGER, GO_SCHEDULER } from "./go_servers.ts";
import type { Fate, OldForm, OldKey, Table } from "./old_form.ts";

/** Every form, those first of which a mark tells more. */
const FORMS: readonly OldForm[] = [
  ZERO_DAEMON,
  ZERO_CLIENT,
  SUPERNODE_FILE,
  GO_PEER,
  GO_SCHEDULER,
  GO_MANAGER,
];

/** A key of an old file, and what becomes of it. */
export interface OldFate {
  /** As it is written in the old file; empty for what holds without a key. */
  readonly path: string;
  readonly fate: Fate;
}

/**
 * The old form that a file for `schema` is in: it has a key that only this form has; undefined when it is in none. The
 * form with most such keys counts.
 */
export function oldFormOf(file: Table, schema: z.ZodObject, component: string): OldForm | undefined {
  const counted = FORMS.filter((form) => form.component === component)
    .map((form) => ({ form, marks: marksOf(file, form, schema).length }));
  const [best] = counted.sort((one, other) => other.marks - one.marks);
  return best !== undefined && best.marks > 0 ? best.form : undefined;
}

/** The components that a file may be for, by what its keys say. */
export function componentsOf(file: Table, schemas: Readonly<Record<string, z.ZodObject>>): string[] {
  const scored = Object.entries(schemas).map(([component, schema]) => {
    const marks = FORMS.filter((form) => form.component === component)
      .map((form) => marksOf(file, form, schema).length);
    return { component, marks: Math.max(0, ...marks) };
  });
  const most = Math.max(...scored.map(({ marks }) => marks));
  return most === 0 ? [] : scored.filter(({ marks }) => marks === most).map(({ component }) => component);
}

/** Paths of `file` that `form` knows and today's schema does not, or not with such a value. */
function marksOf(file: Table, form: OldForm, schema: z.ZodObject): string[] {
  return pathsOf(file, form, schema)
    .filter(({ path, value }) => oldKeyOf(path, form) !== undefined && !isOfToday(path, value, schema))
    .map(({ path }) => path);
}

function isOfToday(path: string, value: unknown, schema: z.ZodObject): boolean {
  const today = todayOf(path, schema);
  if (today === undefined) return false;
  if (shapeOf(today) === undefined) return true;
  if (isTable(value)) return Object.entries(value).every(([key, inner]) => isOfToday(`${path}.${key}`, inner, schema));
  return typeof value !== "string" || value === "";
}

/** Today's schema of a key; undefined when there is none. */
function todayOf(path: string, schema: z.ZodObject): z.core.$ZodType | undefined {
  const today = canonicalPath(schema, path);
  return today === undefined ? undefined : schemaAt(schema, today.split("."));
}

/** What becomes of each key of a file of an old form. */
export function fatesOf(file: Table, form: OldForm, schema: z.ZodObject): OldFate[] {
  const fates = pathsOf(file, form, schema).flatMap(({ path, value }) => {
    if (value === null || value === "") return [];
    return fateOf(path, value, file, form, schema).map((fate) => ({ path, fate }));
  });
  return [...fates, ...(form.always?.(file) ?? []).map((fate) => ({ path: "", fate }))];
}

function fateOf(path: string, value: unknown, file: Table, form: OldForm, schema: z.ZodObject): readonly Fate[] {
  const known = oldKeyOf(path, form);
  if (known !== undefined) {
    try {
      return known(value, file);
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error;
      return [{ kind: "decide", what: errorText(error) }];
    }
  }
  const today = canonicalPath(schema, path);
  if (today !== undefined) return [{ kind: "becomes", key: today, value }];
  return [{ kind: "decide", what: "it is no key of that form, nor of today's" }];
}

/** What `form` says of a path: of itself, or of the closest table around it. */
function oldKeyOf(path: string, form: OldForm): OldKey | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
    const known = path.slice(0, end);
    if (Object.hasOwn(form.keys, known)) return form.keys[known];
  }
  return undefined;
}

/** Every path of a file that has a value, or is a table that is taken as a whole. */
function pathsOf(file: Table, form: OldForm, schema: z.ZodObject, prefix = ""): { path: string; value: unknown }[] {
  return Object.entries(file).flatMap(([key, value]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const isDeeper = Object.keys(form.keys).some((known) => known.startsWith(`${path}.`));
    const today = todayOf(path, schema);
    const isWhole = oldKeyOf(path, form) !== undefined || (today !== undefined && shapeOf(today) === undefined);
    return isTable(value) && (isDeeper || !isWhole) ? pathsOf(value, form, schema, path) : [{ path, value }];
  });
}

/** A file of an old form as it is written today. */
export interface Conversion {
  readonly form: OldForm;
  /** The file of the component, as YAML would hold it. */
  readonly value: Table;
  /** Schedulers that belong in the dynconfig file. */
  readonly schedulers: readonly string[];
  readonly gone: readonly { readonly path: string; readonly why: string }[];
  readonly decide: readonly { readonly path: string; readonly what: string }[];
}

/** Converts a file of an old form. */
export function convert(file: Table, form: OldForm, schema: z.ZodObject): Conversion {
  const value: Record<string, unknown> = {};
  const result = { form, value, schedulers: [] as string[], gone: [] as { path: string; why: string }[] };
  const decide: { path: string; what: string }[] = [];
  for (const { path, fate } of fatesOf(file, form, schema)) {
    if (fate.kind === "gone") result.gone.push({ path, why: fate.why });
    else if (fate.kind === "scheduler") result.schedulers.push(fate.addr);
    else if (fate.kind === "decide") decide.push({ path, what: fate.what });
    else if (!setAt(value, fate.key, fate.value)) {
      decide.push({ path, what: `'${fate.key}' has a value already, of another key that says the same` });
    }
  }
  return { ...result, decide };
}

/** Sets a value that is not there yet; false when there is another one. */
function setAt(root: Record<string, unknown>, path: string, value: unknown): boolean {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let table = root;
  for (const key of keys) {
    const next = Object.hasOwn(table, key) ? table[key] : (table[key] = {});
    if (!isTable(next)) return false;
    table = next as Record<string, unknown>;
  }
  if (Object.hasOwn(table, last)) return isDeepStrictEqual(table[last], value);
  table[last] = value;
  return true;
}
