import assert from "node:assert/strict";
import { testRuntime } from "../../testing/test_runtime.ts";
import { Exchanger } from "../source/exchange.ts";
import { Fallbacks } from "./fallbacks.ts";
import { isForToken, ownChallenge, pingsForAll, relayToken, withoutOwnToken } from "./token_relay.ts";
import { testDestinations } from "../../testing/destinations.ts";

const MIRROR = "http://127.0.0.1:4001";
const PODMAN = { "user-agent": "libpod/4.3.1" };
const LOGIN = `Basic ${btoa("user:password")}`;

interface Seen {
  readonly url: URL;
  readonly authorization: string | null;
}

/** A registry with a token server of its own, or none; `answer` replaces what `/v2/` says. */
function setup(challengeOf: (origin: string) => string | undefined, realmStatus = 200) {
  const seen: Seen[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const url = new URL(request.url);
    seen.push({ url, authorization: request.headers.get("authorization") });
    if (url.pathname === "/token") return Response.json({ token: "of the registry" }, { status: realmStatus });
    const challenge = challengeOf(url.origin);
    if (challenge === undefined) return Response.json({});
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const runtime = testRuntime();
  const fallbacks = new Fallbacks(runtime);
  const parts = {
    ...{ fallbacks, clock: runtime.clock },
    exchanger: new Exchanger({ ...runtime, destinations: testDestinations() }),
    upstream: { defaultAddr: "http://127.0.0.1:9", upstreams: [{ namespace: "reg.corp:5000", addr: origin }] },
  };
  const signal = new AbortController().signal;
  const info = { remote: { hostname: "127.0.0.1", port: 1 }, signal };
  return {
    seen,
    log: runtime.log,
    ask: (scope: string, headers: Record<string, string> = {}) =>
      relayToken(new Request(`${MIRROR}/damselfly/token?scope=${encodeURIComponent(scope)}`, { headers }), info, parts),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const bearer = (origin: string) => `Bearer realm="${origin}/token",service="reg"`;
const SCOPE = "repository:reg.corp__5000/team/app:pull";

Deno.test("a client that asks once for all registries is sent to us, where the repository tells the registry", () => {
  const ping = new Request(`${MIRROR}/v2/`, { headers: PODMAN });
  assert.ok(pingsForAll(ping, true));
  assert.match(ownChallenge(ping).headers.get("www-authenticate") ?? "", /^Bearer realm="http:\/\/127\.0\.0\.1:4001\//);
  const [, realm = ""] = /realm="([^"]+)"/.exec(ownChallenge(ping).headers.get("www-authenticate") ?? "") ?? [];
  assert.ok(isForToken(new Request(`${realm}?scope=x`)));
  assert.equal(pingsForAll(ping, false), false, "a manifest is no ping");
  for (const agent of ["docker/20.10.24 go/go1.19", "containerd/1.7.2", "curl/8", ""]) {
    assert.equal(pingsForAll(new Request(ping, { headers: { "user-agent": agent } }), true), false, agent);
  }
});

Deno.test("the token is that of the registry in the repository, for the repository as it knows it", async () => {
  await using it = setup(bearer);
  const response = await it.ask(SCOPE);
  assert.deepEqual(await response.json(), { token: "of the registry" });
  const [ping, token] = it.seen;
  assert.deepEqual([ping?.url.pathname, ping?.authorization], ["/v2/", null]);
  assert.equal(token?.url.searchParams.get("scope"), "repository:team/app:pull");
  assert.equal(token?.url.searchParams.get("service"), "reg");
  assert.equal(token?.authorization, null);
});

Deno.test("a login for the mirror goes to the token server of the registry, and nobody's to nobody", async () => {
  await using it = setup(bearer);
  for (const [authorization, expected] of [[LOGIN, LOGIN], [`Basic ${btoa(":")}`, null], ["Bearer x", null]] as const) {
    await (await it.ask(SCOPE, { authorization })).body?.cancel();
    assert.equal(it.seen[0]?.authorization, null, "the registry itself sees no login before it asks for one");
    assert.equal(it.seen[1]?.authorization, expected);
    it.seen.length = 0;
  }
});

Deno.test("what the token server refuses is refused as it does", async () => {
  await using it = setup(bearer, 403);
  const response = await it.ask(SCOPE);
  assert.equal(response.status, 403);
  await response.body?.cancel();
});

Deno.test("a registry that wants no token, or the password itself, gets what it wants", async () => {
  const tokenOf = async (challenge: string | undefined, headers: Record<string, string>) => {
    await using it = setup(() => challenge);
    const { token } = await (await it.ask(SCOPE, headers)).json() as { token: string };
    const request = new Request(MIRROR, { headers: { authorization: `Bearer ${token}`, accept: "x" } });
    const { headers: sent } = withoutOwnToken(request);
    assert.equal(sent.get("accept"), "x");
    return sent.get("authorization");
  };
  assert.equal(await tokenOf(undefined, {}), null);
  assert.equal(await tokenOf(undefined, { authorization: LOGIN }), null);
  assert.equal(await tokenOf('Basic realm="r"', { authorization: LOGIN }), LOGIN);
  const others = new Request(MIRROR, { headers: { authorization: "Bearer of the registry" } });
  assert.equal(withoutOwnToken(others), others);
});

Deno.test("without a login a registry that wants one is left to the runtime, and the log says which command mends it", async () => {
  await using it = setup(() => 'Basic realm="r"');
  const response = await it.ask(SCOPE);
  assert.equal(response.status, 401);
  await response.body?.cancel();
  assert.match(JSON.stringify(it.log.lines), /podman login --tls-verify=false 127\.0\.0\.1:4001\/reg\.corp__5000/);
});

Deno.test("a login never goes to a token server without TLS, unless the registry has none either", async () => {
  await using it = setup(() => 'Bearer realm="ftp://127.0.0.1/token"');
  await assert.rejects(it.ask(SCOPE, { authorization: LOGIN }), { message: /without TLS/ });
  assert.equal(it.seen.length, 1);
});

Deno.test("a registry of which no token can be had is left to the runtime, and the log says so", async () => {
  await using it = setup(() => undefined);
  await assert.rejects(it.ask("repository:library/alpine:pull"), { code: "source_error" });
  const told = it.log.lines.map(({ message, fields }) => [message, fields["registry"]]);
  assert.deepEqual(told, [["A registry's pulls go past the swarm", "127.0.0.1:9"]]);
});

Deno.test("podman login, which names no registry, is believed", async () => {
  await using it = setup(bearer);
  for (const scope of ["", "registry:catalog:*", "repository"]) {
    const { token } = await (await it.ask(scope, { authorization: LOGIN })).json() as { token: string };
    assert.equal(it.seen.length, 0);
    const ping = new Request(`${MIRROR}/v2/`, { headers: { ...PODMAN, authorization: `Bearer ${token}` } });
    assert.equal(ownChallenge(ping).status, 200);
  }
});
