import * as z from "zod";
import { DfdaemonConfig } from "./dfdaemon.ts";
import { DfinitConfig } from "./dfinit.ts";
import { metaOf } from "./fields.ts";
import { fileMetaOf } from "./load.ts";
import { ManagerConfig } from "./manager.ts";
import { PeerDynconfig } from "./peer_dynconfig.ts";
import { SchedulerConfig } from "./scheduler.ts";
import { elementOf, shapeOf } from "./schema_tree.ts";

const SCHEMAS: readonly z.ZodObject[] = [ManagerConfig, SchedulerConfig, DfdaemonConfig, DfinitConfig, PeerDynconfig];

/** The reference pages, by path from the project's root; `docs/config/<component>.md` for each schema. */
export function generateConfigDocs(): Map<string, string> {
  return new Map(SCHEMAS.map((schema) => [`docs/config/${fileMetaOf(schema).component}.md`, page(schema)]));
}

function page(schema: z.ZodObject): string {
  const { component, file, fileEnv } = fileMetaOf(schema);
  const other = fileEnv === undefined ? "" : ` Another file is named by \`${fileEnv}\` or on the command line.`;
  return [
    `# ${component}.yaml`,
    "",
    "<!-- Generated from the schema by `deno task gen`; change the schema instead. -->",
    "",
    `The file is \`${file}\`.${other} Every key may be left out unless it is said to be required.`,
    "Durations are written like `30s`, `5m` or `1h30m`, sizes like `64MiB`, `50GB` or a number of bytes.",
    "An unknown key stops the start. A key that has no effect is accepted, with a warning when it is not at its default.",
    "",
    "| Key | Type | Default | Meaning | Has an effect |",
    "| --- | --- | --- | --- | --- |",
    ...rows(schema, "", undefined),
    "",
  ].join("\n");
}

/** A line for each key that holds a value; `reason` is why a table around it has no effect. */
function rows(schema: z.core.$ZodType, prefix: string, reason: string | undefined): string[] {
  return [...shapeOf(schema) ?? []].flatMap(([key, child]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const { ignored = reason, type } = metaOf(child);
    const element = elementOf(child);
    if (element !== undefined && shapeOf(element) !== undefined) {
      return [row(path, child, ignored), ...rows(element, `${path}[]`, ignored)];
    }
    const isTable = shapeOf(child) !== undefined;
    const inside = isTable ? rows(child, path, ignored) : [];
    return isTable && type === undefined ? inside : [row(path, child, ignored), ...inside];
  });
}

function row(path: string, schema: z.core.$ZodType, ignored: string | undefined): string {
  const { type = "table", description = "", aliases = [] } = metaOf(schema);
  const also = aliases.length === 0 ? "" : ` Also read: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  const effect = ignored === undefined ? "yes" : `no: ${ignored}`;
  const cells = [`\`${path}\``, type, defaultText(schema), description + also, effect];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultText(schema: z.core.$ZodType): string {
  const parsed = z.safeParse(schema, undefined);
  if (!parsed.success) return "required";
  return parsed.data === undefined ? "" : `\`${printed(schema, parsed.data)}\``;
}

/** A default as YAML would hold it, on one line. */
function printed(schema: z.core.$ZodType, value: unknown): string {
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
