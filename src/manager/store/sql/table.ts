import { DamselflyError, errorText } from "../../../core/error.ts";
import type { Log } from "../../../runtime/log.ts";
import type { Identified, Listed, Page } from "../repository.ts";
import { type Column, time } from "./columns.ts";
import type { ColumnDefinition, RawRow, Sql, SqlDatabase, SqlValue } from "./database.ts";
import { integerOf } from "./dialect.ts";
import { ListMarks } from "./list_marks.ts";

/** The keys of a record that have columns of their own; every table has those of `Identified`. */
export type OwnKeys<Row> = Exclude<keyof Row, keyof Identified>;

/** Keys by the name of their index. */
export type IndexedKeys<Row> = Readonly<Record<string, readonly (keyof Row & string)[]>>;

/** How records lie in a table. */
export interface TableSpec<Row extends Identified> {
  /** Dragonfly's name of the table (manager-rest.md §2). */
  readonly name: string;
  /** The word for one row in messages. */
  readonly label: string;
  readonly columns: { readonly [Key in OwnKeys<Row>]: Column<Row[Key]> };
  /** Sets of keys that no two rows share, by the name of their index. */
  readonly unique: IndexedKeys<Row>;
  /** Keys that are searched for, by the name of their index. */
  readonly indexes?: IndexedKeys<Row>;
  /** How lists are ordered, besides by id. */
  readonly newestFirst?: boolean;
}

/** A value that a row must have; a list stands for any of its elements. */
export type Where<Row> = { readonly [Key in keyof Row]?: Row[Key] | readonly Row[Key][] };

/** The rows that a statement is about. */
interface Condition {
  readonly condition: string;
  readonly values: readonly SqlValue[];
}

/** Rows of one INSERT; databases limit the values of a statement, SQLite to 32,766. */
const ROWS_PER_STATEMENT_MAX = 250;
/** Ids of one DELETE, for the same reason. */
const IDS_PER_STATEMENT_MAX = 5_000;
/** Rows that were logged as unreadable. */
const REPORTED_MAX = 1_000;

const CREATED_AT = time("created_at");
const UPDATED_AT = time("updated_at");

/** The rows of one table. Its methods run within the `Sql` they are given, so that several make one transaction. */
export class SqlTable<Row extends Identified> {
  readonly spec: TableSpec<Row>;
  readonly #log: Log;
  readonly #columns: ReadonlyMap<string, Column<unknown>>;
  readonly #reported = new Set<string>();
  readonly #marks = new ListMarks();

  constructor(spec: TableSpec<Row>, log: Log) {
    this.spec = spec;
    this.#log = log;
    this.#columns = columnsOf(spec);
  }

