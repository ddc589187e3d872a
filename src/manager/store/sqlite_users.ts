import { DamselflyError } from "../../core/error.ts";
import { isDuplicate, type Row } from "./sqlite_database.ts";
import type { SqliteContext } from "./sqlite_context.ts";
import type { User, UserStore } from "./users.ts";

/** Users in SQLite. */
export class SqliteUsers implements Pick<UserStore, "get" | "findByName" | "create"> {
  readonly #context: SqliteContext;

  constructor(context: SqliteContext) {
    this.#context = context;
  }

  get(id: number): Promise<User | undefined> {
    return this.#find("SELECT * FROM user WHERE id = :value", id);
  }

  findByName(name: string): Promise<User | undefined> {
    return this.#find("SELECT * FROM user WHERE name = :value", name);
  }

  create({ name, passwordHash }: Pick<User, "name" | "passwordHash">): Promise<User> {
    const { database } = this.#context;
    const sql = `
      INSERT INTO user (created_at, updated_at, name, encrypted_password)
      VALUES (:now, :now, :name, :hash) RETURNING *`;
    return this.#context.write(() => {
      try {
        return userOf(database.get(sql, { now: this.#context.nowMs(), name, hash: passwordHash }) ?? {});
      } catch (cause) {
        if (!isDuplicate(cause)) throw cause;
        throw new DamselflyError("already_exists", `Cannot create user "${name}": the name is taken`, { cause });
      }
    });
  }

  #find(sql: string, value: string | number): Promise<User | undefined> {
    return this.#context.read(() => {
      const row = this.#context.database.get(sql, { value });
      return row === undefined ? undefined : userOf(row);
    });
  }
}

function userOf(row: Row): User {
  return {
    id: Number(row["id"]),
    name: String(row["name"]),
    passwordHash: String(row["encrypted_password"]),
    state: row["state"] === "enable" ? "enable" : "disable",
    email: String(row["email"]),
    avatar: String(row["avatar"]),
    phone: String(row["phone"]),
    location: String(row["location"]),
    bio: String(row["bio"]),
    createdAtMs: Number(row["created_at"]),
    updatedAtMs: Number(row["updated_at"]),
  };
}
