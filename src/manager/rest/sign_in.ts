import { serialize } from "hono/utils/cookie";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { ROOT, ROOT_PASSWORD_DEFAULT } from "../default_password.ts";
import { GUEST } from "../first_start.ts";
import { hashPassword, isOutdatedHash, isPassword, NOBODYS_HASH } from "../password.ts";
import type { User } from "../store/users.ts";
import { COOKIE, mayDo } from "./access.ts";
import type { ClientAddress } from "./client_address.ts";
import type { RestOptions } from "./context.ts";
import { tooManyAttempts, unauthorized } from "./errors.ts";
import { IdParams, name, present } from "./fields.ts";
import { Answer, type Route, route, type RouteInput } from "./route.ts";
import type { Session } from "./sessions.ts";
import type { SignInLimiter } from "./sign_in_limits.ts";
import { Turnstile } from "./turnstile.ts";
import { email, profileFields, userJson, UserReply } from "./users.ts";

const PATH = "/api/v1/users";
/** Browsers cut longer lifetimes of a cookie to this. */
const COOKIE_AGE_SECONDS_MAX = 400 * 24 * 60 * 60;
const NAME_CHARACTERS_MIN = 3;
const NAME_CHARACTERS_MAX = 64;
const PASSWORD_CHARACTERS_MAX = 1_024;
/** Passwords that are hashed at a time, for which there is one thread, and requests that wait for that. */
const HASHING = { runningMax: 1, waitingMax: 200 };

/** Whoever reaches the port can be the first to do it, so it must not go unseen. */
const FIRST_CHANGE =
  "Another machine changed the password that everybody knows; if it was none of yours, it now has all " +
  "rights here: keep others from the REST port and restore the database";

const password = z.string().max(PASSWORD_CHARACTERS_MAX);
const Credentials = z.object({ name: name(), password });
const SignUp = z.object({
  name: name(NAME_CHARACTERS_MAX).min(NAME_CHARACTERS_MIN),
  password,
  email: email(),
  ...profileFields,
});
const PasswordChange = z.object({ old_password: password, new_password: password });
const SessionReply = z.object({ token: z.string(), expire: z.string() });

/** The routes that open, end and renew sessions, and those that make or change passwords (manager-rest.md §1.1). */
export function signInRoutes(options: RestOptions & { readonly limits: SignInLimiter }): Route[] {
  const { store, sessions } = options;
  const passwords = new Passwords(options);
  return [
    route({
      ...{ method: "POST", path: `${PATH}/signin`, access: { kind: "public" }, summary: "Sign in" },
      ...{ body: Credentials, hidesBadBody: true, reply: SessionReply },
    }, async ({ body, address, ...input }) => {
      const find = () => store.users.findByName(body.name);
      const right = await passwords.check(body.name, find, body.password, address);
      input.foundCaller(right);
      return sessionAnswer(sessions.open(await passwords.renewed(right, body.password)), options, input);
    }),
    route({
      ...{ method: "POST", path: `${PATH}/signout`, access: { kind: "public" }, summary: "Sign out" },
    }, () => {
      const cookie = serialize(COOKIE, "", { path: "/", maxAge: 0 });
      return Promise.resolve(new Answer(undefined, { headers: { "set-cookie": cookie } }));
    }),
    route({
      ...{ method: "POST", path: `${PATH}/refresh_token`, access: { kind: "public" }, summary: "Renew a session" },
      reply: SessionReply,
    }, async (input) => {
      const opened = await sessions.read(input.sessionToken ?? "");
      const user = opened === undefined ? undefined : await store.users.get(opened.userId);
      if (opened === undefined || !sessions.isRenewable(opened, user)) throw unauthorized();
      input.foundCaller(user);
      return sessionAnswer(sessions.open(user, opened), options, input);
    }),
    route({
      ...{ method: "POST", path: `${PATH}/signup`, access: { kind: "public" }, summary: "Make an account" },
      ...{ body: SignUp, reply: UserReply },
    }, async ({ body: { password: secret, ...profile }, caller, address }) => {
      if (!mayDo(caller, "users", "*")) {
        if (!options.openSignUp) {
          const message = "Only those who may change users make accounts here; auth.openSignUp lets everybody";
          throw new DamselflyError("permission_denied", message);
        }
        const retryAfterMs = await options.limits.takeSignUp(address);
        if (retryAfterMs !== undefined) throw tooManyAttempts(retryAfterMs);
      }
      const passwordHash = await passwords.hash(secret);
      const user = await store.users.create({ ...present(profile), name: profile.name, passwordHash });
      await store.roles.grant(user.id, GUEST);
      return userJson(user);
    }),
    route({
      ...{ method: "POST", path: `${PATH}/:id/reset_password`, access: { kind: "public" } },
      ...{ summary: "Change a password with the old one", params: IdParams, body: PasswordChange },
    }, async ({ params: { id }, body, address, foundCaller }) => {
      const user = await store.users.get(id);
      const find = () => store.users.get(id);
      const right = await passwords.check(user?.name ?? `#${id}`, find, body.old_password, address);
      foundCaller(right);
      // Of two who change it at once, one has a password that is the old one no more.
      if (!await store.users.replacePassword(right, await passwords.hash(body.new_password))) throw unauthorized();
      const wasDefault = right.name === ROOT && body.old_password === ROOT_PASSWORD_DEFAULT;
      if (wasDefault && !address.isLocal) options.log.warn(FIRST_CHANGE, { user: right.name, ip: address.ip });
    }),
  ];
}

