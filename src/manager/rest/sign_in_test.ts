import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { parseCidr } from "../../core/ip.ts";
import { realRandom } from "../../runtime/random.ts";
import { settle } from "../../testing/virtual_clock.ts";
import { hashPassword } from "../password.ts";
import { Sessions } from "./sessions.ts";
import { ELSEWHERE, HOUR_MS, PASSWORD, type Rest, type SendOptions, startRest } from "./start_rest_test.ts";

const SIGN_IN = "/api/v1/users/signin";

function signIn(
  rest: Rest,
  credentials: { name?: string; password?: string } = {},
  options: SendOptions = {},
): Promise<Response> {
  return rest.send("POST", SIGN_IN, {
    body: { name: "root", password: PASSWORD, ...credentials },
    token: null,
    ...options,
  });
}

async function rootOf(rest: Rest) {
  const root = await rest.store.users.findByName("root");
  assert.ok(root);
  return root;
}

Deno.test("signing in gives a token that opens the API as header and as cookie, and not in the URL", async () => {
  await using rest = await startRest();
  const response = await signIn(rest);
  assert.equal(response.status, 200);
  const { token, expire } = await response.json();
  assert.equal(Date.parse(expire), rest.clock.wallMs() + 2 * HOUR_MS);
  const cookie = response.headers.get("set-cookie") ?? "";
  assert.equal(cookie, `jwt=${token}; Max-Age=7200; Path=/; HttpOnly; SameSite=Strict`);
  const { pw: _, ...claims } = JSON.parse(atob(token.split(".")[1]));
  assert.deepEqual(claims, { id: 1, exp: Date.parse(expire) / 1000, orig_iat: rest.clock.wallMs() / 1000 });
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
  const headers = { cookie: `jwt=${token}` };
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token: null, headers })).status, 200);
  assert.equal((await rest.send("GET", `/api/v1/clusters?token=${token}`, { token: null })).status, 401);
});

Deno.test("behind TLS the cookie is for TLS only", async () => {
  await using rest = await startRest();
  const proxied = await signIn(rest, {}, { headers: { "x-forwarded-proto": "https" } });
  assert.match(proxied.headers.get("set-cookie") ?? "", /; Secure/);
});

Deno.test("a session ends, and one signed with another key or without one is none", async () => {
  await using rest = await startRest();
  const root = await rootOf(rest);
  const { token } = rest.sessions.open(root);
  const get = async (given: string) => (await rest.send("GET", "/api/v1/clusters", { token: given })).status;
  await rest.clock.advance(2 * HOUR_MS - 1);
  assert.equal(await get(token), 200);
  await rest.clock.advance(1);
  assert.equal(await get(token), 401);
  const other = new Sessions({ key: "other", timeout: HOUR_MS, maxRefresh: 0 }, rest.clock);
  assert.equal(await get((await other.open(root)).token), 401);
  assert.equal(await get(rest.sessions.open({ ...root, id: 99 }).token), 401, "a user who does not exist");
  const payload = btoa(JSON.stringify({ id: 1, exp: 9e9, orig_iat: 1, pw: "" })).replaceAll("=", "");
  assert.equal(await get(`${btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "")}.${payload}.`), 401);
});

Deno.test("a session is renewed, also after its end, until too long after signing in", async () => {
  await using rest = await startRest();
  let { token } = rest.sessions.open(await rootOf(rest));
  const renew = () => rest.send("POST", "/api/v1/users/refresh_token", { token });
  await rest.clock.advance(2 * HOUR_MS + 1_000);
  const response = await renew();
  assert.equal(response.status, 200);
  token = (await response.json()).token;
  assert.match(response.headers.get("set-cookie") ?? "", new RegExp(`^jwt=${token};`));
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
  await rest.clock.advance(HOUR_MS - 1_001);
  assert.equal((await renew()).status, 200);
  await rest.clock.advance(1);
  assert.equal((await renew()).status, 401, "renewing does not count as signing in");
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200, "it has not ended yet");
});

