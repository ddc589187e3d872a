import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  formatHostPort,
  parseGrpcAddress,
  parseHostPort,
  parseHttpUrl,
  parseIp,
  parseListenAddress,
} from "./addresses.ts";

Deno.test("parseHostPort() reads names and both kinds of IP address", () => {
  deepEqual(parseHostPort("dragonfly-scheduler.ns.svc:8002"), { hostname: "dragonfly-scheduler.ns.svc", port: 8002 });
  deepEqual(parseHostPort("10.0.0.1:80"), { hostname: "10.0.0.1", port: 80 });
  deepEqual(parseHostPort("[fd00::1]:80"), { hostname: "fd00::1", port: 80 });
});

Deno.test("parseHostPort() refuses a missing port, a port that does not exist, and bare IPv6", () => {
  for (
    const text of [
      "",
      "host",
      "host:",
      ":80",
      "host:65536",
      "host:-1",
      "fd00::1:80",
      "[nope]:80",
      "a b:80",
      "a/b:80",
      "-a:80",
    ]
  ) {
    throws(() => parseHostPort(text), { code: "invalid_argument" }, text);
  }
});

Deno.test("formatHostPort() writes what parseHostPort() reads", () => {
  const hostname = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(fc.property(hostname, fc.integer({ min: 0, max: 65535 }), (hostname, port) => {
    deepEqual(parseHostPort(formatHostPort({ hostname, port })), { hostname, port });
  }));
});

Deno.test("parseListenAddress() takes a bare port as every interface", () => {
  deepEqual(parseListenAddress(":8080"), { hostname: "0.0.0.0", port: 8080 });
  deepEqual(parseListenAddress("127.0.0.1:8080"), { hostname: "127.0.0.1", port: 8080 });
});

Deno.test("parseGrpcAddress() reads Dragonfly's URLs and the bare address, and tells which ask for TLS", () => {
  const manager = { hostname: "manager", port: 65003 };
  deepEqual(parseGrpcAddress("http://manager:65003"), { ...manager, tls: false });
  deepEqual(parseGrpcAddress("manager:65003"), { ...manager, tls: false });
  deepEqual(parseGrpcAddress("https://manager:65003/"), { ...manager, tls: true });
});

Deno.test("parseHttpUrl() drops a slash at the end and refuses other schemes", () => {
  equal(parseHttpUrl("https://index.docker.io/"), "https://index.docker.io");
  equal(parseHttpUrl("http://reg.corp:5000/prefix/"), "http://reg.corp:5000/prefix");
  for (const text of ["ftp://x", "index.docker.io", "", "https://x/?a=b", "https://x/#a"]) {
    throws(() => parseHttpUrl(text), { code: "invalid_argument" }, text);
  }
});

Deno.test("errors about addresses do not repeat a password", () => {
  for (const text of ["https://me:hunter2@x", "ftp://me:hunter2@x", "me:hunter2@x:80x", "http://me:hunter2@:80"]) {
    for (const parse of [parseHttpUrl, parseGrpcAddress, parseHostPort]) {
      throws(() => parse(text), (error: Error) => !error.message.includes("hunter2"), text);
    }
  }
});

Deno.test("parseIp() refuses names", () => {
  equal(parseIp("fd00::1"), "fd00::1");
  throws(() => parseIp("localhost"), { code: "invalid_argument" });
});
