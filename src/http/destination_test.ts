import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { Destinations, isLoopback } from "./destination.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "registry.corp": ["10.0.0.7", "192.0.2.7"],
  "metadata.google.internal": ["169.254.169.254"],
  "zoned.example": ["fe80::1%2"],
  "rebound.example": ["192.0.2.1", "127.0.0.1"],
  "localhost": ["::1", "127.0.0.1"],
};

const destinations = new Destinations(
  {
    resolve(hostname) {
      const addresses = NAMES[hostname];
      if (addresses === undefined) throw new DamselflyError("unavailable", "no such name");
      return Promise.resolve([...addresses]);
    },
  },
  (origin) => origin === "http://localhost:5000",
  "proxy.registryMirror.upstreams",
);

function ask(hostname: string, remoteIp: string, port = 80): Promise<string[]> {
  return destinations.addressesOf({ origin: `http://${hostname}:${port}`, hostname, remoteIp });
}

const OWN = "127.0.0.1";
const OTHER = "10.0.0.9";

Deno.test("private and public hosts may be asked for by anybody, by all of their addresses", async () => {
  for (const remote of [OWN, OTHER]) {
    assert.deepEqual(await ask("registry.corp", remote), ["10.0.0.7", "192.0.2.7"]);
    assert.deepEqual(await ask("[2001:db8::1]", remote), ["2001:db8::1"]);
  }
});

Deno.test("nobody gets to link-local and metadata addresses and to none at all, however they are written", async () => {
  const hosts = [
    ...["169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[fe80::1]", "[fd00:ec2::254]"],
    ...["100.100.100.200", "[64:ff9b::6464:64c8]", "168.63.129.16", "[64:ff9b::a83f:8110]", "[fd20:ce::254]"],
    ...["0.0.0.0", "0.1.2.3", "[::]", "metadata.google.internal", "zoned.example"],
  ];
  for (const host of hosts) {
    for (const remote of [OWN, OTHER]) await assert.rejects(ask(host, remote), { code: "permission_denied" }, host);
  }
});

Deno.test("only this host's own processes get to its own services", async () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"]) {
    await ask(host, OWN);
    await ask(host, "::ffff:127.0.0.1");
    await assert.rejects(ask(host, OTHER), { code: "permission_denied", message: /upstreams/ }, host);
  }
});

Deno.test("a name of which one address is forbidden is refused as a whole", async () => {
  await assert.rejects(ask("rebound.example", OTHER), { code: "permission_denied" });
});

Deno.test("what the configuration names is not questioned", async () => {
  assert.deepEqual(await ask("localhost", OTHER, 5000), ["::1", "127.0.0.1"]);
});

Deno.test("an origin at a loopback address is another one on each host, unless the configuration names it", () => {
  assert.equal(destinations.isOfEachHost("http://rebound.example", ["192.0.2.1", "127.0.0.1"]), true);
  assert.equal(destinations.isOfEachHost("http://registry.corp", ["10.0.0.7", "192.0.2.7"]), false);
  assert.equal(destinations.isOfEachHost("http://localhost:5000", ["::1", "127.0.0.1"]), false);
});

Deno.test("isLoopback() knows no other address of this host", () => {
  assert.equal(isLoopback("128.0.0.1"), false);
  assert.equal(isLoopback("::2"), false);
  assert.equal(isLoopback("localhost"), false);
});