Deno.test("a disabled user has no session, gets none and renews none", async () => {
  await using rest = await startRest();
  const { user, token } = await rest.guest();
  await rest.send("PATCH", `/api/v1/users/${user.id}`, { body: { state: "disable" } });
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 401);
  assert.equal((await rest.send("POST", "/api/v1/users/refresh_token", { token })).status, 401);
  await rest.store.users.update(1, { state: "disable" });
  assert.equal((await signIn(rest)).status, 401);
});

Deno.test("signing out takes the cookie back, also that of a session which has ended", async () => {
  await using rest = await startRest();
  for (const token of [undefined, "a.b.c"]) {
    const response = await rest.send("POST", "/api/v1/users/signout", token === undefined ? {} : { token });
    assert.deepEqual([response.status, await response.text()], [200, ""]);
    assert.match(response.headers.get("set-cookie") ?? "", /^jwt=; Max-Age=0; Path=\//);
  }
});

Deno.test("a wrong name, a wrong password and a wrong body are told apart by nobody", async () => {
  await using rest = await startRest();
  const bodies = [{ name: "root", password: "wrong password" }, { name: "nobody", password: PASSWORD }, {}, "{", "[]"];
  for (const body of bodies) {
    const response = await rest.send("POST", SIGN_IN, { body, token: null });
    assert.deepEqual([response.status, await response.json()], [401, { message: "Unauthorized" }]);
    assert.equal(response.headers.get("set-cookie"), null);
  }
});

Deno.test("after five failures a caller must wait before he tries that name again, and nobody else must", async () => {
  await using rest = await startRest();
  for (let count = 0; count < 5; count++) {
    assert.equal((await signIn(rest, { password: "wrong password" })).status, 401);
  }
  const refused = await signIn(rest);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "300"]);
  assert.equal((await signIn(rest, {}, { from: "192.0.2.2" })).status, 200);
  await rest.clock.advance(5 * 60_000);
  assert.equal((await signIn(rest)).status, 200);
});

Deno.test("a caller cannot get more attempts by making up headers, unless a trusted proxy says them", async () => {
  const attempt = (rest: Rest, count: number) => {
    const headers = { "x-forwarded-for": `198.51.100.${count}` };
    return signIn(rest, { password: "wrong password" }, { headers });
  };
  await using rest = await startRest();
  for (let count = 0; count < 5; count++) assert.equal((await attempt(rest, count)).status, 401);
  assert.equal((await attempt(rest, 9)).status, 429);
  await using behind = await startRest({
    trustedProxies: { cidrs: [parseCidr(ELSEWHERE)], header: "x-forwarded-for" },
  });
  for (let count = 0; count < 9; count++) assert.equal((await attempt(behind, count)).status, 401);
});

Deno.test("guesses of strangers lock nobody out of a place from which he signed in before", async () => {
  await using rest = await startRest();
  assert.equal((await signIn(rest)).status, 200);
  for (let count = 0; count < 30; count++) {
    const from = `2001:db8:${count}::1`;
    assert.equal((await signIn(rest, { password: "wrong password" }, { from })).status, 401);
  }
  assert.equal((await signIn(rest, {}, { from: "2001:db8:ffff::1" })).status, 429);
  assert.equal((await signIn(rest)).status, 200);
});

Deno.test("a user of a stock manager signs in, and his hash becomes one of ours", async () => {
  await using rest = await startRest();
  await rest.store.users.create({ name: "stock", email: "s@example.com", passwordHash: hashSync(PASSWORD, 4) });
  const response = await signIn(rest, { name: "stock" });
  const { token } = await response.json();
  assert.match((await rest.store.users.findByName("stock"))?.passwordHash ?? "", /^\$scrypt\$/);
  const { id } = await rest.store.users.findByName("stock") ?? { id: 0 };
  assert.equal((await rest.send("GET", `/api/v1/users/${id}`, { token })).status, 200, "the new session is live");
  assert.equal((await signIn(rest, { name: "stock" })).status, 200);
});

