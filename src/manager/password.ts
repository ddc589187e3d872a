import { compare, encodeBase64, hash } from "bcryptjs";
import { DamselflyError } from "../core/error.ts";
import type { Random } from "../runtime/random.ts";

/** 2^10 rounds: about 60 ms for us, and for each guess of somebody who got hold of the database. */
const BCRYPT_COST = 10;
const SALT_BYTES = 16;
/** Shorter ones are refused, as stock managers do. */
const PASSWORD_CHARACTERS_MIN = 8;
/** bcrypt leaves out what is longer. */
const PASSWORD_BYTES_MAX = 72;

/** The hash of nobody's password, so that an unknown name takes as long as a wrong password. */
export const NOBODYS_HASH = `$2b$${BCRYPT_COST}$${".".repeat(53)}`;

/** Hashes a new password with bcrypt. Fails with `invalid_argument` when it is too short or too long. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const bytes = new TextEncoder().encode(password).length;
  if (password.length < PASSWORD_CHARACTERS_MIN || bytes > PASSWORD_BYTES_MAX) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot use password: expected at least ${PASSWORD_CHARACTERS_MIN} characters and at most ${PASSWORD_BYTES_MAX} bytes`,
    );
  }
  const salt = encodeBase64([...random.bytes(SALT_BYTES)], SALT_BYTES);
  return await hash(password, `$2b$${BCRYPT_COST}$${salt}`);
}

/** Whether `password` is the one behind `passwordHash`, which may come from a stock manager. */
export async function isPassword(password: string, passwordHash: string): Promise<boolean> {
  if (new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX) return false;
  return await compare(password, passwordHash);
}
