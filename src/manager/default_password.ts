import { isPassword } from "./password.ts";
import type { Scrypt } from "./scrypt.ts";
import type { User } from "./store/users.ts";

/** Published with Dragonfly, so known to everybody. */
export const ROOT_PASSWORD_DEFAULT = "dragonfly";
export const ROOT = "root";

/** Whether root still has the password that everybody knows; each hash is compared once. */
export class DefaultPassword {
  readonly #scrypt: Scrypt;
  #known: { readonly passwordHash: string; readonly isDefault: Promise<boolean> } | undefined;

  constructor(scrypt: Scrypt) {
    this.#scrypt = scrypt;
  }

  isOf({ name, passwordHash }: Pick<User, "name" | "passwordHash">): Promise<boolean> {
    if (name !== ROOT) return Promise.resolve(false);
    if (this.#known?.passwordHash !== passwordHash) {
      this.#known = { passwordHash, isDefault: isPassword(ROOT_PASSWORD_DEFAULT, passwordHash, this.#scrypt) };
    }
    return this.#known.isDefault;
  }
}
