import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { formatFields, formatTable } from "../table.ts";
import type { Context } from "./context.ts";

/** How an answer is shown. */
export interface ShowFlags {
  readonly json?: boolean;
}

/** The roles of a user, as the manager lists them. */
export const Roles = z.array(z.string());

/** The fields that a schema names of an answer. Throws `internal` when they are not there. */
export function readAs<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  const message = `The answer is not understood (${where}${issue?.message}): is the manager of another version?`;
  throw new DamselflyError("internal", message, { cause: parsed.error });
}

/** Prints rows: as JSON just as they came, else as a table with what `rowOf` takes of each. */
export function showRows<S extends z.ZodType>(
  { terminal }: Context,
  { json }: ShowFlags,
  { rows, schema, rowOf }: {
    readonly rows: readonly unknown[];
    readonly schema: S;
    readonly rowOf: (row: z.output<S>) => Readonly<Record<string, string>>;
  },
): void {
  if (json === true) return showJson(terminal, rows);
  if (rows.length === 0) return terminal.printError("There are none.\n");
  terminal.print(formatTable(readAs(z.array(schema), rows).map(rowOf), terminal.columns));
}

/** Prints one thing: as JSON just as it came, else a line for each field that `fieldsOf` takes of it. */
export function showOne<S extends z.ZodType>(
  { terminal }: Context,
  { json }: ShowFlags,
  { row, schema, fieldsOf }: {
    readonly row: unknown;
    readonly schema: S;
    readonly fieldsOf: (row: z.output<S>) => Readonly<Record<string, string>>;
  },
): void {
  if (json === true) return showJson(terminal, row);
  terminal.print(formatFields(fieldsOf(readAs(schema, row))));
}

/** Prints a value for scripts. */
export function showJson({ print }: Pick<Context["terminal"], "print">, value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Says that something was done, unless a script reads along. */
export function sayDone({ terminal }: Context, { json }: ShowFlags, text: string): void {
  if (json !== true) terminal.print(`${text}\n`);
}

/** `2026-01-02T03:04:05Z`, and `-` for the zero of Go's clock. */
export function shownTime(text: string): string {
  return text.startsWith("0001-") ? "-" : text.replace(/\.\d+Z$/, "Z");
}

/** A list in a cell. */
export function shownList(values: readonly (string | number)[] | null | undefined): string {
  return values == null || values.length === 0 ? "-" : values.join(",");
}
