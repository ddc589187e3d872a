import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { parse, serialize } from "hono/utils/cookie";
import * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import { GUEST } from "../first_start.ts";
import type { OauthProvider } from "../store/oauth_providers.ts";
import type { User } from "../store/users.ts";
import type { RestOptions } from "./context.ts";
import { existing, unauthorized } from "./errors.ts";
import { name } from "./fields.ts";
import {
  authorizeUrl,
  identityOf,
  isOauthProvider,
  type OauthIdentity,
  type OauthProviderName,
} from "./oauth_endpoints.ts";
import { Answer, type Route, route } from "./route.ts";
import { isSecure, sessionCookie } from "./sign_in.ts";

const PATH = "/api/v1/users/signin/:name";
/** Where a browser keeps what binds its sign-in to it. */
const COOKIE = "oauth";
const COOKIE_PATH = "/api/v1/users/signin";
/** How long a person may take at the provider. */
const FLOW_TIMEOUT_MS = 10 * 60_000;
const SECRET_BYTES = 32;
const CODE_CHARACTERS_MAX = 2_048;

const Params = z.object({ name: name(100) });
const Callback = z.object({ code: z.string().min(1).max(CODE_CHARACTERS_MAX), state: z.string().max(256) });

/**
 * Signing in at GitHub or Google (manager-rest.md §1.1). Unlike with stock managers, an answer counts only in the browser
 * that asked: its cookie holds the secret from which state, nonce and code verifier are made.
 */
export function oauthRoutes(options: RestOptions): Route[] {
  const { store, sessions, clock, random } = options;
  const provider = async (name: string): Promise<[OauthProviderName, OauthProvider]> => {
    const row = isOauthProvider(name) ? await store.oauthProviders.findByName(name) : undefined;
    return [name as OauthProviderName, existing(row, "provider", name)];
  };
  return [
    route({
      ...{ method: "GET", path: PATH, access: { kind: "public" }, summary: "Begin to sign in at a provider" },
      params: Params,
    }, async ({ params, url, headers }) => {
      const [name, row] = await provider(params.name);
      const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString("base64url");
      const flow = flowOf(`${name}.${clock.wallMs() + FLOW_TIMEOUT_MS}.${secret}`);
      const cookie = serialize(COOKIE, flow.cookie, {
        path: COOKIE_PATH,
        maxAge: FLOW_TIMEOUT_MS / 1000,
        httpOnly: true,
        sameSite: "Lax", // the provider sends the browser back, which counts as another site's link
        secure: isSecure({ url, headers }),
      });
      return new Answer(undefined, {
        status: 302,
        headers: { location: authorizeUrl(name, row, flow), "set-cookie": cookie },
      });
    }),
    route({
      ...{ method: "GET", path: `${PATH}/callback`, access: { kind: "public" } },
      ...{ summary: "Come back from a provider", params: Params, query: Callback },
    }, async ({ params, query, url, headers, foundCaller }) => {
      const [name, row] = await provider(params.name);
      const flow = flowOf(parse(headers.get("cookie") ?? "", COOKIE)[COOKIE] ?? "");
      const [forProvider, endsAtMs] = flow.cookie.split(".");
      const isOurs = forProvider === name && Number(endsAtMs) > clock.wallMs() && isSame(query.state, flow.state);
      if (!isOurs) throw unauthorized();
      const identity = await identityOf(name, row, { code: query.code, ...flow }, options);
      const user = await userOf(name, identity, options);
      if (user.state !== "enable") throw unauthorized();
      foundCaller(user);
      const { token } = sessions.open(user);
      return new Answer(undefined, {
        status: 302,
        headers: { location: "/", "set-cookie": sessionCookie(token, sessions.timeoutMs, { url, headers }) },
      });
    }),
  ];
}

/** What is made of the secret in a cookie; none of it leads to another. */
function flowOf(cookie: string) {
  const derive = (what: string) => createHash("sha256").update(`${what} ${cookie}`).digest("base64url");
  const verifier = derive("verifier");
  const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
  return { cookie, state: derive("state"), nonce: derive("nonce"), verifier, codeChallenge };
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The user of somebody who signed in at a provider, made at his first time. His name is the provider's number for him, for
 * one that he may choose could be somebody else's here, or be given to another person later.
 */
async function userOf(provider: string, identity: OauthIdentity, { store }: RestOptions): Promise<User> {
  const userName = `${provider}:${identity.subject}`;
  const known = await store.users.findByName(userName);
  if (known !== undefined) return known;
  const { email, avatar, displayName: bio } = identity;
  // Addresses are given once, so whoever has none gets one that nobody can have (RFC 2606).
  const input = {
    name: userName,
    passwordHash: "",
    avatar,
    bio,
    email: `${provider}-${identity.subject}@oauth.invalid`,
  };
  // A taken address stays with its owner: it must not open his account to whoever has it elsewhere.
  const user = await store.users.create({ ...input, email: email || input.email }).catch((error) => {
    if (error instanceof DamselflyError && error.code === "already_exists") return store.users.create(input);
    throw error;
  });
  await store.roles.grant(user.id, GUEST);
  return user;
}
