/** Statements that change one table alone. A DELETE is none: rows of others may go with those it removes. */
const ONE_TABLE = /^\s*(?:INSERT INTO|UPDATE)\s+"?(\w+)"?\s/;

/** Counts the writes to each table of a database that nobody else writes to, by what its statements say. */
export class TableWrites {
  readonly #writes = new Map<string, number>();
  #writesToAll = 0;
  #fileVersion = 0;

  /** A statement that may write is about to run. */
  note(statement: string): void {
    const table = ONE_TABLE.exec(statement)?.[1];
    if (table === undefined) this.#writesToAll++;
    else this.#writes.set(table, (this.#writes.get(table) ?? 0) + 1);
  }

  /** Grows with each write to the table; `fileVersion` is another one when somebody else has written to the file. */
  to(table: string, fileVersion: number): number {
    if (fileVersion !== this.#fileVersion) {
      this.#fileVersion = fileVersion;
      this.#writesToAll++;
    }
    return this.#writesToAll + (this.#writes.get(table) ?? 0);
  }
}
