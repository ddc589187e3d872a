import { Buffer } from "node:buffer";
import { DamselflyError } from "../core/error.ts";
import type { Random } from "../runtime/random.ts";

const ALGORITHM = "AES-GCM";
const KEY_BITS = 256;
/** What AES-GCM wants as the number that is used once (NIST SP 800-38D). */
const NONCE_BYTES = 12;
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
  readonly #key: CryptoKey;
  readonly #random: Random;

  private constructor(key: CryptoKey, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  static async create({ key, purpose, random }: SealOptions): Promise<Seal> {
    const secret = await crypto.subtle.importKey("raw", bytesOf(key), "HKDF", false, ["deriveKey"]);
    const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytesOf(purpose) };
    const type = { name: ALGORITHM, length: KEY_BITS };
    return new Seal(await crypto.subtle.deriveKey(derivation, secret, type, false, ["encrypt", "decrypt"]), random);
  }

  /** The text as base64 that only {@link open} reads. */
  async seal(text: string, place: string): Promise<string> {
    const iv = this.#random.bytes(NONCE_BYTES);
    const sealed = await crypto.subtle.encrypt(parametersOf(iv, place), this.#key, bytesOf(text));
    return Buffer.concat([Uint8Array.of(VERSION), iv, new Uint8Array(sealed)]).toString("base64");
  }

  /** Fails with `data_loss` when it was sealed with another key, for another place, or changed since. */
  async open(sealed: string, place: string): Promise<string> {
    const bytes = new Uint8Array(Buffer.from(sealed, "base64"));
    const iv = bytes.subarray(1, 1 + NONCE_BYTES);
    try {
      if (bytes[0] !== VERSION) throw new Error(`its version is ${bytes[0]}`);
      const text = await crypto.subtle.decrypt(parametersOf(iv, place), this.#key, bytes.subarray(1 + NONCE_BYTES));
      return new TextDecoder().decode(text);
    } catch (cause) {
      throw new DamselflyError("data_loss", "Cannot open what was sealed: auth.jwt.key is another one now", { cause });
    }
  }
}

function parametersOf(iv: Uint8Array<ArrayBuffer>, place: string): AesGcmParams {
  return { name: ALGORITHM, iv, additionalData: bytesOf(place) };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
