import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** A hash that grows with the bytes it is given. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown;
  /** A hash of what this one was given so far. */
  copy(): RunningHash;
  digest(encoding: "hex"): string;
}

/** What the bytes of contents and pieces are compared by. */
export interface Checksums {
  /** The CRC-32 of what `before` is that of, with `bytes` after it. */
  crc32(bytes: Uint8Array, before: number): number;
  hash(algorithm: string): RunningHash;
}

/** Those of every byte. */
export const REAL_CHECKSUMS: Checksums = {
  crc32: (bytes, before) => crc32(bytes, before),
  hash: (algorithm) => createHash(algorithm),
};
