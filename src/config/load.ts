import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { DamselflyError } from "../core/error.ts";
import type { Disk } from "../runtime/disk.ts";
import { clean, type Findings, isTable } from "./clean.ts";
import { metaOf } from "./fields.ts";
import { fatesOf, oldFormOf } from "./old/convert.ts";
import { readDragonflyConf } from "./old/dragonfly_zero.ts";
import { refusal as oldFormText } from "./old/old_text.ts";
import { elementOf, pathText, schemaAt, shapeOf } from "./schema_tree.ts";
import { readYaml, type YamlText } from "./yaml_text.ts";

const PROBLEMS_MAX = 50;

/** Where a configuration comes from. */
export interface ConfigSource {
  /** A file that must exist; left out, the component's usual one is read if it exists. */
  readonly path?: string;
  /** The YAML itself; no file is read. */
  readonly text?: string;
  /** Values from the command line by key path, such as `download.server.socketPath`; undefined ones do not count. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** The effects that loading needs; a `Runtime` has them. */
export interface ConfigRuntime {
  readonly disk: Pick<Disk, "readText">;
  env(name: string): string | undefined;
}

/** A valid configuration, and what the user should know about it. */
export interface LoadedConfig<T> {
  readonly config: T;
  readonly warnings: readonly string[];
}

/** The marks of a component's whole schema. */
interface FileMeta {
  readonly component: string;
  /** Usual path of the file. */
  readonly file: string;
  /** Environment variable that names another path. */
  readonly fileEnv?: string;
}

/** The name, usual file and environment variable of a component, from its schema. */
export function fileMetaOf(schema: z.ZodObject): FileMeta {
  return z.globalRegistry.get(schema) as unknown as FileMeta;
}

/**
 * Reads, checks and completes a component's YAML. Throws `invalid_argument` with every problem on a line of its own
 * (file:line:column, key, what is wrong, what is expected), and `not_found` when a file that was asked for is absent.
 */
export async function loadConfig<S extends z.ZodObject>(
  schema: S,
  source: ConfigSource,
  runtime: ConfigRuntime,
): Promise<LoadedConfig<z.output<S>>> {
  if (source.text !== undefined) return parseConfig(schema, source.text, source.path ?? "config", source.overrides);
  const { component, file, fileEnv } = fileMetaOf(schema);
  const named = source.path ?? (fileEnv === undefined ? undefined : runtime.env(fileEnv));
  const path = named ?? file;
  let text = "";
  try {
    text = await runtime.disk.readText(path);
  } catch (cause) {
    const isAbsent = cause instanceof DamselflyError && cause.code === "not_found";
    if (!isAbsent) throw cause;
    if (named !== undefined) {
      throw new DamselflyError(
        "not_found",
        `Cannot load the configuration of ${component}: there is no file "${path}", write it or name another`,
        { cause },
      );
    }
  }
  return parseConfig(schema, text, path, source.overrides);
}

/** {@link loadConfig} for text that is at hand; `file` is what messages call it. */
export function parseConfig<S extends z.ZodObject>(
  schema: S,
  text: string,
  file: string,
  overrides: Readonly<Record<string, unknown>> = {},
): LoadedConfig<z.output<S>> {
  const yaml = readYaml(text);
  refuseOldForm(schema, text, yaml, file);
  const written = yaml.value ?? {};
  const problems = yaml.problems.map((problem) => `${place(file, problem.place)}: ${problem.text}`);
  if (problems.length === 0 && !isTable(written)) problems.push(`${file}: it is ${kindOf(written)}, expected keys`);
  if (problems.length > 0) throw invalid(file, problems);

  const found: Findings = { warnings: [], problems: [], ignored: [], writtenPaths: new Map() };
  const value = clean(withOverrides(written, overrides), schema, found);
  const say = sayAt(file, yaml, overrides);
  const result = schema.safeParse(value);
  const texts = found.problems.map((problem) => say(problem.path, problem.text));
  for (const issue of result.error?.issues ?? []) {
    const path = found.writtenPaths.get(pathText(issue.path)) ?? issue.path;
    // A table with an unknown key is not judged as a whole: what it seems to lack is most likely that key.
    if (found.problems.some((problem) => isDeepStrictEqual(problem.path.slice(0, -1), path))) continue;
    texts.push(say(path, issueText(issue, schema, value)));
  }
  if (result.data === undefined || texts.length > 0) throw invalid(file, texts);

  const warnings = found.warnings.map((warning) => say(warning.path, warning.text));
  for (const { path, schema: part, reason } of found.ignored) {
    if (isDeepStrictEqual(valueAt(result.data, path), z.safeParse(part, undefined).data)) continue;
    warnings.push(say(found.writtenPaths.get(pathText(path)) ?? path, `has no effect: ${reason}`));
  }
  return { config: result.data, warnings };
}

/** Throws when the text is in a form of old, of which no key takes effect, not even those that are still known. */
function refuseOldForm(schema: z.ZodObject, text: string, yaml: YamlText, file: string): void {
  const value = readDragonflyConf(text) ?? yaml.value;
  const form = isTable(value) ? oldFormOf(value, schema, fileMetaOf(schema).component) : undefined;
  if (form === undefined || !isTable(value)) return;
  const { head, lines } = oldFormText(file, form, fatesOf(value, form, schema), (path) => {
    return `${place(file, yaml.placeOf(path.split(".")))}: `;
  });
  throw new DamselflyError("invalid_argument", [head, ...limited(lines, "keys")].join("\n"), { details: lines });
}

function invalid(file: string, problems: readonly string[]): DamselflyError {
  const text = [`Cannot use ${file}: it has problems`, ...limited(problems, "problems")].join("\n");
  return new DamselflyError("invalid_argument", text, { details: problems });
}

function limited(lines: readonly string[], what: string): string[] {
  const shown = lines.slice(0, PROBLEMS_MAX);
  if (shown.length < lines.length) shown.push(`and ${lines.length - shown.length} more ${what}`);
  return shown;
}

function place(file: string, lineAndColumn: string): string {
  return lineAndColumn === "" ? file : `${file}:${lineAndColumn}`;
}

/** Makes the line for the key at a path, with its place in the file or the word that it came from the command line. */
function sayAt(file: string, yaml: YamlText, overrides: Readonly<Record<string, unknown>>) {
  const overridden = Object.keys(overrides).filter((key) => overrides[key] !== undefined);
  return (path: readonly PropertyKey[], what: string): string => {
    const key = pathText(path);
    const where = overridden.includes(key) ? "command line" : place(file, yaml.placeOf(path));
    return `${where}: '${key}' ${what}`;
  };
}

function withOverrides(table: object, overrides: Readonly<Record<string, unknown>>): unknown {
  // Only tables on the way are copied: an alias may share them with another key, which must not change.
  const copy: Record<string, unknown> = { ...table };
  for (const [path, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let parent = copy;
    for (const key of keys) {
      const child: Record<string, unknown> = isTable(parent[key]) ? { ...parent[key] } : {};
      parent[key] = child;
      parent = child;
    }
    parent[last] = value;
  }
  return copy;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);
}

/** What is wrong with a value; its text is shown only where a parser of ours does so, for it may be a secret. */
function issueText(issue: z.core.$ZodIssue, schema: z.core.$ZodType, root: unknown): string {
  const value = valueAt(root, issue.path);
  if (issue.code === "custom") return `is wrong: ${issue.message}`;
  const expected = expectedText(schemaAt(schema, issue.path));
  if (value === undefined) return `is missing, expected ${expected}`;
  const shown = typeof value === "number" && expected.startsWith("integer") ? String(value) : kindOf(value);
  return `is ${shown}, expected ${expected}`;
}

function expectedText(schema: z.core.$ZodType | undefined): string {
  if (schema === undefined) return "something else";
  const { type } = metaOf(schema);
  if (type !== undefined) return type;
  return elementOf(schema) !== undefined
    ? "a list"
    : shapeOf(schema) !== undefined
    ? "a table of keys"
    : "another value";
}

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return {
    string: "a text",
    number: "a number",
    boolean: "true or false",
    object: "a table",
  }[typeof value as string] ??
    "of another kind";
}
