import { Buffer } from "node:buffer";
import { sign, verify } from "hono/jwt";
import * as z from "zod";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";

const ALGORITHM = "HS256";
const KEY_BYTES = 32;

/** What a token says: the user, when it ends, when it was given; times in seconds (manager-rest.md §3). */
const Claims = z.object({ id: z.int().min(1), exp: z.number(), orig_iat: z.number() });

/** `auth.jwt.*` of the configuration. */
export interface SessionOptions {
  readonly realm: string;
  readonly key?: string | undefined;
  readonly timeout: number;
  readonly maxRefresh: number;
}

/** A signed token, and when it ends as wall time. */
export interface Session {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A key that nobody else knows. */
export function randomKey(random: Random): string {
  return Buffer.from(random.bytes(KEY_BYTES)).toString("base64url");
}

/** Signs users in with tokens that stock managers would take too: nothing of a session is kept here. */
export class Sessions {
  readonly #key: string;
  readonly #timeoutMs: number;
  readonly #maxRefreshMs: number;
  readonly #clock: Clock;

  constructor(options: SessionOptions & { readonly key: string }, clock: Clock) {
    this.#key = options.key;
    this.#timeoutMs = options.timeout;
    this.#maxRefreshMs = options.maxRefresh;
    this.#clock = clock;
  }

  /** How long a session lasts, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** A new session of a user. */
  async open(userId: number): Promise<Session> {
    const issuedAtSeconds = Math.floor(this.#clock.wallMs() / 1000);
    const exp = issuedAtSeconds + Math.floor(this.#timeoutMs / 1000);
    const token = await sign({ id: userId, exp, orig_iat: issuedAtSeconds }, this.#key, ALGORITHM);
    return { token, expiresAtMs: exp * 1000 };
  }

  /** The user of a token that has not ended; undefined for any other. */
  async userOf(token: string): Promise<number | undefined> {
    return await this.#userWithin(token, 0);
  }

  /** The user of a token that may be renewed: it has not ended, or not for long. */
  async renewableUserOf(token: string): Promise<number | undefined> {
    return await this.#userWithin(token, this.#maxRefreshMs);
  }

  async #userWithin(token: string, graceMs: number): Promise<number | undefined> {
    const claims = await this.#claimsOf(token);
    if (claims === undefined || claims.exp * 1000 + graceMs <= this.#clock.wallMs()) return undefined;
    return claims.id;
  }

  async #claimsOf(token: string): Promise<z.infer<typeof Claims> | undefined> {
    try {
      // The end is checked against our own clock, above.
      const payload = await verify(token, this.#key, { alg: ALGORITHM, exp: false, nbf: false, iat: false });
      return Claims.safeParse(payload).data;
    } catch {
      return undefined; // forged, garbled, or signed with the key of another start
    }
  }
}
