/** What the repositories of the store have in common. Every method is one transaction. */

/** When a row was made and last changed, in milliseconds since the Unix epoch. */
export interface Times {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A row with an id of its own, which is never used again. */
export interface Identified extends Times {
  readonly id: number;
}

/** Which rows of a list are wanted: `limit` of them after the first `offset`. */
export interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** A page of a list, and how many rows the whole list has. */
export interface Listed<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

/**
 * Reads rows by id or as a list. A filter picks the rows that equal it in every key it holds; lists go by id, where
 * nothing else is said. A row that cannot be read is logged and left out of lists, and fails a `get` with `data_loss`.
 */
export interface Readable<Row, Filter> {
  list(filter: Filter, page: Page): Promise<Listed<Row>>;
  get(id: number): Promise<Row | undefined>;
}

/** Rows that are made, changed and removed one by one. */
export interface Repository<Row, Input, Filter = Record<never, never>> extends Readable<Row, Filter> {
  /** Fails with `already_exists` when a value that must be unique is taken. */
  create(input: Input): Promise<Row>;
  /** Changes what `patch` holds. Fails with `not_found`, and with `already_exists` as `create` does. */
  update(id: number, patch: Partial<Input>): Promise<Row>;
  /** Fails with `not_found`. */
  remove(id: number): Promise<void>;
}
