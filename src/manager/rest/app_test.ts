import assert from "node:assert/strict";
import { openApiDocument } from "./openapi.ts";
import { API_GROUPS, apiRoutes } from "./routes.ts";
import type { Route } from "./route.ts";
import { PASSWORD, type Rest, startRest } from "./start_rest_test.ts";

/** What answers without a session or token; everything else must refuse. */
const PUBLIC = [
  "POST /api/v1/users/signin",
  "POST /api/v1/users/signout",
  "POST /api/v1/users/refresh_token",
  "POST /api/v1/users/signup",
  "POST /api/v1/users/:id/reset_password",
  "GET /api/v1/session",
  "GET /api/v1/users/signin/:name",
  "GET /api/v1/users/signin/:name/callback",
];
/** What whoever is signed in may use; their handlers look at who it is. */
const SESSION = [
  "GET /api/v1/users/:id",
  "PATCH /api/v1/users/:id",
  "GET /api/v1/users/:id/roles",
];

function routesOf(rest: Rest): Route[] {
  return apiRoutes(rest as unknown as Parameters<typeof apiRoutes>[0]);
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** A path of a route that fits its pattern. */
function pathOf({ path }: Route): string {
  return path.replace(/:\w+/g, "7");
}

Deno.test("health needs no session and answers a JSON string", async () => {
  await using rest = await startRest();
  const response = await rest.send("GET", "/healthy", { token: null });
  assert.deepEqual([response.status, await response.text()], [200, '"OK"']);
});

Deno.test("without a session or token no route answers, but those of a short list", async () => {
  await using rest = await startRest();
  const routes = routesOf(rest);
  assert.ok(routes.length > 70);
  assert.deepEqual(routes.filter(({ access }) => access.kind === "public").map(nameOf), PUBLIC);
  assert.deepEqual(routes.filter(({ access }) => access.kind === "session").map(nameOf), SESSION);
  for (const route of routes.filter((candidate) => !PUBLIC.includes(nameOf(candidate)))) {
    for (const token of [null, "garbage", "a.b.c"]) {
      const response = await rest.send(route.method, pathOf(route), { token });
      assert.equal(response.status, 401, nameOf(route));
      assert.deepEqual(await response.json(), { message: "Unauthorized" });
      assert.equal(response.headers.get("www-authenticate"), "JWT realm=Dragonfly");
    }
  }
});

Deno.test("a session does not open the API for tokens, nor a token that for sessions", async () => {
  await using rest = await startRest();
  const body = { name: "t", user_id: 1, expired_at: "2099-01-01T00:00:00Z" };
  const { token } = await rest.json("POST", "/api/v1/personal-access-tokens", { body });
  for (const route of routesOf(rest).filter(({ access }) => access.kind !== "public")) {
    const isForTokens = route.path.startsWith("/oapi/");
    assert.equal(route.access.kind === "token", isForTokens, nameOf(route));
    const response = await rest.send(route.method, pathOf(route), isForTokens ? {} : { token });
    assert.equal(response.status, 401, nameOf(route));
  }
});

Deno.test("without a role nothing is allowed, a guest may read, and nobody changes anything without the right", async () => {
  await using rest = await startRest();
  const guest = await rest.guest();
  const nobody = await rest.guest("nobody");
  await rest.store.roles.revoke(nobody.user.id, "guest");
  for (
    const route of routesOf(rest).filter(({ path, access }) => path.startsWith("/api/") && access.kind !== "public")
  ) {
    const answer = async (token: string) => {
      const body = route.method === "GET" ? {} : { body: {} };
      const response = await rest.send(route.method, pathOf(route), { token, ...body });
      return response.status === 401 ? (await response.json()).message : "allowed";
    };
    assert.equal(await answer(nobody.token), "permission deny", nameOf(route));
    assert.equal(await answer(guest.token), route.method === "GET" ? "allowed" : "permission deny", nameOf(route));
  }
});

Deno.test("a right for one group opens that group and no other", async () => {
  await using rest = await startRest();
  const { user, token } = await rest.guest();
  await rest.store.roles.revoke(user.id, "guest");
  const status = async (method: string, path: string) => (await rest.send(method, path, { token })).status;
  const role = { role: "keeper", permissions: [{ object: "clusters", action: "read" }] };
  assert.equal((await rest.send("POST", "/api/v1/roles", { body: role })).status, 200);
  await rest.send("PUT", `/api/v1/users/${user.id}/roles/keeper`);
  assert.deepEqual([await status("GET", "/api/v1/clusters"), await status("DELETE", "/api/v1/clusters/1")], [200, 401]);
  assert.equal(await status("GET", "/api/v1/scheduler-clusters"), 401);
  await rest.send("POST", "/api/v1/roles/keeper/permissions", { body: { object: "clusters", action: "*" } });
  assert.equal(await status("DELETE", "/api/v1/clusters/1"), 409, "the default cluster is not deleted by anybody");
});

Deno.test("rights are given for the groups that the routes have", async () => {
  await using rest = await startRest();
  const used = routesOf(rest).flatMap(({ access }) => access.kind === "role" ? [access.object] : []);
  assert.deepEqual([...new Set(used)].sort(), [...API_GROUPS].sort());
});

Deno.test("an unknown path is not found, and only whoever is signed in learns that", async () => {
  await using rest = await startRest();
  for (const path of ["/api/v1/nothing", "/api/v2/clusters", "/oapi/v1/users", "/api"]) {
    assert.equal((await rest.send("GET", path, { token: null })).status, 401, path);
    const response = await rest.send("GET", path);
    assert.deepEqual([response.status, await response.json()], [404, { message: "Not found" }], path);
  }
  assert.equal((await rest.send("GET", "/nothing", { token: null })).status, 404);
});

Deno.test("what is open to everybody holds no secrets, and the rest is kept in no cache", async () => {
  await using rest = await startRest();
  await rest.json("GET", "/api/v1/clusters");
  const metrics = await rest.send("GET", "/metrics", { token: null });
  assert.match(await metrics.text(), /manager_requests_total/);
  assert.equal((await rest.send("GET", "/api/v1/clusters")).headers.get("cache-control"), "no-store");
  assert.equal((await rest.send("GET", "/oapi/v1/clusters")).headers.get("cache-control"), "no-store");
});

Deno.test("neither passwords nor tokens are logged or audited", async () => {
  await using rest = await startRest();
  const body = { name: "root", password: PASSWORD };
  const { token } = await rest.json("POST", "/api/v1/users/signin", { body, token: null });
  await rest.send("POST", "/api/v1/users/signin", { body: { ...body, password: "wrong password" }, token: null });
  await rest.send("GET", "/oapi/v1/clusters?access_token=query-secret", { token: null });
  const audits = JSON.stringify(await rest.store.audits.list({}, { offset: 0, limit: 100 }));
  await rest.audits.stored();
  await rest.store[Symbol.asyncDispose]();
  assert.equal((await rest.send("GET", "/api/v1/clusters?token=query-secret", { token })).status, 500);
  assert.ok(rest.log.lines.some(({ message }) => message === "A REST handler failed"));
  const text = JSON.stringify(rest.log.lines) + audits;
  for (const secret of [PASSWORD, "wrong password", token, "query-secret"]) assert.ok(!text.includes(secret), secret);
});

Deno.test("each request is audited with who, what and how it ended", async () => {
  await using rest = await startRest();
  await rest.json("GET", "/api/v1/clusters?name=x");
  await rest.send("DELETE", "/api/v1/clusters/99");
  await rest.send("GET", "/oapi/v1/jobs", { token: null });
  await rest.send("PUT", "/api/nothing", { token: null });
  await rest.audits.stored();
  const response = await rest.send("GET", "/api/v1/audits");
  const rows = await response.json();
  const seen = rows.map((row: Record<string, unknown>) => {
    return ["actor_type", "actor_name", "operation", "path", "status_code", "state", "event_type"].map((key) =>
      row[key]
    );
  });
  assert.deepEqual(seen.sort(), [
    ["UNKNOWN", "unknown", "GET", "/oapi/v1/jobs", 401, "FAILURE", "API"],
    ["UNKNOWN", "unknown", "PUT", "/api/nothing", 401, "FAILURE", "API"],
    ["USER", "root", "DELETE", "/api/v1/clusters/99", 404, "FAILURE", "API"],
    ["USER", "root", "GET", "/api/v1/clusters", 200, "SUCCESS", "API"],
  ]);
  assert.match(response.headers.get("link") ?? "", /rel=last/);
  const filtered = await rest.json("GET", "/api/v1/audits?status_code=404");
  assert.deepEqual(filtered.map(({ path }: { path: string }) => path), ["/api/v1/clusters/99"]);
});

Deno.test("a body has a limit of size", async () => {
  await using rest = await startRest();
  const body = { name: "x", bio: "x".repeat(1024 * 1024) };
  assert.equal((await rest.send("POST", "/api/v1/clusters", { body })).status, 413);
  assert.equal((await rest.send("POST", "/api/v1/users/signin", { body, token: null })).status, 413);
});

Deno.test("requests are counted by route and never by path", async () => {
  await using rest = await startRest();
  const answer = await (await rest.send("GET", "/api/v1/clusters/1")).text();
  await rest.send("GET", "/api/v1/clusters/99");
  await rest.send("GET", "/api/v1/nothing-of-that-kind");
  const text = await rest.metrics.expose();
  assert.match(text, /manager_requests_total\{code="200",method="GET",url="\/api\/v1\/clusters\/:id"\} 1/);
  assert.match(text, /manager_request_size_bytes\{code="200",method="GET",url="\/api\/v1\/clusters\/:id"\} 0/);
  const responseBytes = /manager_response_size_bytes\{code="200",method="GET",url="\/api\/v1\/clusters\/:id"\} (\d+)/;
  assert.equal(responseBytes.exec(text)?.[1], `${answer.length}`);
  assert.match(text, /manager_requests_total\{code="404",method="GET",url="\/api\/v1\/clusters\/:id"\} 1/);
  assert.ok(!text.includes("nothing-of-that-kind"));
});

Deno.test("the OpenAPI document has every route with its schemas, and the page shows it without other sites", async () => {
  await using rest = await startRest();
  const document = await rest.json("GET", "/swagger/doc.json", { token: null });
  const routes = routesOf(rest);
  assert.deepEqual(document, JSON.parse(JSON.stringify(openApiDocument(routes))));
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods as object));
  assert.equal(operations.length, routes.length);
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routes.length);
  const { post, get } = document.paths["/api/v1/clusters"];
  assert.equal(post.requestBody.content["application/json"].schema.properties.name.type, "string");
  assert.deepEqual(get.parameters.map(({ name }: { name: string }) => name), ["name", "page", "per_page"]);
  assert.equal(get.responses[200].content["application/json"].schema.type, "array");
  assert.deepEqual(document.paths["/api/v1/users/signin"].post.security, []);
  assert.deepEqual(document.paths["/oapi/v1/jobs"].get.security, [{ personalAccessToken: [] }]);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) =>
    reference ?? ""
  );
  assert.ok(references.length > 50);
  for (const reference of references) {
    const [, name = ""] = /^#\/components\/schemas\/(\w+)$/.exec(reference) ?? [];
    assert.ok(name in document.components.schemas, reference);
  }
  assert.deepEqual(document.components.schemas.Job.properties.user.anyOf[0], { $ref: "#/components/schemas/User" });
  const page = await (await rest.send("GET", "/swagger/index.html", { token: null })).text();
  assert.ok(page.includes("doc.json") && !/https?:\/\//.test(page));
});