Deno.test("root's password that everybody knows opens from elsewhere nothing but changing it", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly" });
  const { token } = await (await signIn(rest, { password: "dragonfly" })).json();
  const refused = await rest.send("GET", "/api/v1/clusters", { token });
  assert.equal(refused.status, 403);
  assert.match((await refused.json()).message, /change it first.*\/api\/v1\/users\/1\/reset_password/);
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token, from: "127.0.0.1" })).status, 200);
  const viaProxy = { token, from: "127.0.0.1", headers: { "x-forwarded-for": "192.0.2.9" } };
  assert.equal((await rest.send("GET", "/api/v1/clusters", viaProxy)).status, 403);

  assert.equal((await signIn(rest, { password: "dragonfly" }, { token })).status, 200, "signing in again");

  const change = (old_password: string, new_password: string) =>
    rest.send("POST", "/api/v1/users/1/reset_password", { body: { old_password, new_password }, token });
  assert.equal((await change("dragonfly", "dragonfly")).status, 422);
  assert.equal((await change("dragonfly", "short")).status, 422);
  assert.equal((await change("wrong password", "a new password")).status, 401);
  const changed = await change("dragonfly", "a new password");
  assert.deepEqual([changed.status, await changed.text()], [200, ""]);
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 401, "older sessions have ended");
  const after = await (await signIn(rest, { password: "a new password" })).json();
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token: after.token })).status, 200);
});

Deno.test("the first change of root's password from elsewhere is said aloud with its address, and is the only one", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly" });
  const change = (new_password: string, from: string) => {
    const body = { old_password: "dragonfly", new_password };
    return rest.send("POST", "/api/v1/users/1/reset_password", { body, token: null, from });
  };
  const answers = await Promise.all([change("first secret", "192.0.2.8"), change("second secret", "192.0.2.9")]);
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [200, 401], "two at once");
  const [password, ip] = statuses[0] === 200 ? ["first secret", "192.0.2.8"] : ["second secret", "192.0.2.9"];
  assert.equal((await signIn(rest, { password })).status, 200);
  assert.equal((await change("a third one", "192.0.2.7")).status, 401);
  const said = () => rest.log.lines.filter(({ message }) => message.startsWith("Another machine changed the password"));
  assert.deepEqual(said().map(({ level, fields }) => [level, fields]), [["warn", { user: "root", ip }]]);
  assert.doesNotMatch(JSON.stringify(rest.log.lines), /first secret|second secret/);
  const again = { old_password: password, new_password: "a fourth one" };
  assert.equal((await rest.send("POST", "/api/v1/users/1/reset_password", { body: again, token: null })).status, 200);
  assert.equal(said().length, 1, "a password that nobody knows is changed without noise");
});

Deno.test("signing in, renewing that and changing a password are audited with whoever proved to be it", async () => {
  await using rest = await startRest();
  const { token } = await (await signIn(rest)).json();
  await signIn(rest, { password: "wrong password" });
  await rest.clock.advance(2 * HOUR_MS);
  await rest.send("POST", "/api/v1/users/refresh_token", { token });
  const change = { old_password: PASSWORD, new_password: "another password" };
  await rest.send("POST", "/api/v1/users/1/reset_password", { body: change, token: null });
  await rest.send("POST", "/api/v1/users/1/reset_password", { body: change, token: null });
  await rest.audits.stored();
  const { rows } = await rest.store.audits.list({}, { offset: 0, limit: 100 });
  assert.deepEqual(rows.map(({ actorName, path, state }) => `${actorName} ${path.split("/").at(-1)} ${state}`).sort(), [
    "root refresh_token SUCCESS",
    "root reset_password SUCCESS",
    "root signin SUCCESS",
    "unknown reset_password FAILURE",
    "unknown signin FAILURE",
  ]);
});

Deno.test("root's first change of its password on the machine itself is no alarm", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly" });
  const body = { old_password: "dragonfly", new_password: "a new password" };
  const from = "127.0.0.1";
  assert.equal((await rest.send("POST", "/api/v1/users/1/reset_password", { body, token: null, from })).status, 200);
  assert.equal(rest.log.lines.some(({ message }) => message.startsWith("Another machine")), false);
});

Deno.test("signing in with the old password while it is changed neither works nor brings it back", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly" });
  const { findByName } = rest.store.users;
  const hash = await hashPassword("a new password", realRandom());
  rest.store.users.findByName = async (name) => {
    rest.store.users.findByName = findByName;
    const before = await rest.store.users.findByName(name);
    assert.ok(before && await rest.store.users.replacePassword(before, hash));
    return before;
  };
  assert.equal((await signIn(rest, { password: "dragonfly" })).status, 401);
  assert.equal((await signIn(rest, { password: "a new password" })).status, 200);
});

