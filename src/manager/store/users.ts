import type { Identified, Listed, Page } from "./repository.ts";

/** Whether somebody may sign in. */
export type UserState = "enable" | "disable";

/** What is known of a user. An empty text stands for what nobody said. */
export interface UserInput {
  readonly name: string;
  readonly email: string;
  /** As `password.ts` makes it; bcrypt where Dragonfly made it, empty for those who sign in elsewhere. */
  readonly passwordHash: string;
  readonly state: UserState;
  readonly avatar: string;
  readonly phone: string;
  readonly location: string;
  readonly bio: string;
}

/** Somebody who may sign in. */
export interface User extends UserInput, Identified {}

/** Which users to list. */
export type UserFilter = Partial<Pick<User, "name" | "email" | "location" | "state">>;

/** Who may sign in. Names and e-mail addresses are given once. */
export interface UserStore {
  list(filter: UserFilter, page: Page): Promise<Listed<User>>;
  get(id: number): Promise<User | undefined>;
  /** Those of `ids` that exist, by id; for lists whose rows name a user. */
  getMany(ids: readonly number[]): Promise<ReadonlyMap<number, User>>;
  /** The user of exactly this name. */
  findByName(name: string): Promise<User | undefined>;
  /** Fails with `already_exists` on a taken name or e-mail address. */
  create(input: Partial<UserInput> & Pick<UserInput, "name" | "passwordHash">): Promise<User>;
  /** Changes what `patch` holds. Fails with `not_found` and `already_exists`. */
  update(id: number, patch: Partial<UserInput>): Promise<User>;
  /** Replaces the password of a user who still has the one of `before`; whether he had. */
  replacePassword(before: Pick<User, "id" | "passwordHash">, passwordHash: string): Promise<boolean>;
}
