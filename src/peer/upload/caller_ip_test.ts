import assert from "node:assert/strict";
import { isLoopback } from "../../http/destination.ts";
import { callerIp } from "./caller_ip.ts";

Deno.test("the address of a caller is what stands before the port", () => {
  assert.equal(callerIp("192.0.2.9:4000"), "192.0.2.9");
  for (const peer of ["::1:4000", "[::1]:4000", "::ffff:127.0.0.1:4000"]) {
    assert.equal(isLoopback(callerIp(peer)), true, peer);
  }
});

Deno.test("a caller that is not known is nobody of this host", () => {
  for (const peer of ["", "unknown", ":4000"]) assert.equal(isLoopback(callerIp(peer)), false, peer);
});
