import { scrypt, type ScryptOptions } from "node:crypto";

/** What a key costs: 128 · 2^logN · r bytes of memory, and time in proportion (RFC 7914). */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** Derives a key from a password, beside the event loop. */
export type Scrypt = (password: string, salt: Uint8Array, cost: ScryptCost) => Promise<Uint8Array>;

/** The length of a key. */
export const KEY_BYTES = 32;

/** {@link Scrypt} on the threads of the platform, which have the priority of the event loop. */
export const scryptOnPool: Scrypt = (password, salt, cost) =>
  new Promise((resolve, reject) => {
    scrypt(
      password,
      salt,
      KEY_BYTES,
      scryptOptions(cost),
      (error, key) => error === null ? resolve(key) : reject(error),
    );
  });

/** The cost as the platform takes it, with room for what it needs beside its table. */
export function scryptOptions({ logN, r, p }: ScryptCost): ScryptOptions {
  const N = 2 ** logN;
  return { N, r, p, maxmem: 256 * N * r };
}
