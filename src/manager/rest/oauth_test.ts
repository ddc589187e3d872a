import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Fetch } from "../../runtime/runtime.ts";
import { type Rest, startRest } from "./start_rest_test.ts";

const CALLBACK = "/api/v1/users/signin/NAME/callback";

/** What the providers' servers were asked, and what they say. */
class Provider {
  readonly asked: { readonly url: string; readonly body: string; readonly redirect: RequestRedirect }[] = [];
  readonly answers = new Map<string, () => Response>();

  readonly fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const { url, redirect } = request;
    this.asked.push({ url, body: await request.text(), redirect });
    return this.answers.get(url)?.() ?? new Response(null, { status: 404 });
  };

  github(user: unknown, emails: unknown = []): void {
    this.answers.set("https://github.com/login/oauth/access_token", () => Response.json({ access_token: "gh-token" }));
    this.answers.set("https://api.github.com/user", () => Response.json(user));
    this.answers.set("https://api.github.com/user/emails", () => Response.json(emails));
  }

  google(claims: () => unknown): void {
    this.answers.set("https://oauth2.googleapis.com/token", () => {
      const payload = Buffer.from(JSON.stringify(claims())).toString("base64url");
      return Response.json({ id_token: `header.${payload}.signature` });
    });
  }
}

async function start(name = "github") {
  const provider = new Provider();
  const rest = await startRest({ fetch: provider.fetch });
  const body = { name, client_id: "our-id", client_secret: "hush", redirect_url: "https://m.corp/callback" };
  await rest.json("POST", "/api/v1/oauth", { body });
  return { rest, provider };
}

/** Begins to sign in as a browser does: where it is sent, and its cookie. */
async function begin(rest: Rest, name = "github") {
  const response = await rest.send("GET", `/api/v1/users/signin/${name}`, { token: null });
  assert.equal(response.status, 302);
  const target = new URL(response.headers.get("location") ?? "");
  const [, cookie = ""] = /^oauth=([^;]+); .*HttpOnly; SameSite=Lax/.exec(response.headers.get("set-cookie") ?? "") ??
    [];
  return { target, query: target.searchParams, cookie: `oauth=${cookie}` };
}

function comeBack(
  rest: Rest,
  { state, cookie, name = "github" }: { state: string | null; cookie: string; name?: string },
) {
  const path = `${CALLBACK.replace("NAME", name)}?code=the-code&state=${state}`;
  return rest.send("GET", path, { token: null, headers: { cookie } });
}

const OCTOCAT = { id: 583231, login: "octocat", avatar_url: "https://a/1" };

Deno.test("whoever signs in at GitHub becomes a guest, the same one each time", async () => {
  const { rest, provider } = await start();
  await using _rest = rest;
  provider.github(OCTOCAT, [{ email: "o@example.com", primary: true, verified: true }]);
  for (let count = 0; count < 2; count++) {
    const { target, query, cookie } = await begin(rest);
    assert.equal(target.origin + target.pathname, "https://github.com/login/oauth/authorize");
    assert.deepEqual([query.get("client_id"), query.get("redirect_uri")], ["our-id", "https://m.corp/callback"]);
    const response = await comeBack(rest, { state: query.get("state"), cookie });
    assert.deepEqual([response.status, response.headers.get("location")], [302, "/"]);
    const [, token = ""] = /^jwt=([^;]+)/.exec(response.headers.get("set-cookie") ?? "") ?? [];
    const [user] = await rest.json("GET", "/api/v1/users?name=github:583231");
    assert.deepEqual([user.bio, user.email, user.avatar], ["octocat", "o@example.com", "https://a/1"]);
    assert.deepEqual(await rest.json("GET", `/api/v1/users/${user.id}/roles`), ["guest"]);
    assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
    const exchange = new URLSearchParams(provider.asked.at(-3)?.body);
    assert.deepEqual([exchange.get("code"), exchange.get("client_secret")], ["the-code", "hush"]);
    const challenge = createHash("sha256").update(exchange.get("code_verifier") ?? "").digest("base64url");
    assert.equal(challenge, query.get("code_challenge"));
    assert.ok(provider.asked.every(({ redirect }) => redirect === "error"), "secrets are sent nowhere else");
  }
  await rest.audits.stored();
  const { total } = await rest.store.audits.list({ actorName: "github:583231", statusCode: 302 }, {
    offset: 0,
    limit: 1,
  });
  assert.equal(total, 2, "both times it is known who came");
});

