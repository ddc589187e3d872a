import assert from "node:assert/strict";
import { ipBytes, parseCidr, unmapIp } from "./ip.ts";

Deno.test("ipBytes() gives network order for both families, compressed or not", () => {
  assert.deepEqual([...ipBytes("10.0.0.1")], [10, 0, 0, 1]);
  assert.deepEqual([...ipBytes("::1")], [...Array(15).fill(0), 1]);
  assert.deepEqual([...ipBytes("2001:db8::ff00:42:8329")], [
    ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0],
    ...[0, 0, 0xff, 0, 0, 0x42, 0x83, 0x29],
  ]);
  assert.deepEqual([...ipBytes("::ffff:1.2.3.4")].slice(10), [0xff, 0xff, 1, 2, 3, 4]);
  assert.deepEqual([...ipBytes("::")], Array(16).fill(0));
});

Deno.test("ipBytes() refuses what is no address", () => {
  for (const text of ["", "1.2.3", "example.com", "fe80::1%eth0"]) {
    assert.throws(() => ipBytes(text), /Cannot parse IP/);
  }
});

Deno.test("unmapIp() finds the IPv4 address in both spellings of a mapped one", () => {
  assert.equal(unmapIp("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(unmapIp("::FFFF:a00:1"), "10.0.0.1");
  for (const other of ["10.0.0.1", "::1", "::a00:1", "fe80::1%eth0", "example.com"]) {
    assert.equal(unmapIp(other), other);
  }
});

Deno.test("parseCidr() refuses what is no block, a zone included, with one and the same error", () => {
  for (const text of ["", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/x", "fe80::1%eth0/64", "example.com/8"]) {
    assert.throws(() => parseCidr(text), { code: "invalid_argument", message: /Cannot parse CIDR/ });
  }
});
