import { type Context, Hono, type MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod";
import { isPassword, NOBODYS_HASH } from "../password.ts";
import { AttemptLimit } from "./attempt_limit.ts";
import { readBody } from "./body.ts";
import type { RestEnv, RestOptions } from "./context.ts";
import { tooManyAttempts, unauthorized } from "./errors.ts";
import type { Session, Sessions } from "./sessions.ts";

const COOKIE = "jwt";
/** Browsers cut longer lifetimes of a cookie to this. */
const COOKIE_AGE_SECONDS_MAX = 400 * 24 * 60 * 60;

/** Failures that one address may have with one name, and with all names together. */
const NAME_LIMIT = { attemptsMax: 5, windowMs: 5 * 60_000, keysMax: 10_000 };
const ADDRESS_LIMIT = { attemptsMax: 50, windowMs: 5 * 60_000, keysMax: 10_000 };

const Credentials = z.object({ name: z.string().min(1).max(256), password: z.string().max(1_024) });

/** The routes that open, end and renew sessions: signing in needs none, renewing takes one that has just expired. */
export function signInRoutes(options: RestOptions): Hono<RestEnv> {
  const { store, sessions, clock } = options;
  const byName = new AttemptLimit(NAME_LIMIT, clock);
  const byAddress = new AttemptLimit(ADDRESS_LIMIT, clock);
  const app = new Hono<RestEnv>();

  app.post("/signin", async function signIn(c) {
    const { name, password } = await readBody(c.req.raw, Credentials, clock).catch((error) => {
      if (error.code === "invalid_argument") throw unauthorized(); // as stock managers answer
      throw error;
    });
    const address = c.env.remote.hostname;
    const retryAfterMs = byAddress.take(address) ?? byName.take(`${address} ${name}`);
    if (retryAfterMs !== undefined) throw tooManyAttempts(retryAfterMs);
    const user = await store.users.findByName(name);
    const isRight = await isPassword(password, user?.passwordHash ?? NOBODYS_HASH);
    if (user === undefined || !isRight || user.state !== "enable") throw unauthorized();
    byAddress.giveBack(address);
    byName.giveBack(`${address} ${name}`);
    return answerWith(c, await sessions.open(user.id), sessions);
  });

  app.post("/signout", requireSession(options), function signOut(c) {
    deleteCookie(c, COOKIE, { path: "/" });
    return c.body(null, 200);
  });

  app.post("/refresh_token", async function refreshToken(c) {
    const userId = await sessions.renewableUserOf(tokenOf(c) ?? "");
    const user = userId === undefined ? undefined : await store.users.get(userId);
    if (user?.state !== "enable") throw unauthorized();
    return answerWith(c, await sessions.open(user.id), sessions);
  });
  return app;
}

/** Lets a request through that has a live session of an enabled user; others get a 401. */
export function requireSession({ store, sessions }: RestOptions): MiddlewareHandler<RestEnv> {
  return async function checkSession(c, next) {
    const userId = await sessions.userOf(tokenOf(c) ?? "");
    const user = userId === undefined ? undefined : await store.users.get(userId);
    if (user?.state !== "enable") throw unauthorized();
    await next();
  };
}

/** The cookie counts before the header. Not the query, as with stock managers: proxies write URLs into their logs. */
function tokenOf(c: Context<RestEnv>): string | undefined {
  const header = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  return getCookie(c, COOKIE) || header;
}

function answerWith(c: Context<RestEnv>, { token, expiresAtMs }: Session, { timeoutMs }: Sessions): Response {
  // Stock managers let scripts read this cookie and other sites send it; only their old console needs the former.
  setCookie(c, COOKIE, token, {
    path: "/",
    maxAge: Math.min(Math.floor(timeoutMs / 1000), COOKIE_AGE_SECONDS_MAX),
    httpOnly: true,
    sameSite: "Strict",
    secure: c.req.header("x-forwarded-proto") === "https",
  });
  return c.json({ token, expire: new Date(expiresAtMs).toISOString() });
}
