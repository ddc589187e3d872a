import assert from "node:assert/strict";
import { parseCidr } from "../../core/ip.ts";
import { clientAddress } from "./client_address.ts";

const NOBODY = { cidrs: [], header: "x-forwarded-for" };
const PROXIES = { cidrs: [parseCidr("10.0.0.0/8"), parseCidr("127.0.0.1")], header: "x-real-client" };

function ask(hostname: string, headers: Record<string, string> = {}, trusted: typeof PROXIES | typeof NOBODY = NOBODY) {
  return clientAddress(new Headers(headers), { remote: { hostname, port: 1 } }, trusted);
}

Deno.test("without trusted proxies the connection says who is asking, whatever headers say", () => {
  const address = ask("192.0.2.1", { "x-forwarded-for": "127.0.0.1", "x-real-client": "127.0.0.1" });
  assert.deepEqual(address, { ip: "192.0.2.1", network: "192.0.2.1", isLocal: false });
  assert.deepEqual(ask("::ffff:192.0.2.1"), { ip: "192.0.2.1", network: "192.0.2.1", isLocal: false });
});

Deno.test("all addresses of an IPv6 /64 are one caller, those of the next one are another", () => {
  const [a, b, c] = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"].map((ip) => ask(ip).network);
  assert.equal(a, b);
  assert.notEqual(a, c);
});

Deno.test("a caller on this machine is local, unless a proxy there passes the request on", () => {
  for (const ip of ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"]) assert.equal(ask(ip).isLocal, true, ip);
  for (const header of ["forwarded", "x-forwarded-for", "x-real-ip"]) {
    assert.equal(ask("127.0.0.1", { [header]: "192.0.2.1" }).isLocal, false, header);
  }
});

Deno.test("behind trusted proxies the last address of their header that is not one of them counts", () => {
  const via = (value: string, hostname = "10.0.0.1") => ask(hostname, { "x-real-client": value }, PROXIES).ip;
  assert.equal(via("192.0.2.1"), "192.0.2.1");
  assert.equal(via("127.0.0.1, 192.0.2.7, 10.0.0.9"), "192.0.2.7", "what stands before it may be made up");
  assert.equal(via("198.51.100.1, 192.0.2.7, 10.0.0.9"), "192.0.2.7");
  assert.equal(via("192.0.2.1", "192.0.2.99"), "192.0.2.99", "this one is not trusted");
});

Deno.test("a trusted proxy that names nobody makes nobody local", () => {
  for (const value of ["", "not an address", "10.0.0.9, 10.0.0.8", "unknown, 10.0.0.9"]) {
    const address = ask("127.0.0.1", { "x-real-client": value }, PROXIES);
    assert.deepEqual(address, { ip: "127.0.0.1", network: "127.0.0.1", isLocal: false }, value);
  }
});
