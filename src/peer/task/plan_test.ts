import assert from "node:assert/strict";
import * as fc from "fast-check";
import { seededRandom } from "../../testing/seeded_random.ts";
import { findLies } from "./lies.ts";
import { pickPiece } from "./plan.ts";

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 100 });
const offers = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.array(fc.constantFrom("a", "b", "c", "d"))))
  .map((entries) => new Map(entries));

Deno.test("a pick is an offered piece with a holder, and there is one as long as there is such an offer", () => {
  fc.assert(fc.property(offers, numbers, fc.integer(), (offers, readerPieces, seed) => {
    const pick = pickPiece({ offers, readerPieces, isFree: () => true }, seededRandom(seed));
    const hasOffer = [...offers.values()].some(({ length }) => length > 0);
    assert.equal(pick !== undefined, hasOffer);
    if (pick !== undefined) assert.ok((offers.get(pick)?.length ?? 0) > 0);
  }));
});

Deno.test("a piece that a reader waits for is picked before any other", () => {
  fc.assert(fc.property(offers, fc.integer({ min: 0, max: 99 }), fc.integer(), (offers, position, seed) => {
    fc.pre((offers.get(position)?.length ?? 0) > 0);
    assert.equal(pickPiece({ offers, readerPieces: [position], isFree: () => true }, seededRandom(seed)), position);
  }));
});

Deno.test("without readers, no piece is picked while a rarer one is offered", () => {
  fc.assert(fc.property(offers, fc.integer(), (offers, seed) => {
    const pick = pickPiece({ offers, readerPieces: [], isFree: () => true }, seededRandom(seed));
    const counts = [...offers.values()].map(({ length }) => length).filter((length) => length > 0);
    if (pick !== undefined) assert.equal(offers.get(pick)?.length, Math.min(...counts));
  }));
});

Deno.test("children of one parent pick different pieces, so that they can serve each other", () => {
  const offers = new Map(Array.from({ length: 100 }, (_, number) => [number, ["seed"]]));
  const picks = Array.from(
    { length: 50 },
    (_, seed) => pickPiece({ offers, readerPieces: [], isFree: () => true }, seededRandom(seed)),
  );
  assert.ok(new Set(picks).size > 25);
});

Deno.test("only parents whose pieces differ from the source's are liars, each named once", () => {
  const from = (number: number, parentId: string, digest: string) =>
    ({ number, digest, parentId, trafficType: "remote_peer", costMs: 1, finishedAtMs: 1 }) as const;
  const claimed = [from(0, "a", "x"), from(1, "b", "true"), from(2, "a", "y"), from(3, "", "z")];
  assert.deepEqual(findLies(claimed, () => "true"), [{ parentId: "a", pieceNumber: 0 }]);
});

Deno.test("no piece is fetched from a parent that gives us enough already", () => {
  const offers = new Map([[0, ["busy"]], [1, ["busy", "free"]], [2, ["busy"]]]);
  const isFree = (holder: string) => holder === "free";
  for (let seed = 1; seed <= 20; seed++) {
    assert.equal(pickPiece({ offers, readerPieces: [0], isFree }, seededRandom(seed)), 1);
    assert.equal(pickPiece({ offers, readerPieces: [], isFree }, seededRandom(seed)), 1);
  }
  assert.equal(pickPiece({ offers, readerPieces: [0], isFree: () => false }, seededRandom(1)), undefined);
});
