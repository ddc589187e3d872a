import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { DamselflyError } from "../core/error.ts";
import type { Random } from "../runtime/random.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
/** What GCM wants as the number that is used once, and what it proves itself with (NIST SP 800-38D). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of what is sealed, so that another way to seal can follow. */
const VERSION = 1;

/** What a {@link Seal} is made of. */
export interface SealOptions {
  /** A secret that all managers of one database share. */
  readonly key: string;
  /** What is sealed, in words: another purpose has another key. */
  readonly purpose: string;
  readonly random: Random;
}

/**
 * Seals texts, so that whoever reads the database does not read them: AES-256-GCM with a key that HKDF-SHA-256 makes of
 * the manager's (RFC 5869). `place` says where a sealed text belongs; it does not open anywhere else.
 */
export class Seal {
  readonly #key: Uint8Array;
  readonly #random: Random;

  constructor({ key, purpose, random }: SealOptions) {
    this.#key = new Uint8Array(hkdfSync("sha256", key, "", purpose, KEY_BYTES));
    this.#random = random;
  }

  /** The text as base64 that only {@link open} reads. */
  seal(text: string, place: string): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(place));
    const sealed = [cipher.update(text, "utf8"), cipher.final()];
    return Buffer.concat([Uint8Array.of(VERSION), nonce, cipher.getAuthTag(), ...sealed]).toString("base64");
  }

  /** Throws `data_loss` when it was sealed with another key, for another place, or changed since. */
  open(sealed: string, place: string): string {
    const bytes = Buffer.from(sealed, "base64");
    const [tagAt, textAt] = [1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES];
    try {
      if (bytes[0] !== VERSION || bytes.length < textAt) throw new Error("it has another form");
      const cipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(1, tagAt)).setAAD(Buffer.from(place));
      cipher.setAuthTag(bytes.subarray(tagAt, textAt));
      return Buffer.concat([cipher.update(bytes.subarray(textAt)), cipher.final()]).toString("utf8");
    } catch (cause) {
      throw new DamselflyError("data_loss", "Cannot open what was sealed: auth.jwt.key is another one now", { cause });
    }
  }
}
