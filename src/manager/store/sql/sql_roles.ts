import type { Action, Permission, RoleStore } from "../roles.ts";
import type { SqlContext } from "./context.ts";
import type { RawRow, Sql } from "./database.ts";
import { CASBIN_RULE } from "./tables.ts";

/** What a rule is about: `p` gives a role a right, `g` gives a user a role. */
type RuleType = "p" | "g";

/** Roles as rules of casbin, which Dragonfly decides by (manager-rest.md §3). */
export class SqlRoles implements RoleStore {
  readonly #context: SqlContext;

  constructor(context: SqlContext) {
    this.#context = context;
  }

  async roles(): Promise<string[]> {
    const rows = await this.#context.database.all(
      `SELECT DISTINCT v0 AS role FROM ${CASBIN_RULE} WHERE ptype = 'p' ORDER BY v0`,
    );
    return rows.map((row) => String(row["role"]));
  }

  async permissionsOf(role: string): Promise<Permission[]> {
    const rows = await this.#context.database.all(
      `SELECT DISTINCT v1 AS object, v2 AS action FROM ${CASBIN_RULE} WHERE ptype = 'p' AND v0 = ? ORDER BY v1, v2`,
      [role],
    );
    return rows.map(permissionOf);
  }

  addPermissions(role: string, permissions: readonly Permission[]): Promise<number> {
    return this.#context.database.transaction(async (sql) => {
      let added = 0;
      for (const { object, action } of permissions) added += Number(await addRule(sql, "p", [role, object, action]));
      return added;
    });
  }

  removePermission(role: string, { object, action }: Permission): Promise<boolean> {
    return removeRules(this.#context.database, "p", [role, object, action]);
  }

  removeRole(role: string): Promise<boolean> {
    return this.#context.database.transaction(async (sql) => {
      await sql.run(`DELETE FROM ${CASBIN_RULE} WHERE ptype = 'g' AND v1 = ?`, [role]);
      return await removeRules(sql, "p", [role]);
    });
  }

  async rolesOfUser(userId: number): Promise<string[]> {
    const rows = await this.#context.database.all(
      `SELECT DISTINCT v1 AS role FROM ${CASBIN_RULE} WHERE ptype = 'g' AND v0 = ? ORDER BY v1`,
      [String(userId)],
    );
    return rows.map((row) => String(row["role"]));
  }

  grant(userId: number, role: string): Promise<boolean> {
    return this.#context.database.transaction((sql) => addRule(sql, "g", [String(userId), role]));
  }

  revoke(userId: number, role: string): Promise<boolean> {
    return removeRules(this.#context.database, "g", [String(userId), role]);
  }

  async permissionsOfUser(userId: number): Promise<Permission[]> {
    const rows = await this.#context.database.all(
      `SELECT DISTINCT p.v1 AS object, p.v2 AS action FROM ${CASBIN_RULE} AS p
       JOIN ${CASBIN_RULE} AS g ON g.ptype = 'g' AND g.v1 = p.v0
       WHERE p.ptype = 'p' AND g.v0 = ? ORDER BY p.v1, p.v2`,
      [String(userId)],
    );
    return rows.map(permissionOf);
  }
}

function permissionOf(row: RawRow): Permission {
  return { object: String(row["object"]), action: String(row["action"]) as Action };
}

async function addRule(sql: Sql, type: RuleType, values: readonly string[]): Promise<boolean> {
  const [present] = await sql.all(
    `SELECT id FROM ${CASBIN_RULE} WHERE ${conditionOf(values)} ${sql.dialect.forUpdate}`,
    [type, ...values],
  );
  if (present !== undefined) return false;
  const all = [0, 1, 2, 3, 4, 5].map((index) => values[index] ?? "");
  const columns = "ptype, v0, v1, v2, v3, v4, v5";
  await sql.insert(`INSERT INTO ${CASBIN_RULE} (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`, [type, ...all]);
  return true;
}

async function removeRules(sql: Sql, type: RuleType, values: readonly string[]): Promise<boolean> {
  return await sql.run(`DELETE FROM ${CASBIN_RULE} WHERE ${conditionOf(values)}`, [type, ...values]) > 0;
}

function conditionOf(values: readonly string[]): string {
  return ["ptype = ?", ...values.map((_, index) => `v${index} = ?`)].join(" AND ");
}
