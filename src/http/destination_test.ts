import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { parseCidr } from "../core/ip.ts";
import { Destinations, isLoopback } from "./destination.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "registry.corp": ["10.0.0.7", "192.0.2.7"],
  "metadata.google.internal": ["169.254.169.254"],
  "zoned.example": ["fe80::1%2"],
  "rebound.example": ["192.0.2.1", "127.0.0.1"],
  "localhost": ["::1", "127.0.0.1"],
};

function destinationsWith(networks: { readonly denied?: string[]; readonly allowed?: string[] } = {}): Destinations {
  const resolve = (hostname: string) => {
    const addresses = NAMES[hostname];
    if (addresses === undefined) throw new DamselflyError("unavailable", "no such name");
    return Promise.resolve([...addresses]);
  };
  return new Destinations({ resolve }, {
    isConfigured: (origin) => origin === "http://localhost:5000",
    key: "proxy.registryMirror.upstreams",
    denied: networks.denied?.map(parseCidr),
    allowed: networks.allowed?.map(parseCidr),
  });
}

const destinations = destinationsWith();

/** The host as a request writes it goes through a URL, as all hosts of requests do. */
function ask(host: string, remoteIp: string, port = 80, of = destinations): Promise<string[]> {
  const { hostname, origin } = new URL(`http://${host}:${port}`);
  return of.addressesOf({ origin, hostname, remoteIp });
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
    ...["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.254.169.254.", "１６９.254.169.254"],
    ...["[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[::a9fe:a9fe]", "[::169.254.169.254]"],
  ];
  for (const host of hosts) {
    for (const remote of [OWN, OTHER]) await assert.rejects(ask(host, remote), { code: "permission_denied" }, host);
  }
});

Deno.test("only this host's own processes get to its own services", async () => {
  const hosts = [
    ...["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"],
    ...["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "LOCALHOST", "[0:0:0:0:0:FFFF:7F00:0001]"],
    ...["[2002:7f00:1::]", "[::7f00:1]", "[64:ff9b:1::127.0.0.1]"],
  ];
  for (const host of hosts) {
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

Deno.test("a request keeps to what was looked at, one to a configured origin need not, and a name may be known elsewhere", async () => {
  const check = (host: string) => {
    const { hostname, origin } = new URL(`http://${host}`);
    return destinations.check({ origin, hostname, remoteIp: OTHER });
  };
  assert.deepEqual(await check("registry.corp"), ["10.0.0.7", "192.0.2.7"]);
  assert.equal(await check("localhost:5000"), undefined);
  assert.deepEqual(await check("unknown.example"), []);
  await assert.rejects(check("localhost:5001"), { code: "permission_denied" });
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

Deno.test("an address that a network makes one of this host is no process of it", async () => {
  for (const remote of ["64:ff9b::7f00:1", "2002:7f00:1::1", "::7f00:1"]) {
    assert.equal(isLoopback(remote), false);
    await assert.rejects(ask("localhost", remote), { code: "permission_denied" }, remote);
  }
});

Deno.test("nobody is sent to a denied network, however its addresses are written, and to others as before", async () => {
  const narrowed = destinationsWith({ denied: ["10.0.0.0/8", "fd00::/8", "127.0.0.0/30"] });
  const hosts = [
    ...["10.0.0.7", "167772167", "0xa.7", "012.0.0.7", "[::ffff:10.0.0.7]", "[::ffff:a00:7]", "[fd00::1]"],
    ...["[64:ff9b::a00:7]", "[2002:a00:7::]", "registry.corp", "localhost", "127.0.0.1"],
  ];
  for (const host of hosts) {
    const denied = { code: "permission_denied", message: /security\.deniedNetworks/ };
    await assert.rejects(ask(host, OWN, 80, narrowed), denied, host);
    await assert.rejects(ask(host, OTHER, 80, narrowed), { code: "permission_denied" }, host);
  }
  assert.deepEqual(await ask("192.0.2.7", OTHER, 80, narrowed), ["192.0.2.7"]);
  assert.deepEqual(await ask("127.0.0.9", OWN, 80, narrowed), ["127.0.0.9"]);
  assert.deepEqual(await ask("localhost", OTHER, 5000, narrowed), ["::1", "127.0.0.1"]);
});

Deno.test("where networks are allowed nobody is sent elsewhere, and what is refused in any case stays refused", async () => {
  const narrowed = destinationsWith({
    allowed: ["10.0.0.0/8", "169.254.0.0/16", "127.0.0.0/8"],
    denied: ["10.9.0.0/16"],
  });
  assert.deepEqual(await ask("10.0.0.7", OTHER, 80, narrowed), ["10.0.0.7"]);
  assert.deepEqual(await ask("[::ffff:10.0.0.7]", OTHER, 80, narrowed), ["::ffff:a00:7"]);
  assert.deepEqual(await ask("127.0.0.1", OWN, 80, narrowed), ["127.0.0.1"]);
  for (const host of ["192.0.2.7", "registry.corp", "[2001:db8::1]", "[64:ff9b::a00:7]", "[::1]", "2130706433"]) {
    await assert.rejects(ask(host, OTHER, 80, narrowed), { code: "permission_denied" }, host);
  }
  await assert.rejects(ask("192.0.2.7", OWN, 80, narrowed), { message: /not in security\.allowedNetworks/ });
  await assert.rejects(ask("10.9.0.1", OTHER, 80, narrowed), { message: /deniedNetworks/ });
  await assert.rejects(ask("169.254.169.254", OWN, 80, narrowed), { code: "permission_denied" });
  assert.deepEqual(await ask("localhost", OTHER, 5000, narrowed), ["::1", "127.0.0.1"]);
});
