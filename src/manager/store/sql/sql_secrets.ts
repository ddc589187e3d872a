import { DamselflyError } from "../../../core/error.ts";
import type { SecretStore } from "../secrets.ts";
import type { SqlContext } from "./context.ts";
import type { Sql } from "./database.ts";
import { SECRET } from "./tables.ts";

/** Secrets of the manager itself. */
export class SqlSecrets implements SecretStore {
  readonly #context: SqlContext;

  constructor(context: SqlContext) {
    this.#context = context;
  }

  async getOrCreate(name: string, fresh: string): Promise<string> {
    const { database } = this.#context;
    const present = await valueOf(database, name);
    if (present !== undefined) return present;
    try {
      await database.run(`INSERT INTO ${SECRET} (name, value) VALUES (?, ?)`, [name, fresh]);
      return fresh;
    } catch (error) {
      if (!(error instanceof DamselflyError) || error.code !== "already_exists") throw error;
      return await valueOf(database, name) ?? fresh; // another manager was faster
    }
  }
}

async function valueOf(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql.all(`SELECT "value" FROM ${SECRET} WHERE name = ?`, [name]);
  return row === undefined ? undefined : String(row["value"]);
}
