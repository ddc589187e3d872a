import { compare } from "bcryptjs";
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import { DamselflyError } from "../core/error.ts";
import type { Random } from "../runtime/random.ts";
import { KEY_BYTES, type Scrypt, type ScryptCost, scryptOnPool } from "./scrypt.ts";

/**
 * What one hash costs: 16 MiB and about 60 ms, for us and for each guess of somebody who got hold of the database. It is
 * computed beside the event loop, unlike bcrypt, during which nobody else is answered.
 */
const SCRYPT: ScryptCost = { logN: 14, r: 8, p: 1 };
const SALT_BYTES = 16;
/** Shorter ones are refused, as stock managers do. */
const PASSWORD_CHARACTERS_MIN = 8;
/** Of what is longer, bcrypt would leave out the end, and a hash takes time for each byte. */
const PASSWORD_BYTES_MAX = 72;
/** Dragonfly hashes with cost 4, 1 ms; each step doubles it. A damaged database must not stop the process. */
const BCRYPT_COST_MAX = 12;

const SCRYPT_HASH = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/;
const BCRYPT_HASH = /^\$2[aby]\$(\d\d)\$/;

/** The hash of nobody's password, so that an unknown name takes as long as a wrong password. */
export const NOBODYS_HASH = format(Buffer.alloc(SALT_BYTES), Buffer.alloc(KEY_BYTES));

/** Hashes a new password with scrypt. Fails with `invalid_argument` when it is too short or too long. */
export async function hashPassword(
  password: string,
  random: Random,
  scrypt: Scrypt = scryptOnPool,
): Promise<string> {
  if (password.length < PASSWORD_CHARACTERS_MIN || isTooLong(password)) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot use password: expected at least ${PASSWORD_CHARACTERS_MIN} characters and at most ${PASSWORD_BYTES_MAX} bytes`,
    );
  }
  const salt = random.bytes(SALT_BYTES);
  return format(salt, await scrypt(password, salt, SCRYPT));
}

/** Whether `password` is the one behind `passwordHash`, which may come from a stock manager. */
export async function isPassword(
  password: string,
  passwordHash: string,
  scrypt: Scrypt = scryptOnPool,
): Promise<boolean> {
  if (isTooLong(password)) return false;
  const [, logN, r, p, salt, hash] = SCRYPT_HASH.exec(passwordHash) ?? [];
  if (salt !== undefined && hash !== undefined) {
    const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
    if (cost.logN > SCRYPT.logN || cost.r > SCRYPT.r || cost.p > SCRYPT.p) return false; // it would take all memory
    const expected = Buffer.from(hash, "base64");
    const derived = await scrypt(password, Buffer.from(salt, "base64"), cost);
    return expected.length === derived.length && timingSafeEqual(expected, derived);
  }
  const bcryptCost = Number(BCRYPT_HASH.exec(passwordHash)?.[1] ?? Infinity);
  return bcryptCost <= BCRYPT_COST_MAX && await compare(password, passwordHash);
}

/** Whether a hash is weaker than those made today, or slower to check. */
export function isOutdatedHash(passwordHash: string): boolean {
  return !passwordHash.startsWith(prefixOf(SCRYPT));
}

function isTooLong(password: string): boolean {
  return new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX;
}

function prefixOf({ logN, r, p }: ScryptCost): string {
  return `$scrypt$ln=${logN},r=${r},p=${p}$`;
}

/** The usual form of such hashes, which names what it takes to check them. */
function format(salt: Uint8Array, hash: Uint8Array): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");
  return `${prefixOf(SCRYPT)}${text(salt)}$${text(hash)}`;
}
