import assert from "node:assert/strict";
import * as fc from "fast-check";
import { LookCounter } from "../../testing/look_counter.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { findLies } from "./lies.ts";
import { Offers, pickPiece } from "./plan.ts";

const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 100 });
const offers = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.array(fc.constantFrom("a", "b", "c", "d"))))
  .map(offersOf);

function offersOf(entries: Iterable<readonly [number, readonly string[]]>): Offers<string> {
  const offers = new Offers<string>();
  for (const [number, holders] of entries) offers.set(number, holders);
  return offers;
}

Deno.test("a pick is an offered piece with a holder, and there is one as long as there is such an offer", () => {
  fc.assert(fc.property(offers, numbers, fc.integer(), (offers, readerPieces, seed) => {
    const pick = pickPiece({ offers, readerPieces, isFree: () => true }, seededRandom(seed));
    const hasOffer = offers.pieces.length > 0;
    assert.equal(pick !== undefined, hasOffer);
    if (pick !== undefined) assert.ok(offers.holders(pick).length > 0);
  }));
});

Deno.test("a piece that a reader waits for is picked before any other", () => {
  fc.assert(fc.property(offers, fc.integer({ min: 0, max: 99 }), fc.integer(), (offers, position, seed) => {
    fc.pre(offers.holders(position).length > 0);
    assert.equal(pickPiece({ offers, readerPieces: [position], isFree: () => true }, seededRandom(seed)), position);
  }));
});

Deno.test("without readers, no piece is picked while a rarer one is offered", () => {
  fc.assert(fc.property(offers, fc.integer(), (offers, seed) => {
    const pick = pickPiece({ offers, readerPieces: [], isFree: () => true }, seededRandom(seed));
    const counts = offers.pieces.map((number) => offers.holders(number).length);
    if (pick !== undefined) assert.equal(offers.holders(pick).length, Math.min(...counts));
  }));
});

Deno.test("children of one parent pick different pieces, so that they can serve each other", () => {
  const offers = offersOf(Array.from({ length: 100 }, (_, number) => [number, ["seed"]]));
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
  const offers = offersOf([[0, ["busy"]], [1, ["busy", "free"]], [2, ["busy"]]]);
  const isFree = (holder: string) => holder === "free";
  for (let seed = 1; seed <= 20; seed++) {
    assert.equal(pickPiece({ offers, readerPieces: [0], isFree }, seededRandom(seed)), 1);
    assert.equal(pickPiece({ offers, readerPieces: [], isFree }, seededRandom(seed)), 1);
  }
  assert.equal(pickPiece({ offers, readerPieces: [0], isFree: () => false }, seededRandom(1)), undefined);
});

Deno.test("a pick of 10,000 pieces of 20 parents looks at no more of them than of 100", () => {
  const parents = Array.from({ length: 20 }, (_, index) => `parent ${index}`);
  const looksFor = (pieces: number) => {
    const random = seededRandom(3);
    const offers = new Offers<string>();
    for (let number = 0; number < pieces; number++) offers.set(number, parents.slice(0, 1 + random.below(20)));
    using counter = new LookCounter();
    for (let picks = 0; picks < 100; picks++) {
      const number = pickPiece({ offers, readerPieces: [5], isFree: (parent) => parent.endsWith("9") }, random);
      if (number !== undefined) offers.delete(number);
    }
    return counter.looks / 100;
  };
  const [few, many] = [looksFor(100), looksFor(10_000)];
  assert.ok(many <= 600 && many <= 2 * few, `${few} looks for few pieces, ${many} for many`);
});

Deno.test("what is offered anew or taken back counts as it is now", () => {
  const offers = offersOf([[0, ["a"]], [1, ["a", "b"]]]);
  const pick = () => pickPiece({ offers, readerPieces: [], isFree: () => true }, seededRandom(1));
  assert.equal(pick(), 0);
  offers.set(0, ["a", "b", "c"]);
  assert.equal(pick(), 1);
  offers.delete(1);
  offers.delete(7);
  assert.equal(pick(), 0);
  offers.set(0, []);
  assert.deepEqual([pick(), offers.pieces], [undefined, []]);
});
