import assert from "node:assert/strict";
import { egressProxyFor } from "./egress.ts";

function proxyOf(url: string, variables: Readonly<Record<string, string>>): string | undefined {
  const proxy = egressProxyFor(new URL(url), (name) => variables[name]);
  return proxy && `${proxy.hostname}:${proxy.port}`;
}

Deno.test("the proxy is that of the URL's scheme, in either case of letters, or the one for all", () => {
  const both = { HTTP_PROXY: "http://a:1", https_proxy: "b:2" };
  assert.equal(proxyOf("http://x.corp", both), "a:1");
  assert.equal(proxyOf("https://x.corp", both), "b:2");
  assert.equal(proxyOf("https://x.corp", { all_proxy: "http://[fd00::1]" }), "fd00::1:80");
  assert.equal(proxyOf("https://x.corp", { HTTP_PROXY: "http://a:1" }), undefined);
  assert.equal(proxyOf("http://x.corp", {}), undefined);
});

Deno.test("what NO_PROXY names, and what is on loopback, is asked directly", () => {
  const env = { ALL_PROXY: "http://a:1", no_proxy: "x.corp, .y.corp,10.0.0.0/8,fd00::1, *.z.corp," };
  const direct = ["x.corp", "a.x.corp", "y.corp", "a.y.corp", "b.z.corp", "10.1.2.3", "[fd00::1]", "localhost"];
  for (const host of [...direct, "127.0.0.9", "[::1]"]) assert.equal(proxyOf(`https://${host}`, env), undefined, host);
  for (const host of ["xx.corp", "corp", "11.0.0.1", "[fd00::2]"]) assert.equal(proxyOf(`https://${host}`, env), "a:1");
  assert.equal(proxyOf("http://10.1.2.3", { ...env, NO_PROXY: "10.0.0.0/99,x/8,10.1.2.3" }), undefined);
  assert.equal(proxyOf("http://any", { ...env, NO_PROXY: "*" }), undefined);
});

Deno.test("the login of a proxy is told to it, and a proxy that does not speak HTTP is refused without its login", () => {
  const login = (url: string) => egressProxyFor(new URL("http://x"), () => url)?.authorization;
  assert.equal(login("http://me:p%40ss@a"), `Basic ${btoa("me:p@ss")}`);
  assert.equal(login("http://a"), undefined);
  assert.equal(login("http://me:100%@a"), `Basic ${btoa("me:100%")}`);
  assert.equal(login("http://me:%E2%82%AC@a"), `Basic ${Buffer.from("me:€").toString("base64")}`);
  for (const url of ["socks5://me:secret@a:1", "https://me:secret@a", "http://"]) {
    assert.throws(() => login(url), (error: Error) => {
      assert.match(error.message, /expected http:\/\/host:port/);
      return !error.message.includes("secret");
    }, url);
  }
});