  /** The rows that `where` fits, in the order of lists; those that cannot be read are logged and left out. */
  async select(sql: Sql, where: Where<Row>): Promise<Row[]> {
    return (await this.#raws(sql, this.#condition(sql, where))).flatMap((raw) => this.#readable(raw));
  }

  async count(sql: Sql, where: Where<Row>): Promise<number> {
    const { condition, values } = this.#condition(sql, where);
    const [row] = await sql.all(`SELECT count(*) AS total FROM "${this.spec.name}" ${condition}`, values);
    return integerOf(row?.["total"]);
  }

  /** How many of the rows that `where` fits were made since `sinceMs`. */
  async countSince(sql: Sql, where: Where<Row>, sinceMs: number): Promise<number> {
    const { condition, values } = this.#condition(sql, where);
    const since = `${condition} AND ${quoted(CREATED_AT.name)} >= ?`;
    const all = [...values, sql.dialect.time(sinceMs)];
    const [row] = await sql.all(`SELECT count(*) AS total FROM "${this.spec.name}" ${since}`, all);
    return integerOf(row?.["total"]);
  }

  /** A page of a list. Where nobody else writes, one that follows a page that was read is found without a walk to it. */
  async list(database: SqlDatabase, where: Where<Row>, page: Page): Promise<Listed<Row>> {
    const condition = this.#condition(database, where);
    const list = JSON.stringify(condition);
    const writes = database.writesTo(this.spec.name);
    const raws = await this.#page(database, condition, page, { list, writes });
    let total = this.#marks.get(`total ${list}`, writes);
    if (total === undefined) {
      total = await this.count(database, where);
      this.#marks.set(`total ${list}`, total, writes);
    }
    return { rows: raws.flatMap((raw) => this.#readable(raw)), total };
  }

  /** The one row that `where` fits. Fails with `data_loss` when it cannot be read. */
  async find(sql: Sql, where: Where<Row>): Promise<Row | undefined> {
    const { condition, values } = this.#condition(sql, where);
    const [raw] = await sql.all(`SELECT * FROM "${this.spec.name}" ${condition}`, values);
    return raw === undefined ? undefined : this.parse(raw);
  }

  /** The row with this id. Fails with `not_found` that says what could not be done. */
  async existing(sql: Sql, id: number, action: string): Promise<Row> {
    const row = await this.find(sql, { id } as Where<Row>);
    if (row !== undefined) return row;
    throw new DamselflyError("not_found", `Cannot ${action} ${this.spec.label} ${id}: it does not exist`);
  }

  /** Adds a row; its id. Fails with `already_exists` on a taken unique value. */
  async insert(sql: Sql, input: Pick<Row, OwnKeys<Row>>, nowMs: number): Promise<number> {
    const values = this.#values(sql, { ...input, createdAtMs: nowMs, updatedAtMs: nowMs });
    const names = [...values.keys(), "is_del"].map(quoted).join(", ");
    const marks = [...values.keys(), "is_del"].map(() => "?").join(", ");
    return await this.#unique(
      input,
      () => sql.insert(`INSERT INTO "${this.spec.name}" (${names}) VALUES (${marks})`, [...values.values(), 0]),
    );
  }

  /** Adds many rows, some hundred with each statement. Fails as {@link insert} does. */
  async insertMany(sql: Sql, inputs: readonly Pick<Row, OwnKeys<Row>>[], nowMs: number): Promise<void> {
    for (let start = 0; start < inputs.length; start += ROWS_PER_STATEMENT_MAX) {
      const rows = inputs.slice(start, start + ROWS_PER_STATEMENT_MAX)
        .map((input) => this.#values(sql, { ...input, createdAtMs: nowMs, updatedAtMs: nowMs }));
      const names = [...rows[0]?.keys() ?? [], "is_del"];
      const marks = `(${names.map(() => "?").join(", ")})`;
      const values = rows.flatMap((row) => [...names.slice(0, -1).map((name) => row.get(name) ?? null), 0]);
      const into = `INSERT INTO "${this.spec.name}" (${names.map(quoted).join(", ")})`;
      await this.#unique({}, () => sql.run(`${into} VALUES ${rows.map(() => marks).join(", ")}`, values));
    }
  }

  /** Changes what `patch` holds of the rows that `where` fits; how many. Fails as {@link insert} does. */
  async update(sql: Sql, where: Where<Row>, patch: Partial<Omit<Row, "id" | "createdAtMs">>): Promise<number> {
    const changes = this.#values(sql, { ...patch, createdAtMs: undefined });
    if (changes.size === 0) return await this.count(sql, where);
    const { condition, values } = this.#condition(sql, where);
    const sets = [...changes.keys()].map((name) => `${quoted(name)} = ?`).join(", ");
    return await this.#unique(
      patch,
      () => sql.run(`UPDATE "${this.spec.name}" SET ${sets} ${condition}`, [...changes.values(), ...values]),
    );
  }

  /** Removes the rows that `where` fits; how many. */
  async remove(sql: Sql, where: Where<Row>): Promise<number> {
    const { condition, values } = this.#condition(sql, where);
    return await sql.run(`DELETE FROM "${this.spec.name}" ${condition}`, values);
  }

  /** Removes the rows with these ids; how many. */
  async removeMany(sql: Sql, ids: readonly number[]): Promise<number> {
    let count = 0;
    for (let start = 0; start < ids.length; start += IDS_PER_STATEMENT_MAX) {
      count += await this.remove(sql, { id: ids.slice(start, start + IDS_PER_STATEMENT_MAX) } as unknown as Where<Row>);
    }
    return count;
  }

  /** Removes at most `limit` rows whose `key` is a time before `beforeMs`, the oldest first; how many. */
  async removeBefore(sql: Sql, key: keyof Row & string, beforeMs: number, limit: number): Promise<number> {
    const name = quoted(this.#column(key).name);
    const rows = await sql.all(
      `SELECT id FROM "${this.spec.name}" WHERE is_del = 0 AND ${name} < ? ORDER BY id LIMIT ${integerOf(limit)}`,
      [sql.dialect.time(beforeMs)],
    );
    return await this.removeMany(sql, rows.map((row) => integerOf(row["id"])));
  }

  /** A raw row as a record. Fails with `data_loss` that names the row and the column. */
  parse(raw: RawRow): Row {
    const record: Record<string, unknown> = { id: integerOf(raw["id"]) };
    for (const [key, column] of this.#columns) {
      try {
        record[key] = column.fromSql(raw[column.name]);
      } catch (cause) {
        const where = `${this.spec.name}.${column.name} of row ${String(raw["id"])}`;
        throw new DamselflyError("data_loss", `Cannot read ${where} of the database: ${errorText(cause)}`, { cause });
      }
    }
    return record as unknown as Row;
  }

  /** The rows of a page, remembering behind which row the next one begins. Lists that go by time have no such mark. */
  async #page(
    database: SqlDatabase,
    condition: Condition,
    { offset, limit }: Page,
    { list, writes }: { readonly list: string; readonly writes: number | undefined },
  ): Promise<RawRow[]> {
    if (this.spec.newestFirst === true) return await this.#raws(database, condition, { offset, limit });
    const before = this.#marks.get(`${offset} ${list}`, writes);
    const raws = before === undefined
      ? await this.#raws(database, condition, { offset, limit })
      : await this.#raws(database, after(before, condition), { offset: 0, limit });
    const last = raws.at(-1);
    if (last !== undefined) this.#marks.set(`${offset + raws.length} ${list}`, integerOf(last["id"]), writes);
    return raws;
  }

  async #raws(sql: Sql, { condition, values }: Condition, page?: Page): Promise<RawRow[]> {
    const limit = page === undefined ? "" : ` LIMIT ${integerOf(page.limit)} OFFSET ${integerOf(page.offset)}`;
    const order = this.spec.newestFirst === true ? "created_at DESC, id DESC" : "id";
    return await sql.all(`SELECT * FROM "${this.spec.name}" ${condition} ORDER BY ${order}${limit}`, values);
  }

  #readable(raw: RawRow): Row[] {
    try {
      return [this.parse(raw)];
    } catch (error) {
      const row = `${this.spec.name} ${String(raw["id"])}`;
      if (this.#reported.size < REPORTED_MAX && !this.#reported.has(row)) {
        this.#reported.add(row);
        this.#log.error("A row of the database is left out, for it cannot be read: mend or delete it", { row, error });
      }
      return [];
    }
  }

