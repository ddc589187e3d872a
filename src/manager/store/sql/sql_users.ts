import type { User, UserFilter, UserInput, UserStore } from "../users.ts";
import type { SqlContext } from "./context.ts";
import { USERS } from "./schema.ts";
import { SqlRepository } from "./sql_repository.ts";

/** Users, whose password hash never leaves the manager. */
export class SqlUsers extends SqlRepository<User, UserFilter> implements UserStore {
  constructor(context: SqlContext) {
    super(context, USERS);
  }

  async getMany(ids: readonly number[]): Promise<ReadonlyMap<number, User>> {
    const users = await this.table.select(this.context.database, { id: [...new Set(ids)] });
    return new Map(users.map((user) => [user.id, user]));
  }

  async findByName(name: string): Promise<User | undefined> {
    const user = await this.find({ name });
    return user?.name === name ? user : undefined; // tables of Dragonfly's compare without regard to case
  }

  override create(input: Partial<UserInput> & Pick<UserInput, "name" | "passwordHash">): Promise<User> {
    const nothing = { email: "", state: "enable", avatar: "", phone: "", location: "", bio: "" } as const;
    return super.create({ ...nothing, ...input });
  }

  async replacePassword(before: Pick<User, "id" | "passwordHash">, passwordHash: string): Promise<boolean> {
    const { database, clock } = this.context;
    const where = { id: before.id, passwordHash: before.passwordHash };
    return await this.table.update(database, where, { passwordHash, updatedAtMs: clock.wallMs() }) > 0;
  }
}
