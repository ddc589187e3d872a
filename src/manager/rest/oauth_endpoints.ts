import { Buffer } from "node:buffer";
import * as z from "zod";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { OauthProvider } from "../store/oauth_providers.ts";

/** The providers that we know how to speak to. */
export const OAUTH_PROVIDERS = ["github", "google"] as const;
export type OauthProviderName = (typeof OAUTH_PROVIDERS)[number];

const TIMEOUT_MS = 30_000;
const BODY_CHARACTERS_MAX = 256 * 1024;

const AUTHORIZE: Record<OauthProviderName, { readonly url: string; readonly scope: string }> = {
  github: { url: "https://github.com/login/oauth/authorize", scope: "read:user user:email" },
  google: { url: "https://accounts.google.com/o/oauth2/v2/auth", scope: "openid email profile" },
};
const TOKEN_URL: Record<OauthProviderName, string> = {
  github: "https://github.com/login/oauth/access_token",
  google: "https://oauth2.googleapis.com/token",
};
const GOOGLE_ISSUERS = ["https://accounts.google.com", "accounts.google.com"];

const GithubToken = z.object({ access_token: z.string().min(1) });
const GithubUser = z.object({
  id: z.int().min(1),
  login: z.string().min(1).max(100),
  avatar_url: z.string().max(256).nullish(),
});
const GithubEmails = z.array(z.object({ email: z.email(), primary: z.boolean(), verified: z.boolean() }));
const GoogleToken = z.object({ id_token: z.string().min(1) });
const GoogleClaims = z.object({
  iss: z.string(),
  aud: z.string(),
  exp: z.number(),
  nonce: z.string(),
  sub: z.string().min(1).max(100),
  name: z.string().max(256).optional(),
  email: z.email().optional(),
  email_verified: z.boolean().optional(),
  picture: z.string().max(256).optional(),
});

/** Who signed in at a provider. */
export interface OauthIdentity {
  /** Never changes and is never given to another person, unlike a name. */
  readonly subject: string;
  readonly displayName: string;
  /** Only an address that the provider has verified. */
  readonly email: string;
  readonly avatar: string;
}

/** What binds an answer of the provider to the browser that asked (RFC 9700 §2.1). */
export interface OauthChallenge {
  readonly state: string;
  readonly nonce: string;
  /** SHA-256 of the verifier, in base64url (RFC 7636). */
  readonly codeChallenge: string;
}

/** Whether we know the provider. */
export function isOauthProvider(name: string): name is OauthProviderName {
  return (OAUTH_PROVIDERS as readonly string[]).includes(name);
}

/** Where a browser is sent to sign in. */
export function authorizeUrl(name: OauthProviderName, provider: OauthProvider, challenge: OauthChallenge): string {
  const url = new URL(AUTHORIZE[name].url);
  url.search = String(
    new URLSearchParams({
      response_type: "code",
      client_id: provider.clientId,
      scope: AUTHORIZE[name].scope,
      state: challenge.state,
      nonce: challenge.nonce,
      code_challenge: challenge.codeChallenge,
      code_challenge_method: "S256",
      ...(provider.redirectUrl === "" ? {} : { redirect_uri: provider.redirectUrl }),
    }),
  );
  return url.href;
}

/**
 * Learns from the provider who signed in. Fails with `source_error` when it does not answer as it should, and with
 * `unauthenticated` when its answer is for somebody else.
 */
export async function identityOf(
  name: OauthProviderName,
  provider: OauthProvider,
  { code, verifier, nonce }: { readonly code: string; readonly verifier: string; readonly nonce: string },
  runtime: { readonly fetch: Fetch; readonly clock: Clock },
): Promise<OauthIdentity> {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    client_id: provider.clientId,
    client_secret: provider.clientSecret,
    code_verifier: verifier,
    ...(provider.redirectUrl === "" ? {} : { redirect_uri: provider.redirectUrl }),
  });
  const answer = { method: "POST", headers: { accept: "application/json" }, body };
  if (name === "github") {
    const { access_token } = await ask(TOKEN_URL.github, GithubToken, answer, runtime);
    return await githubIdentity(access_token, runtime);
  }
  const { id_token } = await ask(TOKEN_URL.google, GoogleToken, answer, runtime);
  return googleIdentity(id_token, { clientId: provider.clientId, nonce, nowMs: runtime.clock.wallMs() });
}

async function githubIdentity(
  token: string,
  runtime: { readonly fetch: Fetch; readonly clock: Clock },
): Promise<OauthIdentity> {
  const headers = { accept: "application/json", authorization: `Bearer ${token}`, "user-agent": "damselfly" };
  const user = await ask("https://api.github.com/user", GithubUser, { headers }, runtime);
  const emails = await ask("https://api.github.com/user/emails", GithubEmails, { headers }, runtime).catch(() => []);
  const email = emails.find(({ primary, verified }) => primary && verified)?.email ?? "";
  return { subject: String(user.id), displayName: user.login, email, avatar: user.avatar_url ?? "" };
}

/** The signature needs no check: the token came straight from Google, in TLS (OpenID Connect Core §3.1.3.7). */
function googleIdentity(
  idToken: string,
  { clientId, nonce, nowMs }: { readonly clientId: string; readonly nonce: string; readonly nowMs: number },
): OauthIdentity {
  let claims: z.infer<typeof GoogleClaims>;
  try {
    const [, payload = ""] = idToken.split(".");
    claims = GoogleClaims.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  } catch (cause) {
    throw new DamselflyError("source_error", "Cannot sign in: Google's token is not readable", { cause });
  }
  const isOurs = GOOGLE_ISSUERS.includes(claims.iss) && claims.aud === clientId && claims.nonce === nonce &&
    claims.exp * 1000 > nowMs;
  if (!isOurs) throw new DamselflyError("unauthenticated", "Cannot sign in: Google's token is for somebody else");
  return {
    subject: claims.sub,
    displayName: claims.name ?? claims.email ?? claims.sub,
    email: claims.email_verified === true ? claims.email ?? "" : "",
    avatar: claims.picture ?? "",
  };
}

async function ask<T extends z.ZodType>(
  url: string,
  schema: T,
  init: RequestInit,
  { fetch, clock }: { readonly fetch: Fetch; readonly clock: Clock },
): Promise<z.infer<T>> {
  const { host } = new URL(url);
  try {
    using limit = clock.deadline(TIMEOUT_MS);
    const response = await fetch(url, { ...init, signal: limit.signal, redirect: "error" });
    const text = await response.text();
    if (!response.ok) throw new Error(`it answers with status ${response.status}`);
    if (text.length > BODY_CHARACTERS_MAX) throw new Error("its answer is too long");
    return schema.parse(JSON.parse(text));
  } catch (error) {
    // A parser's text may quote what it read, which holds tokens.
    const why = error instanceof SyntaxError || error instanceof z.ZodError
      ? "its answer is another one"
      : errorText(error);
    throw new DamselflyError("source_error", `Cannot sign in with the help of ${host}: ${why}`);
  }
}
