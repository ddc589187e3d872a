import { DamselflyError } from "../../../core/error.ts";
import type { TurnStore } from "../turns.ts";
import type { SqlContext } from "./context.ts";
import { TURN } from "./tables.ts";

/** Turns; wall time decides, of which seconds do not matter. */
export class SqlTurns implements TurnStore {
  readonly #context: SqlContext;

  constructor(context: SqlContext) {
    this.#context = context;
  }

  async take(
    name: string,
    { everyMs, holdMs }: { readonly everyMs: number; readonly holdMs: number },
  ): Promise<boolean> {
    const { database, clock } = this.#context;
    const now = clock.wallMs();
    const taken = await database.run(
      `UPDATE ${TURN} SET due_ms = ? WHERE name = ? AND (due_ms <= ? OR due_ms > ?)`,
      [now + holdMs, name, now, now + Math.max(everyMs, holdMs)],
    );
    if (taken > 0) return true;
    const [row] = await database.all(`SELECT name FROM ${TURN} WHERE name = ?`, [name]);
    if (row !== undefined) return false;
    try {
      await database.run(`INSERT INTO ${TURN} (name, due_ms) VALUES (?, ?)`, [name, now + holdMs]);
      return true;
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "already_exists") throw error;
      return false; // another manager was faster
    }
  }

  async next(name: string, inMs: number): Promise<void> {
    const { database, clock } = this.#context;
    await database.run(`UPDATE ${TURN} SET due_ms = ? WHERE name = ?`, [clock.wallMs() + inMs, name]);
  }
}
