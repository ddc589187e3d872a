import { DamselflyError } from "../../../core/error.ts";
import type { SqlValue } from "./database.ts";

/** What a column holds. `text` is of a limited number of characters, `long` is not. */
export type ColumnType = "id" | "reference" | "integer" | "flag" | "time" | "long" | { readonly text: number };

/** In what the databases differ, apart from how they are reached. */
export interface Dialect {
  readonly name: "sqlite" | "mysql" | "postgres";
  /** How a column of this type is declared. */
  declare(type: ColumnType): string;
  /** What stands after the columns of a new table. */
  readonly tableOptions: string;
  /** What ends a query whose rows must stay as they are until the transaction ends. */
  readonly forUpdate: string;
  /** Lists the columns of the table named by the one value, one `name` a row. */
  readonly columnsOfTable: string;
  /**
   * Lists the indexes of a table likewise. Left out where a step of the schema is done as a whole or not at all, so that
   * no table is without its indexes.
   */
  readonly indexesOfTable?: string;
  /** The wall time as a value of a `time` column. */
  time(ms: number): SqlValue;
  flag(value: boolean): SqlValue;
}

/** SQLite: times are milliseconds since the Unix epoch. */
export const SQLITE: Dialect = {
  name: "sqlite",
  declare: (type) =>
    type === "id"
      ? "INTEGER PRIMARY KEY AUTOINCREMENT"
      : type === "long" || typeof type === "object"
      ? "TEXT"
      : "INTEGER",
  tableOptions: "STRICT",
  forUpdate: "",
  columnsOfTable: "SELECT name FROM pragma_table_info(?)",
  time: (ms) => ms,
  flag: Number,
};

/** MySQL and MariaDB, as Dragonfly's tables are declared there; texts compare exactly in tables of our own. */
export const MYSQL: Dialect = {
  name: "mysql",
  declare(type) {
    if (typeof type === "object") return `VARCHAR(${type.text})`;
    return {
      id: "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY",
      reference: "BIGINT UNSIGNED",
      integer: "BIGINT",
      flag: "TINYINT(1)",
      time: "DATETIME(3)",
      long: "LONGTEXT",
    }[type];
  },
  tableOptions: "ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin",
  forUpdate: "FOR UPDATE",
  columnsOfTable: `
    SELECT column_name AS name FROM information_schema.columns WHERE table_schema = database() AND table_name = ?`,
  indexesOfTable: `
    SELECT DISTINCT index_name AS name FROM information_schema.statistics
    WHERE table_schema = database() AND table_name = ?`,
  time: (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", ""),
  flag: Number,
};

/** PostgreSQL, as Dragonfly's tables are declared there. */
export const POSTGRES: Dialect = {
  name: "postgres",
  declare(type) {
    if (typeof type === "object") return `VARCHAR(${type.text})`;
    return {
      id: "BIGSERIAL PRIMARY KEY",
      reference: "BIGINT",
      integer: "BIGINT",
      flag: "BOOLEAN",
      time: "TIMESTAMPTZ",
      long: "TEXT",
    }[type];
  },
  tableOptions: "",
  forUpdate: "FOR UPDATE",
  columnsOfTable: `
    SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = ?`,
  time: (ms) => new Date(ms).toISOString(),
  flag: (value) => value,
};

/** A time of any of the databases as milliseconds; 0 for none, and for Go's and MySQL's zero times. */
export function timeOf(raw: unknown): number {
  if (typeof raw === "number") return raw;
  if (typeof raw !== "string") return 0;
  const text = raw.replace(" ", "T").replace(/(?:Z|\+00(?::?00)?)?$/, "Z");
  return Math.max(0, Date.parse(text) || 0);
}

/** A whole number of any of the databases, 0 for none. Fails with `data_loss` on one that a number cannot hold. */
export function integerOf(raw: unknown): number {
  const value = Number(raw ?? 0);
  if (Number.isSafeInteger(value)) return value;
  throw new DamselflyError("data_loss", `it holds ${String(raw)}, which is no whole number of at most 2^53`);
}
