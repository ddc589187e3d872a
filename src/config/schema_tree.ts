import * as z from "zod";
import { wrappedBy } from "./fields.ts";

/** The tables, lists and values of a schema, without the defaults, optionals and transforms around them. */
function bare(schema: z.core.$ZodType): z.core.$ZodTypes {
  const inner = wrappedBy(schema);
  if (inner !== undefined) return bare(inner);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "pipe" ? bare(def.in) : schema as z.core.$ZodTypes;
}

/** The keys of a table and their schemas; of a union, those of its table; undefined when `schema` has no table. */
export function shapeOf(schema: z.core.$ZodType): ReadonlyMap<string, z.core.$ZodType> | undefined {
  const { def } = bare(schema)._zod;
  if (def.type === "object") return new Map(Object.entries(def.shape));
  if (def.type !== "union") return undefined;
  return def.options.map(shapeOf).find((shape) => shape !== undefined);
}

/** The schema of a list's elements; undefined when `schema` is not a list. */
export function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = bare(schema)._zod;
  return def.type === "array" ? def.element : undefined;
}

/** The schema of the key or list element at `path`; undefined when there is none. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const child = typeof key === "number" ? elementOf(schema) : shapeOf(schema)?.get(String(key));
  return child === undefined ? undefined : schemaAt(child, rest);
}

/** `proxy.rules[0].regex`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("").replace(/^\./, "");
}
