import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { verify } from "hono/jwt";
import * as z from "zod";
import { BoundedMap } from "../../core/bounded_map.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { User } from "../store/users.ts";

const ALGORITHM = "HS256";
const KEY_BYTES = 32;
const MARK_BYTES = 12;
/** Characters of tokens whose signature was found right: some thousand sessions. */
const READ_CHARACTERS_MAX = 1024 * 1024;

/** What a token says: the user, when it ends, when he signed in, his password then; times in seconds (manager-rest.md §3). */
const Claims = z.object({ id: z.int().min(1), exp: z.number(), orig_iat: z.number(), pw: z.string() });
type Claims = z.infer<typeof Claims>;

/** `auth.jwt.*` of the configuration. */
export interface SessionOptions {
  readonly key: string;
  readonly timeout: number;
  readonly maxRefresh: number;
}

/** A signed token, and when it ends as wall time. */
export interface Session {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A token whose signature is right; what else it must be is asked of {@link Sessions}. */
export interface OpenedToken {
  readonly userId: number;
  readonly claims: Claims;
}

/** A key that nobody else knows. */
export function randomKey(random: Random): string {
  return Buffer.from(random.bytes(KEY_BYTES)).toString("base64url");
}

/** Signs users in with tokens that hold all there is of a session: nothing of it is kept here. */
export class Sessions {
  readonly #key: string;
  readonly #timeoutMs: number;
  readonly #maxRefreshMs: number;
  readonly #clock: Clock;
  readonly #read = new BoundedMap<OpenedToken>(READ_CHARACTERS_MAX, (token) => token.length);

  constructor(options: SessionOptions, clock: Clock) {
    this.#key = options.key;
    this.#timeoutMs = options.timeout;
    this.#maxRefreshMs = options.maxRefresh;
    this.#clock = clock;
  }

  /** How long a session lasts, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** A new session of a user; one that renews `renewed` began when that did. */
  open(user: User, renewed?: OpenedToken): Session {
    const nowSeconds = Math.floor(this.#clock.wallMs() / 1000);
    const exp = nowSeconds + Math.floor(this.#timeoutMs / 1000);
    const orig_iat = renewed?.claims.orig_iat ?? nowSeconds;
    const token = this.#signed({ id: user.id, exp, orig_iat, pw: this.#markOf(user) });
    return { token, expiresAtMs: exp * 1000 };
  }

  /** Reads a token; undefined when we did not sign it. What it says never changes, so it is verified once. */
  async read(token: string): Promise<OpenedToken | undefined> {
    const known = this.#read.get(token);
    if (known !== undefined) return known;
    const opened = await this.#verified(token);
    if (opened !== undefined && this.#read.get(token) === undefined) this.#read.add(token, opened);
    return opened;
  }

  /** Whether a token opens a session of `user` now: a new password or a block ends all of them. */
  isLive({ claims }: OpenedToken, user: User | undefined): user is User {
    return this.#isOf(claims, user) && claims.exp * 1000 > this.#clock.wallMs();
  }

  /** Whether a token, ended or not, may be renewed: it is not too long ago that its user signed in. */
  isRenewable({ claims }: OpenedToken, user: User | undefined): user is User {
    return this.#isOf(claims, user) && claims.orig_iat * 1000 + this.#maxRefreshMs > this.#clock.wallMs();
  }

  /** A keyed hash of `text`, for what must come back to us unchanged. */
  seal(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest().subarray(0, MARK_BYTES).toString("base64url");
  }

  /** Signed here and now: threads that a library would sign in are those that hash passwords meanwhile. */
  #signed(claims: Claims): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: ALGORITHM, typ: "JWT" })}.${part(claims)}`;
    return `${text}.${createHmac("sha256", this.#key).update(text).digest("base64url")}`;
  }

  async #verified(token: string): Promise<OpenedToken | undefined> {
    try {
      // The end is checked against our own clock, by the methods above.
      const payload = await verify(token, this.#key, { alg: ALGORITHM, exp: false, nbf: false, iat: false });
      const claims = Claims.safeParse(payload).data;
      return claims === undefined ? undefined : { userId: claims.id, claims };
    } catch {
      return undefined; // forged, garbled, or signed with another key
    }
  }

  #isOf(claims: Claims, user: User | undefined): user is User {
    return user?.state === "enable" && this.#markOf(user) === claims.pw;
  }

  #markOf({ id, passwordHash }: User): string {
    return this.seal(`password ${id} ${passwordHash}`);
  }
}
