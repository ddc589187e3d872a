import assert from "node:assert/strict";
import fc from "fast-check";
import {
  askedPieceLength,
  isOwnPlan,
  PIECE_LENGTH_MAX,
  PIECE_LENGTH_MIN,
  pieceAt,
  pieceLengthOf,
  piecePlan,
  pieceRange,
  piecesOf,
  planByRule,
  planWith,
} from "./piece.ts";

const MIB = 1024 * 1024;
const lengths = fc.integer({ min: 1, max: 2 ** 40 });

Deno.test("pieceRange() tiles the content without gap or overlap", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1 << 20 }), fc.integer({ min: 1, max: 4096 }), (content, length) => {
    const plan = piecePlan(content, length);
    let position = 0;
    for (let number = 0; number < plan.pieceCount; number++) {
      const range = pieceRange(plan, number);
      assert.equal(range.start, position);
      assert.equal(pieceAt(plan, range.start), number);
      assert.equal(pieceAt(plan, range.end - 1), number);
      position = range.end;
    }
    assert.equal(position, content);
  }));
});

Deno.test("piecesOf() names exactly the pieces that overlap a range", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 5000 }),
    fc.integer({ min: 1, max: 700 }),
    fc.nat(5000),
    fc.nat(5000),
    (content, length, a, b) => {
      const plan = piecePlan(content, length);
      const range = { start: Math.min(a, b), end: Math.min(content, Math.max(a, b)) };
      const overlapping = Array.from({ length: plan.pieceCount }, (_, number) => number).filter((number) => {
        const piece = pieceRange(plan, number);
        return piece.start < range.end && range.start < piece.end && range.end > range.start;
      });
      assert.deepEqual(piecesOf(plan, range), overlapping);
    },
  ));
});

Deno.test("pieceLengthOf() with the stock rule gives the lengths of wire.md", () => {
  assert.equal(pieceLengthOf(0, "dragonfly"), 4 * MIB);
  assert.equal(pieceLengthOf(500 * 4 * MIB, "dragonfly"), 4 * MIB);
  assert.equal(pieceLengthOf(500 * 4 * MIB + 500, "dragonfly"), 8 * MIB);
  assert.equal(pieceLengthOf(500 * 32 * MIB + 500, "dragonfly"), 64 * MIB);
  assert.equal(pieceLengthOf(2 ** 45, "dragonfly"), 64 * MIB);
});

Deno.test("pieceLengthOf() gives powers of two within bounds, never shorter for a longer content", () => {
  for (const rule of ["damselfly", "dragonfly"] as const) {
    fc.assert(fc.property(lengths, lengths, (a, b) => {
      const [short, long] = [Math.min(a, b), Math.max(a, b)].map((length) => pieceLengthOf(length, rule));
      assert.ok(Number.isInteger(Math.log2(short ?? 0)) && (short ?? 0) <= (long ?? 0));
    }));
  }
});

Deno.test("pieceLengthOf() cuts a layer of 500 MiB fine enough for a thousand peers", () => {
  assert.ok(piecePlan(500 * MIB, pieceLengthOf(500 * MIB, "damselfly")).pieceCount >= 180);
});

Deno.test("a piece length that somebody asks for is a whole number of bytes from 4 MiB to 64 MiB", () => {
  for (const bytes of [PIECE_LENGTH_MIN, PIECE_LENGTH_MIN + 1, PIECE_LENGTH_MAX]) {
    assert.equal(askedPieceLength(bytes), bytes);
  }
  for (const bytes of [0, 8, PIECE_LENGTH_MIN - 1, PIECE_LENGTH_MAX + 1, PIECE_LENGTH_MIN + 0.5, NaN, Infinity, -1]) {
    assert.throws(() => askedPieceLength(bytes), { code: "invalid_argument", message: /expected 4MiB to 64MiB/ });
  }
});

Deno.test("one piece of a content shows how all of it is cut", () => {
  const lengths = fc.record({
    content: fc.integer({ min: 1, max: 2 ** 33 }),
    piece: fc.integer({ min: 512, max: 65_536 }),
  });
  fc.assert(fc.property(lengths, fc.nat(), ({ content, piece }, at) => {
    const plan = piecePlan(content, piece * 1024);
    const number = at % plan.pieceCount;
    const { start, end } = pieceRange(plan, number);
    const shown = planWith(content, { number, offset: start, length: end - start });
    assert.ok(shown);
    assert.deepEqual(pieceRange(shown, number), { start, end });
    if (plan.pieceCount > 1) assert.deepEqual(shown, plan);
  }));
});

Deno.test("a piece that no usual cut has shows nothing", () => {
  const content = 9 * MIB;
  const wrong = [
    { number: 1, offset: 4 * MIB, length: 3 * MIB },
    { number: 2, offset: 4 * MIB + 1, length: MIB },
    { number: 0, offset: 1, length: 4 * MIB },
    { number: 0, offset: 0, length: 100 },
    { number: 9 * MIB - 1, offset: 9 * MIB - 1, length: 1 },
    { number: 0, offset: 0, length: 0 },
    { number: 3, offset: 12 * MIB, length: 4 * MIB },
    { number: 0, offset: 0, length: 10 * MIB },
  ];
  for (const piece of wrong) assert.equal(planWith(content, piece), undefined, JSON.stringify(piece));
  assert.equal(planWith(100 * MIB, { number: 0, offset: 0, length: 65 * MIB }), undefined);
  assert.equal(planWith(MIB, { number: 0, offset: 0, length: MIB })?.pieceLength, 4 * MIB);
});

Deno.test("a plan is our own when peers of the stock rule cut the content otherwise", () => {
  const ownAt = (content: number) => isOwnPlan(planByRule(content, "damselfly"));
  assert.deepEqual([1, 512 * 1024, 512 * 1024 + 1, 100 * MIB].map(ownAt), [false, false, true, true]);
  assert.equal(ownAt(1536 * MIB), false, "there both rules say 4 MiB");
  assert.equal(isOwnPlan(planByRule(100 * MIB, "dragonfly")), false);
  assert.equal(isOwnPlan(piecePlan(100 * MIB, MIB)), false);
});