Deno.test("an answer counts only in the browser that asked, for that provider, and not for long", async () => {
  const { rest, provider } = await start();
  await using _rest = rest;
  provider.github(OCTOCAT);
  const mine = await begin(rest);
  const other = await begin(rest);
  const state = mine.query.get("state");
  const refused = async (given: Parameters<typeof comeBack>[1]) => (await comeBack(rest, given)).status;
  assert.equal(await refused({ state, cookie: other.cookie }), 401);
  assert.equal(await refused({ state, cookie: "" }), 401);
  assert.equal(await refused({ state: "made-up", cookie: mine.cookie }), 401);
  assert.equal(await refused({ state: "ä".repeat(state?.length ?? 0), cookie: mine.cookie }), 401);
  await rest.json("POST", "/api/v1/oauth", { body: { name: "google", client_id: "g", client_secret: "hush" } });
  assert.equal(await refused({ state, cookie: mine.cookie, name: "google" }), 401);
  await rest.clock.advance(10 * 60_000);
  assert.equal(await refused({ state, cookie: mine.cookie }), 401);
  assert.deepEqual(provider.asked, [], "the provider was not even asked");
});

Deno.test("a name or address at the provider opens nobody else's account here", async () => {
  const { rest, provider } = await start();
  await using _rest = rest;
  const { user: owner } = await rest.guest("owner");
  provider.github({ ...OCTOCAT, login: "root" }, [{ email: owner.email, primary: true, verified: true }]);
  const { query, cookie } = await begin(rest);
  assert.equal((await comeBack(rest, { state: query.get("state"), cookie })).status, 302);
  const [user] = await rest.json("GET", "/api/v1/users?name=github:583231");
  assert.deepEqual([user.email, user.bio], ["github-583231@oauth.invalid", "root"]);
  assert.ok(user.id !== owner.id && user.id !== 1);
});

Deno.test("a disabled user does not come in by a provider either", async () => {
  const { rest, provider } = await start();
  await using _rest = rest;
  provider.github(OCTOCAT, [{ email: "not@verified.example", primary: true, verified: false }]);
  const first = await begin(rest);
  await comeBack(rest, { state: first.query.get("state"), cookie: first.cookie });
  const [user] = await rest.json("GET", "/api/v1/users?name=github:583231");
  assert.equal(user.email, "github-583231@oauth.invalid", "an address that is not verified is nobody's");
  await rest.json("PATCH", `/api/v1/users/${user.id}`, { body: { state: "disable" } });
  const again = await begin(rest);
  const response = await comeBack(rest, { state: again.query.get("state"), cookie: again.cookie });
  assert.deepEqual([response.status, response.headers.get("set-cookie")], [401, null]);
});

Deno.test("Google's token must be for us, for this sign-in, and fresh", async () => {
  const { rest, provider } = await start("google");
  await using _rest = rest;
  const claims = (nonce: string | null) => ({
    ...{ iss: "https://accounts.google.com", aud: "our-id", nonce, sub: "42", name: "Grüße", email: "g@example.com" },
    ...{ email_verified: true, exp: rest.clock.wallMs() / 1000 + 60 },
  });
  const attempt = async (change: (nonce: string | null) => unknown) => {
    const { query, cookie } = await begin(rest, "google");
    assert.equal(query.get("scope"), "openid email profile");
    provider.google(() => change(query.get("nonce")));
    return (await comeBack(rest, { state: query.get("state"), cookie, name: "google" })).status;
  };
  assert.equal(await attempt(() => claims("of another sign-in")), 401);
  assert.equal(await attempt((nonce) => ({ ...claims(nonce), aud: "another-id" })), 401);
  assert.equal(await attempt((nonce) => ({ ...claims(nonce), iss: "https://evil.example" })), 401);
  assert.equal(await attempt((nonce) => ({ ...claims(nonce), exp: rest.clock.wallMs() / 1000 })), 401);
  assert.equal(await attempt(() => "not claims"), 502);
  assert.equal(await attempt(claims), 302);
  const [user] = await rest.json("GET", "/api/v1/users?name=google:42");
  assert.deepEqual([user.bio, user.email], ["Grüße", "g@example.com"]);
  const unverified = { sub: "43", email: "not@verified.example", email_verified: false };
  assert.equal(await attempt((nonce) => ({ ...claims(nonce), ...unverified })), 302);
  assert.equal((await rest.json("GET", "/api/v1/users?name=google:43"))[0].email, "google-43@oauth.invalid");
});

Deno.test("what a provider answers wrongly is said without what it said", async () => {
  const { rest, provider } = await start();
  await using _rest = rest;
  provider.answers.set("https://github.com/login/oauth/access_token", () => Response.json({ token: "hush" }));
  const { query, cookie } = await begin(rest);
  const response = await comeBack(rest, { state: query.get("state"), cookie });
  assert.equal(response.status, 502);
  const { message } = await response.json();
  assert.match(message, /github\.com: its answer is another one/);
  assert.ok(!JSON.stringify([message, rest.log.lines]).includes("hush"));
});

Deno.test("a provider that nobody has set up is not found", async () => {
  const { rest } = await start();
  await using _rest = rest;
  for (const name of ["google", "gitlab"]) {
    assert.equal((await rest.send("GET", `/api/v1/users/signin/${name}`, { token: null })).status, 404);
  }
});