Deno.test("who signs in is looked for when it is his turn, so that a crowd does not keep the database from others", async () => {
  await using rest = await startRest();
  const { users } = rest.store;
  const opened = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  let lookups = 0;
  const find = users.findByName.bind(users);
  users.findByName = async (name) => {
    lookups++;
    first.resolve();
    await opened.promise;
    return await find(name);
  };
  const crowd = Array.from({ length: 12 }, () => signIn(rest));
  await first.promise;
  await settle();
  assert.ok(lookups <= 4, `${lookups} were looked for`);
  opened.resolve();
  for (const response of await Promise.all(crowd)) await response.body?.cancel();
});

Deno.test("two who sign in at once while a hash is renewed both get in", async () => {
  await using rest = await startRest();
  const answers = await Promise.all([signIn(rest), signIn(rest)]);
  for (const answer of answers) {
    const { token } = await answer.json();
    assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
  }
});

Deno.test("who allows the password that everybody knows has it everywhere", async () => {
  await using rest = await startRest({ initialPassword: "dragonfly", allowDefaultPassword: true });
  const { token } = await (await signIn(rest, { password: "dragonfly" })).json();
  assert.equal((await rest.send("GET", "/api/v1/clusters", { token })).status, 200);
});

Deno.test("changing passwords is no way to guess them", async () => {
  await using rest = await startRest();
  const change = (id: number) => {
    const body = { old_password: "wrong password", new_password: "a new password" };
    return rest.send("POST", `/api/v1/users/${id}/reset_password`, { body, token: null });
  };
  for (let count = 0; count < 5; count++) assert.equal((await change(1)).status, 401);
  assert.equal((await change(1)).status, 429);
  assert.equal((await signIn(rest)).status, 429, "both count together");
  assert.equal((await change(99)).status, 401, "a user who does not exist is a wrong password");
});

Deno.test("whoever makes an account becomes a guest, and gets no more than that", async () => {
  await using rest = await startRest();
  const body = { name: "visitor", password: "my own password", email: "v@example.com", phone: null, is_root: true };
  const user = await rest.json("POST", "/api/v1/users/signup", { body, token: null });
  const now = new Date(rest.clock.wallMs()).toISOString();
  assert.deepEqual(user, {
    ...{ id: user.id, created_at: now, updated_at: now, is_del: 0, email: "v@example.com", name: "visitor" },
    ...{ avatar: "", phone: "", state: "enable", location: "", bio: "", configs: null },
  });
  assert.deepEqual(await rest.json("GET", `/api/v1/users/${user.id}/roles`), ["guest"]);
  assert.equal((await signIn(rest, { name: "visitor", password: "my own password" })).status, 200);
  assert.equal((await rest.send("POST", "/api/v1/users/signup", { body, token: null })).status, 409);
  const wrong = [{ name: "ab" }, { password: "short" }, { password: "dragonfly" }, { email: "nobody" }];
  for (const change of wrong) {
    const again = { ...body, name: "other", email: "o@example.com", ...change };
    assert.equal((await rest.send("POST", "/api/v1/users/signup", { body: again, token: null })).status, 422);
  }
});

Deno.test("a network makes a few accounts and then waits; where sign-up is closed only administrators make them", async () => {
  await using rest = await startRest();
  const signUp = (to: Rest, count: number, options: SendOptions = { token: null }) => {
    const body = { name: `user-${count}`, password: "my own password", email: `${count}@example.com` };
    return to.send("POST", "/api/v1/users/signup", { body, ...options });
  };
  for (let count = 0; count < 10; count++) assert.equal((await signUp(rest, count)).status, 200);
  assert.equal((await signUp(rest, 10)).status, 429);
  assert.equal((await signUp(rest, 11, {})).status, 200, "root is not limited");
  await using closed = await startRest({ openSignUp: false });
  const refused = await signUp(closed, 1);
  assert.equal(refused.status, 403);
  assert.match((await refused.json()).message, /auth\.openSignUp/);
  assert.equal((await signUp(closed, 1, {})).status, 200);
});
