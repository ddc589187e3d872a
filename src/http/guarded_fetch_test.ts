import assert from "node:assert/strict";
import type { Fetch } from "../runtime/runtime.ts";
import { Destinations } from "./destination.ts";
import { createGuardedFetch } from "./guarded_fetch.ts";

const NAMES: Readonly<Record<string, string>> = { "registry.corp": "10.0.0.7", "inside.corp": "127.0.0.1" };
const ELSEWHERE = "10.9.9.9";

/** Servers by what their URLs answer: a text is a redirect. */
function stage(answers: Readonly<Record<string, string>>, remoteIp = ELSEWHERE) {
  const asked: { url: string; headers: Record<string, string> }[] = [];
  const fetch: Fetch = (input, init) => {
    const url = new URL(input).href;
    asked.push({ url, headers: Object.fromEntries(new Headers(init?.headers)) });
    assert.equal(init?.redirect, "manual");
    const location = answers[url];
    if (location === undefined) return Promise.resolve(new Response("here"));
    return Promise.resolve(new Response("moved", { status: 307, headers: { location } }));
  };
  const net = { resolve: (name: string) => Promise.resolve([NAMES[name] ?? name]) };
  const destinations = new Destinations(net, {
    isConfigured: (origin) => origin === "http://127.0.0.1:5000",
    key: "a.key",
  });
  return { asked, fetch: createGuardedFetch(fetch, destinations, remoteIp) };
}

Deno.test("redirects are followed, within an origin with the requester's rights, beyond it without them", async () => {
  const { asked, fetch } = stage({
    "https://registry.corp/a": "/b",
    "https://registry.corp/b": "https://user:hush@192.0.2.1/c",
    "https://192.0.2.1/c": "https://registry.corp/d",
  });
  const headers = { Authorization: "hush", "X-Key": "hush", Accept: "a/b" };
  assert.equal(await (await fetch("https://registry.corp/a", { headers })).text(), "here");
  assert.deepEqual(asked.map(({ url, headers }) => [url, Object.keys(headers).toSorted()]), [
    ["https://registry.corp/a", ["accept", "authorization", "x-key"]],
    ["https://registry.corp/b", ["accept", "authorization", "x-key"]],
    ["https://192.0.2.1/c", ["accept"]],
    ["https://registry.corp/d", ["accept"]],
  ]);
});

Deno.test("nobody gets to metadata services or this host's own ones, by a redirect or at once", async () => {
  const inside = ["http://inside.corp/x", "http://127.0.0.1:9/x", "http://169.254.169.254/x", "http://[::1]/x"];
  for (const url of inside) {
    const { asked, fetch } = stage({ "http://registry.corp/a": url });
    const refusal = { code: "permission_denied", message: /Cannot go to .* configure it under a\.key/ };
    await assert.rejects(fetch("http://registry.corp/a"), refusal, url);
    assert.equal(asked.length, 1);
    await assert.rejects(fetch(url), refusal, url);
    assert.equal(asked.length, 1);
  }
});

Deno.test("what the configuration names may be asked, and from this host its own services too", async () => {
  await stage({}).fetch("http://127.0.0.1:5000/x");
  await stage({}, "127.0.0.1").fetch("http://127.0.0.1:9/x");
  await assert.rejects(stage({}, "127.0.0.1").fetch("http://169.254.169.254/x"), { code: "permission_denied" });
});

Deno.test("a redirect that cannot be trusted is refused, and one that never ends too", async () => {
  const cases: [string, RegExp][] = [
    ["http://registry.corp/b", /redirects to plain HTTP at http:\/\/registry\.corp\/b, which is refused/],
    ["file:///etc/passwd", /redirects to the scheme file:/],
    ["https://", /redirects to something that is not a URL/],
    ["https://registry.corp/a", /redirects more than 10 times/],
  ];
  for (const [location, message] of cases) {
    const { fetch } = stage({ "https://registry.corp/a": location });
    await assert.rejects(fetch("https://registry.corp/a"), { code: "source_error", message }, location);
  }
});

Deno.test("a name that takes too long to look up is not waited for", async () => {
  const check = () => new Promise<undefined>(() => {});
  const fetch = createGuardedFetch(() => Promise.resolve(new Response()), { check }, undefined);
  const reason = new Error("too late");
  await assert.rejects(fetch("https://registry.corp/", { signal: AbortSignal.abort(reason) }), reason);
});
