import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import { addressesMeant, ipBytes, parseCidr, unmapIp } from "./ip.ts";

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

Deno.test("a block holds the addresses that the system's own rules say, and no text that is none", () => {
  const octet = fc.constantFrom(0, 1, 127, 128, 254, 255);
  const v4 = fc.tuple(octet, octet, octet, octet).map((bytes) => bytes.join("."));
  const group = fc.constantFrom("0", "1", "7fff", "8000", "ffff");
  const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => `2001:${groups.slice(1).join(":")}`);
  for (const [family, address, bitsMax] of [["ipv4", v4, 32], ["ipv6", v6, 128]] as const) {
    fc.assert(fc.property(address, address, fc.integer({ min: 0, max: bitsMax }), (block, ip, bits) => {
      const system = new BlockList();
      system.addSubnet(block, bits, family);
      assert.equal(parseCidr(`${block}/${bits}`).contains(ip), system.check(ip, family));
    }));
  }
  for (const other of ["", "10.1.2", "example.com", "::1", "fe80::1%eth0"]) {
    assert.equal(parseCidr("0.0.0.0/0").contains(other), false);
  }
  assert.equal(parseCidr("::/0").contains("10.0.0.1"), false);
  assert.equal(parseCidr("10.0.0.0/8").contains("::ffff:10.9.9.9"), true);
});

Deno.test("addressesMeant() finds the IPv4 address behind an IPv6 one, and takes zones away", () => {
  const hidden = [
    ...["64:ff9b::a00:7", "64:ff9b::10.0.0.7", "64:ff9b:1::a00:7", "64:ff9b:1:2:3:4:10.0.0.7"],
    ...["2002:a00:7::", "2002:a00:7:1::9", "::a00:7", "::10.0.0.7", "64:FF9B::A00:7%eth0"],
  ];
  for (const text of hidden) assert.equal(addressesMeant(text)[1], "10.0.0.7", text);
  for (const text of ["10.0.0.7", "::ffff:10.0.0.7", "::", "::1", "2001:db8::a00:7", "64:ff9b:2::a00:7"]) {
    assert.deepEqual(addressesMeant(text), [text]);
  }
  assert.deepEqual(addressesMeant("fe80::1%2"), ["fe80::1"]);
});
