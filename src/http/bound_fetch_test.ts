import assert from "node:assert/strict";
import { realClock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import { BoundFetch } from "./bound_fetch.ts";
import { createNodeFetch } from "./node_fetch.ts";

function boundFetch(env: Readonly<Record<string, string>> = {}): BoundFetch {
  const parts = { fetch: (input: string | URL, init?: RequestInit) => fetch(input, init) };
  return new BoundFetch({ ...parts, net: realNet(), clock: realClock(), env: (name) => env[name] });
}

function startServer() {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ headers, url }) => {
    return new Response(`${headers.get("host")} ${new URL(url).pathname}`);
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("a request goes to the addresses that it is given, under the name of its URL", async () => {
  await using server = startServer();
  using bound = boundFetch();
  const url = new URL(`http://nowhere.invalid:${server.port}/x`);
  for (const addresses of [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"], ["::1", "127.0.0.1"]]) {
    assert.equal(await (await bound.send(url, addresses, {})).text(), `nowhere.invalid:${server.port} /x`);
    const byNode = await createNodeFetch({ authorities: [] }, addresses)(url);
    assert.equal(await byNode.text(), `nowhere.invalid:${server.port} /x`);
  }
});

Deno.test("a name without an address leads nowhere, whatever a name server says later", async () => {
  await using server = startServer();
  using bound = boundFetch();
  const url = new URL(`http://localhost:${server.port}/`);
  await assert.rejects(bound.send(url, [], {}), { code: "unavailable", message: /address of localhost/ });
  await assert.rejects(createNodeFetch({ authorities: [] }, [])(url), /address of localhost/);
});

Deno.test("only a name that is looked up here binds a request", () => {
  using direct = boundFetch();
  assert.equal(direct.mustBind(new URL("http://files.corp/x")), true);
  for (const url of ["http://10.0.0.7/x", "http://[fd00::1]/x"]) assert.equal(direct.mustBind(new URL(url)), false);
  using proxied = boundFetch({ HTTP_PROXY: "http://proxy:3128", NO_PROXY: "near.corp" });
  assert.equal(proxied.mustBind(new URL("http://files.corp/x")), false);
  assert.equal(proxied.mustBind(new URL("http://near.corp/x")), true);
  using socks = boundFetch({ ALL_PROXY: "socks5://proxy:1080" });
  assert.equal(socks.mustBind(new URL("http://files.corp/x")), false);
});
