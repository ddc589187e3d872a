import * as z from "zod";
import { metaOf } from "./fields.ts";
import { elementOf, shapeOf } from "./schema_tree.ts";

/** A key that holds a value, as the schema has it. */
export interface ConfigKey {
  /** `proxy.rules[].regex`. */
  readonly path: string;
  readonly schema: z.core.$ZodType;
  /** What may be written. */
  readonly type: string;
  readonly description: string;
  readonly aliases: readonly string[];
  /** What holds when it is left out, as YAML would hold it; empty when nothing does. */
  readonly defaultText: string;
  readonly isRequired: boolean;
  /** Why it has no effect, its own reason or that of a table around it; undefined when it has one. */
  readonly ignored: string | undefined;
}

/** Every key of `schema` that holds a value, from top to bottom; lists of tables with the keys of their elements. */
export function keysOf(schema: z.core.$ZodType, prefix = "", reason?: string): ConfigKey[] {
  return [...shapeOf(schema) ?? []].flatMap(([name, child]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const { ignored = reason, type } = metaOf(child);
    const element = elementOf(child);
    if (element !== undefined && shapeOf(element) !== undefined) {
      return [keyOf(path, child, ignored), ...keysOf(element, `${path}[]`, ignored)];
    }
    const isTable = shapeOf(child) !== undefined;
    const inside = isTable ? keysOf(child, path, ignored) : [];
    return isTable && type === undefined ? inside : [keyOf(path, child, ignored), ...inside];
  });
}

function keyOf(path: string, schema: z.core.$ZodType, ignored: string | undefined): ConfigKey {
  const { type = "table", description = "", aliases = [] } = metaOf(schema);
  const parsed = z.safeParse(schema, undefined);
  const defaultText = parsed.success && parsed.data !== undefined ? printed(schema, parsed.data) : "";
  return { path, schema, type, description, aliases, defaultText, isRequired: !parsed.success, ignored };
}

/** A path as {@link ConfigKey.path} writes it, with other spellings replaced; undefined when there is no such key. */
export function canonicalPath(schema: z.core.$ZodType, path: string): string | undefined {
  const [head = "", ...rest] = path.split(".");
  const name = head.replace(/\[\]$/, "");
  const known = [...shapeOf(schema) ?? []].find(([key, child]) =>
    key === name || metaOf(child).aliases?.includes(name)
  );
  if (known === undefined) return undefined;
  const [key, child] = known;
  const isElement = name !== head;
  const inner = isElement ? elementOf(child) : child;
  if (inner === undefined) return undefined;
  const here = isElement ? `${key}[]` : key;
  if (rest.length === 0) return here;
  const below = canonicalPath(inner, rest.join("."));
  return below === undefined ? undefined : `${here}.${below}`;
}

/** A parsed value as YAML would hold it, on one line. */
export function printed(schema: z.core.$ZodType, value: unknown): string {
  const element = elementOf(schema);
  if (element !== undefined && Array.isArray(value)) {
    return `[${value.map((item) => printed(element, item)).join(", ")}]`;
  }
  const shape = shapeOf(schema);
  if (shape !== undefined && typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${key}: ${printed(shape.get(key) ?? schema, item)}`);
    return `{ ${pairs.join(", ")} }`;
  }
  const { print } = metaOf(schema);
  if (print !== undefined) return print(value as never);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
