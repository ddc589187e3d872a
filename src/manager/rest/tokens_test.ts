import assert from "node:assert/strict";
import { HOUR_MS, type Rest, startRest } from "./start_rest_test.ts";

const PATH = "/api/v1/personal-access-tokens";

async function makeToken(rest: Rest, change: Record<string, unknown> = {}) {
  const expired_at = new Date(rest.clock.wallMs() + HOUR_MS).toISOString();
  return await rest.json("POST", PATH, { body: { name: "t", expired_at, user_id: 1, ...change } });
}

Deno.test("a token is shown when it is made and never again, and only its hash is stored", async () => {
  await using rest = await startRest();
  const made = await makeToken(rest, { scopes: [] });
  assert.match(made.token, /^[\w-]{48}$/);
  assert.deepEqual([made.scopes, made.state, made.user.name], [["job", "cluster"], "active", "root"]);
  assert.equal((await rest.json("GET", `${PATH}/${made.id}`)).token, "");
  assert.deepEqual((await rest.json("GET", PATH)).map(({ token }: { token: string }) => token), [""]);
  assert.ok(!JSON.stringify(await rest.store.tokens.get(made.id)).includes(made.token));
});

Deno.test("a token opens the open API as header or in the URL, as far as its scopes and its time go", async () => {
  await using rest = await startRest();
  const { id, token } = await makeToken(rest, { scopes: ["cluster"] });
  const get = (path: string, options = {}) => rest.send("GET", `/oapi/v1/${path}`, { token: null, ...options });
  assert.equal((await get("clusters", { token })).status, 200);
  assert.equal((await get("clusters", { headers: { authorization: `bearer ${token}` } })).status, 200);
  assert.equal((await get(`clusters?access_token=${token}`)).status, 200);
  assert.equal((await get("clusters?access_token=garbage", { token })).status, 401, "the URL counts first");
  const answer = async (path: string) => {
    const response = await get(path, { token });
    return [response.status, (await response.json()).message];
  };
  assert.deepEqual(await answer("jobs"), [
    ...[403, "Token doesn't have permission to access this resource. Required permission: job"],
  ]);
  await rest.json("PATCH", `${PATH}/${id}`, { body: { state: "inactive" } });
  assert.deepEqual(await answer("clusters"), [403, "Token is inactive"]);
  const changed = await rest.json("PATCH", `${PATH}/${id}`, { body: { state: "active" } });
  assert.deepEqual(changed.scopes, ["cluster"], "what is left out stays");
  await rest.clock.advance(HOUR_MS);
  assert.deepEqual(await answer("clusters"), [403, "Token has expired"]);
});

Deno.test("a token of a disabled user opens nothing, and one without scopes everything", async () => {
  await using rest = await startRest();
  const { user } = await rest.guest();
  const { id, token } = await makeToken(rest, { user_id: user.id });
  const status = async (path: string) => (await rest.send("GET", path, { token })).status;
  await rest.store.tokens.update(id, { scopes: [] });
  assert.deepEqual([await status("/oapi/v1/jobs"), await status("/oapi/v1/clusters")], [200, 200]);
  await rest.store.users.update(user.id, { state: "disable" });
  assert.equal(await status("/oapi/v1/clusters"), 403);
});

Deno.test("a cluster is made and removed through the open API as through the other", async () => {
  await using rest = await startRest();
  const { token } = await makeToken(rest);
  const body = { name: "b", scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} };
  const { id } = await rest.json("POST", "/oapi/v1/clusters", { body, token });
  assert.equal((await rest.json("PATCH", `/oapi/v1/clusters/${id}`, { body: { bio: "x" }, token })).bio, "x");
  assert.equal((await rest.json("GET", `/api/v1/clusters/${id}`)).bio, "x");
  assert.equal((await rest.send("DELETE", `/oapi/v1/clusters/${id}`, { token })).status, 200);
});

Deno.test("who may not change tokens sees only his own", async () => {
  await using rest = await startRest();
  const { user, token } = await rest.guest();
  const foreign = await makeToken(rest);
  const own = await makeToken(rest, { name: "own", user_id: user.id });
  const seen = await rest.json("GET", `${PATH}?user_id=1`, { token });
  assert.deepEqual(seen.map(({ id }: { id: number }) => id), [own.id]);
  assert.equal((await rest.send("GET", `${PATH}/${own.id}`, { token })).status, 200);
  assert.equal((await rest.send("GET", `${PATH}/${foreign.id}`, { token })).status, 404);
});

Deno.test("what is wrong with a token is said", async () => {
  await using rest = await startRest();
  const cases: [Record<string, unknown>, number][] = [
    [{ name: "" }, 422],
    [{ expired_at: "tomorrow" }, 422],
    [{ scopes: ["everything"] }, 422],
    [{ user_id: 99 }, 404],
  ];
  for (const [change, status] of cases) {
    const body = { name: "t", expired_at: "2099-01-01T00:00:00Z", user_id: 1, ...change };
    assert.equal((await rest.send("POST", PATH, { body })).status, status, JSON.stringify(change));
  }
  await makeToken(rest);
  const again = { name: "t", expired_at: "2099-01-01T00:00:00+02:00", user_id: 1 };
  assert.equal((await rest.send("POST", PATH, { body: again })).status, 409);
});
