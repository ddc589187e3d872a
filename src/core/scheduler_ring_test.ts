import assert from "node:assert/strict";
import fc from "fast-check";
import { keyHash, nodeHash, SchedulerRing } from "./scheduler_ring.ts";
import { sipHash24 } from "./siphash.ts";

const pair = [{ ip: "10.0.0.1", port: 8002 }, { ip: "10.0.0.2", port: 8002 }];

Deno.test("nodeHash() gives the hashes of the wire vectors", () => {
  assert.equal(nodeHash({ ip: "10.0.0.1", port: 8002 }), 0x9948a09af7ec8deen);
  assert.equal(nodeHash({ ip: "10.0.0.2", port: 8002 }), 0x3c5a35daa4177512n);
  assert.equal(nodeHash({ ip: "127.0.0.1", port: 8002 }), 0x2c30ce45aaaf7546n);
  assert.equal(nodeHash({ ip: "::1", port: 8002 }), 0x3f52c1d091552b23n);
});

Deno.test("keyHash() and pick() give the choices of the wire vectors", () => {
  const ring = new SchedulerRing(pair);
  const vectors: [string, bigint, string][] = [
    ["5844f27a257287e9", 0xefec496e8810c73an, "10.0.0.2"],
    ["00003", 0x95cc005458c19487n, "10.0.0.1"],
    ["00000", 0x32266d2bbc957c60n, "10.0.0.2"],
    ["00008", 0x743bcd80784fd76cn, "10.0.0.1"],
  ];
  for (const [taskId, hash, ip] of vectors) {
    assert.equal(keyHash(taskId), hash);
    assert.equal(ring.pick(taskId)?.ip, ip);
  }
});

Deno.test("sipHash24() gives the published vector with its key replaced by zero", () => {
  // Empty input, key (0, 0): the value of the reference implementation.
  assert.equal(sipHash24(new Uint8Array()), 0x1e924b9d737700d7n);
});

Deno.test("pick() does not depend on the order of the addresses, and an empty ring has none", () => {
  assert.equal(new SchedulerRing([]).pick("abcde"), undefined);
  fc.assert(
    fc.property(fc.shuffledSubarray(pair, { minLength: 2 }), fc.string({ minLength: 5 }), (addresses, taskId) => {
      assert.deepEqual(new SchedulerRing(addresses).pick(taskId), new SchedulerRing(pair).pick(taskId));
    }),
  );
});

Deno.test("a scheduler that leaves only moves the tasks it had", () => {
  fc.assert(fc.property(fc.string({ minLength: 5 }), (taskId) => {
    const three = new SchedulerRing([...pair, { ip: "10.0.0.3", port: 8002 }]).pick(taskId);
    if (three?.ip !== "10.0.0.3") assert.deepEqual(new SchedulerRing(pair).pick(taskId), three);
  }));
});
