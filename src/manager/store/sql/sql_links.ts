import type { Sql } from "./database.ts";
import { integerOf } from "./dialect.ts";

/** A table of pairs of ids. */
export interface LinkTable {
  readonly table: string;
  /** The column of the side that is asked for. */
  readonly from: string;
  /** The column of what it is linked to. */
  readonly to: string;
}

/** What each of `ids` is linked to, in order. */
export async function linksOf(
  sql: Sql,
  { table, from, to }: LinkTable,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  if (ids.length === 0) return new Map();
  const marks = ids.map(() => "?").join(", ");
  const rows = await sql.all(
    `SELECT ${from} AS one, ${to} AS other FROM ${table} WHERE ${from} IN (${marks}) ORDER BY ${to}`,
    ids,
  );
  const pairs = Map.groupBy(rows, (row) => integerOf(row["one"]));
  return new Map([...pairs].map(([id, links]) => [id, links.map((row) => integerOf(row["other"]))]));
}

/** Links `id` to exactly `others`. */
export async function replaceLinks(
  sql: Sql,
  { table, from, to }: LinkTable,
  id: number,
  others: readonly number[],
): Promise<void> {
  await sql.run(`DELETE FROM ${table} WHERE ${from} = ?`, [id]);
  for (const other of new Set(others)) {
    await sql.run(`INSERT INTO ${table} (${from}, ${to}) VALUES (?, ?)`, [id, other]);
  }
}
