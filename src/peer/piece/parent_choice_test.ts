import assert from "node:assert/strict";
import fc from "fast-check";
import { Network } from "../../rpc/gen/common/v2/common.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { chooseParent, parentWeight } from "./parent_choice.ts";

Deno.test("a parent weighs what it can still send, a tenth of all when it is busy, and much when it says nothing", () => {
  assert.equal(parentWeight(Network.create({ maxTxBandwidth: 1000, txBandwidth: 400 })), 600);
  assert.equal(parentWeight(Network.create({ maxTxBandwidth: 1000, txBandwidth: 990 })), 100);
  assert.equal(parentWeight(Network.create({ maxTxBandwidth: 1000, txBandwidth: 5000 })), 100);
  assert.equal(parentWeight(Network.create({ maxTxBandwidth: 1000 })), 1000);
  assert.equal(parentWeight(Network.create({})), 1e10);
  assert.equal(parentWeight(undefined), 1e10);
});

const parents = fc.array(fc.record({ weight: fc.nat(1e9), inFlight: fc.nat(20) }), { minLength: 1, maxLength: 8 });

Deno.test("there is always a choice among parents, and never one of weight 0 besides others", () => {
  fc.assert(fc.property(parents, fc.nat(), (candidates, seed) => {
    const chosen = chooseParent(candidates, seededRandom(seed));
    assert(chosen !== undefined && candidates.includes(chosen));
    assert(chosen.weight > 0 || candidates.every(({ weight }) => weight === 0));
  }));
  assert.equal(chooseParent([], seededRandom(1)), undefined);
});

function shares(candidates: readonly { weight: number; inFlight: number }[]): number[] {
  const random = seededRandom(42);
  const counts = candidates.map(() => 0);
  for (let turn = 0; turn < 20_000; turn++) {
    const index = candidates.indexOf(chooseParent(candidates, random) ?? assert.fail());
    counts[index] = (counts[index] ?? 0) + 1 / 20_000;
  }
  return counts.map((share) => Math.round(share * 10) / 10);
}

Deno.test("parents are chosen in proportion to their weight, shared by what is in flight", () => {
  assert.deepEqual(shares([{ weight: 30, inFlight: 0 }, { weight: 10, inFlight: 0 }]), [0.8, 0.2]);
  assert.deepEqual(shares([{ weight: 10, inFlight: 3 }, { weight: 10, inFlight: 0 }]), [0.2, 0.8]);
  assert.deepEqual(shares([{ weight: 0, inFlight: 3 }, { weight: 0, inFlight: 0 }]), [0.5, 0.5]);
});
