import assert from "node:assert/strict";
import { startRest } from "./start_rest_test.ts";

Deno.test("users are listed and filtered, without a trace of their passwords", async () => {
  await using rest = await startRest();
  await rest.guest();
  const response = await rest.send("GET", "/api/v1/users");
  const text = await response.text();
  assert.deepEqual(JSON.parse(text).map(({ name }: { name: string }) => name), ["root", "visitor"]);
  assert.ok(!/password|\$2|scrypt/.test(text));
  const filtered = await rest.json("GET", "/api/v1/users?name=visitor&state=enable");
  assert.equal(filtered.length, 1);
  assert.deepEqual(await rest.json("GET", "/api/v1/users?email=nobody"), []);
});

Deno.test("people change themselves and nobody else, and not whether they may sign in", async () => {
  await using rest = await startRest();
  const { user, token } = await rest.guest();
  const patch = (id: number, body: unknown) => rest.send("PATCH", `/api/v1/users/${id}`, { token, body });
  const changed = await (await patch(user.id, { phone: "1", email: "", location: null })).json();
  assert.deepEqual([changed.phone, changed.email], ["1", "visitor@example.com"]);
  assert.equal((await patch(1, { phone: "1" })).status, 401);
  assert.equal((await patch(user.id, { state: "enable" })).status, 401);
  assert.equal((await patch(user.id, { email: "none" })).status, 422);
  assert.equal((await rest.send("PATCH", "/api/v1/users/1", { body: { state: "disable" } })).status, 409);
  assert.equal((await rest.send("PATCH", "/api/v1/users/99", { body: {} })).status, 404);
});

Deno.test("a role is given and taken once, and nobody takes one from himself", async () => {
  await using rest = await startRest();
  const { user } = await rest.guest();
  const path = `/api/v1/users/${user.id}/roles`;
  const status = async (method: string, role: string) => (await rest.send(method, `${path}/${role}`)).status;
  assert.deepEqual([await status("PUT", "root"), await status("PUT", "root")], [200, 409]);
  assert.deepEqual((await rest.json("GET", path)).sort(), ["guest", "root"]);
  assert.deepEqual([await status("DELETE", "root"), await status("DELETE", "root")], [200, 404]);
  assert.equal(await status("PUT", "no-such-role"), 404);
  assert.equal((await rest.send("PUT", "/api/v1/users/99/roles/guest")).status, 404);
  assert.equal((await rest.send("DELETE", "/api/v1/users/1/roles/root")).status, 409);
});

Deno.test("a role is made of rights, shown as rows, changed and removed", async () => {
  await using rest = await startRest();
  const roles = "/api/v1/roles";
  const permissions = [{ object: "jobs", action: "*" }, { object: "clusters", action: "read" }];
  assert.equal((await rest.send("POST", roles, { body: { role: "worker", permissions } })).status, 200);
  assert.deepEqual((await rest.json("GET", roles)).sort(), ["guest", "root", "worker"]);
  assert.deepEqual((await rest.json("GET", `${roles}/worker`)).sort(), [
    ["worker", "clusters", "read"],
    ["worker", "jobs", "*"],
  ]);
  const right = { body: { object: "peers", action: "read" } };
  const status = async (method: string) => (await rest.send(method, `${roles}/worker/permissions`, right)).status;
  assert.deepEqual([await status("POST"), await status("POST")], [200, 409]);
  assert.deepEqual([await status("DELETE"), await status("DELETE")], [200, 404]);
  assert.equal((await rest.send("DELETE", `${roles}/worker`)).status, 200);
  assert.equal((await rest.send("DELETE", `${roles}/worker`)).status, 404);
  assert.deepEqual(await rest.json("GET", `${roles}/worker`), []);
});

Deno.test("rights are for groups that there are, and root keeps its own", async () => {
  await using rest = await startRest();
  const body = { role: "x", permissions: [{ object: "cluster", action: "read" }] };
  const refused = await rest.send("POST", "/api/v1/roles", { body });
  assert.equal(refused.status, 422);
  assert.match((await refused.json()).errors, /no group "cluster"/);
  const right = { body: { object: "jobs", action: "write" } };
  assert.equal((await rest.send("POST", "/api/v1/roles/guest/permissions", right)).status, 422);
  const unknown = { body: { object: "job", action: "read" } };
  assert.equal((await rest.send("POST", "/api/v1/roles/guest/permissions", unknown)).status, 422);
  assert.equal((await rest.send("DELETE", "/api/v1/roles/root")).status, 409);
  const own = { body: { object: "jobs", action: "*" } };
  assert.equal((await rest.send("DELETE", "/api/v1/roles/root/permissions", own)).status, 409);
});