  #column(key: string): Column<unknown> {
    const column = this.#columns.get(key);
    if (column === undefined) throw new Error(`Table ${this.spec.name} has no column for ${key}`);
    return column;
  }

  #values(sql: Sql, record: object): Map<string, SqlValue> {
    const values = new Map<string, SqlValue>();
    for (const [key, value] of Object.entries(record)) {
      const column = this.#columns.get(key); // a whole record may be given where some of it is asked for
      if (column !== undefined && value !== undefined) values.set(column.name, column.toSql(value, sql.dialect));
    }
    return values;
  }

  #condition(sql: Sql, where: Where<Row>): Condition {
    const values: SqlValue[] = [];
    const terms = Object.entries(where).filter(([, value]) => value !== undefined).map(([key, value]) => {
      const column = key === "id" ? undefined : this.#column(key);
      const any: readonly unknown[] = Array.isArray(value) ? value : [value];
      values.push(...any.map((one) => column === undefined ? one as number : column.toSql(one, sql.dialect)));
      const marks = any.map(() => "?").join(", ");
      return any.length === 0 ? "1 = 0" : `${quoted(column?.name ?? "id")} IN (${marks})`;
    });
    return { condition: `WHERE ${["is_del = 0", ...terms].join(" AND ")}`, values };
  }

  async #unique<T>(record: object, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof DamselflyError) || cause.code !== "already_exists") throw cause;
      const sets = Object.values(this.spec.unique).map((keys) =>
        keys.map((key) => this.#column(key).name.replaceAll("_", " ")).join(" and ")
      );
      const name = "name" in record ? ` "${String(record.name)}"` : "";
      const message = `Cannot store ${this.spec.label}${name}: another ${this.spec.label} has this ${
        sets.join(", or this ")
      }`;
      throw new DamselflyError("already_exists", message, { cause });
    }
  }
}

/** The columns of a table as they are declared, the common ones first. */
export function definitionsOf<Row extends Identified>(spec: TableSpec<Row>): ColumnDefinition[] {
  return [
    { name: "id", type: "id" },
    { name: "is_del", type: "integer" },
    ...[...columnsOf(spec).values()].map(({ name, type }) => ({ name, type })),
  ];
}

/** The names of the columns behind keys. */
export function columnNamesOf<Row extends Identified>(
  spec: TableSpec<Row>,
  keys: IndexedKeys<Row>,
): Record<string, string[]> {
  const columns = columnsOf(spec);
  const nameOf = (key: string) => columns.get(key)?.name ?? key;
  return Object.fromEntries(Object.entries(keys).map(([index, names]) => [index, names.map(nameOf)]));
}

/** Those behind the row with this id, in lists that go by id. */
function after(id: number, { condition, values }: Condition): Condition {
  return { condition: `${condition} AND id > ?`, values: [...values, id] };
}

function columnsOf<Row extends Identified>(spec: TableSpec<Row>): Map<string, Column<unknown>> {
  return new Map<string, Column<unknown>>([
    ["createdAtMs", CREATED_AT as Column<unknown>],
    ["updatedAtMs", UPDATED_AT as Column<unknown>],
    ...Object.entries(spec.columns) as [string, Column<unknown>][],
  ]);
}

function quoted(name: string): string {
  return `"${name}"`;
}