type FindUser = () => Promise<User | undefined>;

/** Checks and makes passwords: one at a time, for each takes memory and a processor. */
class Passwords {
  readonly #options: RestOptions & { readonly limits: SignInLimiter };
  readonly #turnstile = new Turnstile(HASHING);

  constructor(options: RestOptions & { readonly limits: SignInLimiter }) {
    this.#options = options;
  }

  /**
   * The user if he may sign in with this password; he is looked for when it is his turn. Fails with `unauthenticated`,
   * and with `resource_exhausted` after too many failures; both take as long for a name that nobody has.
   */
  async check(account: string, find: FindUser, password: string, address: ClientAddress): Promise<User> {
    const { limits, scrypt } = this.#options;
    const retryAfterMs = await limits.take(account, address);
    if (retryAfterMs !== undefined) throw tooManyAttempts(retryAfterMs);
    const user = await this.#turnstile.run(async () => {
      const found = await find();
      return await isPassword(password, found?.passwordHash || NOBODYS_HASH, scrypt) ? found : undefined;
    });
    if (user?.state !== "enable") throw unauthorized();
    await limits.succeeded(account, address);
    return user;
  }

  /** The hash of a new password. Fails with `invalid_argument` for one that cannot be used. */
  async hash(password: string): Promise<string> {
    if (password === ROOT_PASSWORD_DEFAULT) {
      throw new DamselflyError("invalid_argument", "Cannot use password: everybody knows this one");
    }
    const { random, scrypt } = this.#options;
    return await this.#turnstile.run(() => hashPassword(password, random, scrypt));
  }

  /** The user with his password hashed as it is done today. Fails with `unauthenticated` when it was just changed. */
  async renewed(user: User, password: string): Promise<User> {
    if (!isOutdatedHash(user.passwordHash)) return user;
    const { random, scrypt, store: { users } } = this.#options;
    const passwordHash = await this.#turnstile.run(() => hashPassword(password, random, scrypt));
    await users.replacePassword(user, passwordHash);
    const now = await users.get(user.id);
    // Another sign-in may have been faster, with another salt; or somebody who changed the password.
    const isRight = now !== undefined &&
      await this.#turnstile.run(() => isPassword(password, now.passwordHash, scrypt));
    if (!isRight) throw unauthorized();
    return now;
  }
}

/** The answer that opens a session. */
function sessionAnswer(
  { token, expiresAtMs }: Session,
  { sessions: { timeoutMs } }: RestOptions,
  { url, headers }: Pick<RouteInput<unknown, unknown, unknown>, "url" | "headers">,
): Answer<z.infer<typeof SessionReply>> {
  const body = { token, expire: new Date(expiresAtMs).toISOString() };
  return new Answer(body, { headers: { "set-cookie": sessionCookie(token, timeoutMs, { url, headers }) } });
}

/** Stock managers let scripts read this cookie and other sites send it; only their old console needs the former. */
export function sessionCookie(
  token: string,
  timeoutMs: number,
  { url, headers }: { readonly url: URL; readonly headers: Headers },
): string {
  return serialize(COOKIE, token, {
    path: "/",
    maxAge: Math.min(Math.floor(timeoutMs / 1000), COOKIE_AGE_SECONDS_MAX),
    httpOnly: true,
    sameSite: "Strict",
    secure: isSecure({ url, headers }),
  });
}

/** Whether the caller speaks TLS, to us or to the proxy before us. */
export function isSecure({ url, headers }: { readonly url: URL; readonly headers: Headers }): boolean {
  return url.protocol === "https:" || headers.get("x-forwarded-proto") === "https";
}
