import type * as z from "zod";
import { metaOf } from "./fields.ts";
import { nearestKey } from "./nearest_key.ts";
import { elementOf, pathText, shapeOf } from "./schema_tree.ts";

type Path = readonly PropertyKey[];

/** A key that is written but has no effect. */
export interface IgnoredKey {
  readonly path: Path;
  readonly schema: z.core.$ZodType;
  readonly reason: string;
}

/** What {@link clean} finds on its way; `path` is as written, with the spelling of the file. */
export interface Findings {
  readonly warnings: { readonly path: Path; readonly text: string }[];
  readonly problems: { readonly path: Path; readonly text: string }[];
  readonly ignored: IgnoredKey[];
  /** As-written paths of keys by their path text in the cleaned value, where the two differ. */
  readonly writtenPaths: Map<string, Path>;
}

/** Where {@link clean} stands: the path in the cleaned value, and as written. */
interface Position {
  readonly path: Path;
  readonly written: Path;
}

/**
 * Prepares a value for `schema`: other spellings become the key's own, unknown keys are reported and removed, and keys
 * without a value (null, or an empty text as charts write it) are removed so that their default applies.
 */
export function clean(
  value: unknown,
  schema: z.core.$ZodType,
  found: Findings,
  position: Position = { path: [], written: [] },
): unknown {
  const shape = shapeOf(schema);
  if (shape !== undefined && isTable(value)) return cleanTable(value, shape, found, position);
  const element = elementOf(schema);
  if (element === undefined || !Array.isArray(value)) return value;
  return value.map((item, index) => {
    const next = { path: [...position.path, index], written: [...position.written, index] };
    return clean(item, element, found, next);
  });
}

function cleanTable(
  table: Readonly<Record<string, unknown>>,
  shape: ReadonlyMap<string, z.core.$ZodType>,
  found: Findings,
  { path, written }: Position,
): Record<string, unknown> {
  const result = new Map<string, unknown>();
  for (const [typed, value] of Object.entries(table)) {
    const next = { path, written: [...written, typed] };
    const [key, schema] = lookUp(typed, shape, found, next) ?? [];
    if (key === undefined || schema === undefined || value === null || value === "") continue;
    if (result.has(key)) {
      found.problems.push({ path: next.written, text: `is another spelling of '${key}', which is given too` });
      continue;
    }
    const position = { path: [...path, key], written: next.written };
    if (pathText(position.path) !== pathText(position.written)) {
      found.writtenPaths.set(pathText(position.path), position.written);
    }
    const { ignored } = metaOf(schema);
    if (ignored !== undefined) found.ignored.push({ path: position.path, schema, reason: ignored });
    // One warning for an ignored table is enough: nothing is said about the keys inside it.
    result.set(key, clean(value, schema, ignored === undefined ? found : { ...found, ignored: [] }, position));
  }
  return Object.fromEntries(result);
}

function lookUp(
  typed: string,
  shape: ReadonlyMap<string, z.core.$ZodType>,
  found: Findings,
  { written }: Position,
): readonly [string, z.core.$ZodType] | undefined {
  const exact = shape.get(typed);
  if (exact !== undefined) return [typed, exact];
  const other = [...shape].find(([, schema]) => metaOf(schema).aliases?.includes(typed));
  if (other !== undefined) {
    found.warnings.push({ path: written, text: `is read as '${other[0]}'` });
    return other;
  }
  const nearest = nearestKey(typed, shape.keys());
  const hint = nearest === undefined ? `known here: ${[...shape.keys()].join(", ")}` : `did you mean '${nearest}'?`;
  found.problems.push({ path: written, text: `is unknown: ${hint}` });
  return undefined;
}

/** Whether `value` is a YAML map. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
