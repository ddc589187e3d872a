import type { ColumnType, Dialect } from "./dialect.ts";

/** What a statement takes: text, numbers and nothing; the dialect turns times and flags into them. */
export type SqlValue = string | number | boolean | null;

/** A row as the database gives it. */
export type RawRow = Readonly<Record<string, unknown>>;

/** A column as it is made, or as it is there. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: ColumnType;
}

/**
 * Runs statements, `?` standing for the values in order. Names that are words of SQL, such as `user`, are written in
 * double quotes. Fails with `already_exists` on a taken unique value, and with `unavailable` when the database does not
 * answer in time; what else it refuses is a fault of ours and fails as the driver says it.
 */
export interface Sql {
  readonly dialect: Dialect;
  all(statement: string, values?: readonly SqlValue[]): Promise<RawRow[]>;
  /** How many rows it found to change. */
  run(statement: string, values?: readonly SqlValue[]): Promise<number>;
  /** Adds one row to a table with an `id`; the id it got. */
  insert(statement: string, values: readonly SqlValue[]): Promise<number>;
}

/** An open database. */
export interface SqlDatabase extends Sql, AsyncDisposable {
  /** Whether other managers write to it too. */
  readonly isShared: boolean;
  /**
   * A number that grows with each write to a table, so that what was read of it is still right while it stays the same.
   * Undefined where others write too, unseen by us.
   */
  writesTo(table: string): number | undefined;
  /**
   * Does all that `work` does through its `Sql`, or nothing when it fails. Where transactions get in each other's way
   * it is done again. Transactions do not nest, and `work` waits for nothing but the database.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Runs `work` as a transaction while no other manager changes the schema. */
  migration<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}
