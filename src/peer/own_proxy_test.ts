import assert from "node:assert/strict";
import { ownProxyVariable, refuseOwnProxy } from "./own_proxy.ts";

const MIRROR = { port: 4001, hosts: ["10.0.0.7", "node-7"] };

function found(variables: Readonly<Record<string, string>>): string | undefined {
  return ownProxyVariable((name) => variables[name], MIRROR);
}

Deno.test("a proxy variable that names this host's mirror is found, however it is written", () => {
  const own = ["http://127.0.0.1:4001", "127.0.0.1:4001", "http://localhost:4001/", "http://[::1]:4001"];
  const byName = ["http://10.0.0.7:4001", "http://user:pw@NODE-7:4001"];
  for (const value of [...own, ...byName]) assert.equal(found({ HTTP_PROXY: value }), "HTTP_PROXY", value);
  for (const name of ["https_proxy", "ALL_PROXY"]) assert.equal(found({ [name]: "127.0.0.1:4001" }), name);
});

Deno.test("a proxy that is not this host's mirror is nobody's business", () => {
  const others = [
    "",
    "http://127.0.0.1:3128",
    "http://proxy.corp:4001",
    "http://10.0.0.8:4001",
    "http://127.0.0.1",
    ":",
  ];
  for (const value of others) assert.equal(found({ HTTPS_PROXY: value }), undefined, value);
  assert.equal(found({ NO_PROXY: "127.0.0.1:4001" }), undefined);
});

Deno.test("the refusal names the variable and tells no password", () => {
  const env = (name: string) => name === "HTTPS_PROXY" ? "http://user:pw@127.0.0.1:4001" : undefined;
  assert.throws(() => refuseOwnProxy(env, MIRROR), (error: Error) => {
    assert.match(error.message, /HTTPS_PROXY/);
    assert.doesNotMatch(error.message, /pw/);
    return true;
  });
});
