import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { type Frame, frame, FRAME_BYTES_MAX, frameHeader, FrameReader, withoutPadding } from "./frame.ts";

/** The frames of bytes that arrive in pieces which end at `cuts`. */
function readInPieces(bytes: Buffer, cuts: readonly number[]): Frame[] {
  const reader = new FrameReader();
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  return ends.flatMap((end, index) => [...reader.push(bytes.subarray(ends[index - 1] ?? 0, end))]);
}

const anyFrame = fc.record({
  type: fc.nat(255),
  flags: fc.nat(255),
  streamId: fc.nat(2 ** 31 - 1),
  payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
}, { noNullPrototype: true });

Deno.test("frames come out as they were sent, wherever the network cuts them", () => {
  fc.assert(fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.array(fc.nat()), (frames, cuts) => {
    const bytes = Buffer.concat(
      frames.map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, payload)),
    );
    assert.deepEqual(readInPieces(bytes, cuts), frames);
    assert.deepEqual(readInPieces(bytes, [...bytes.keys()]), frames, "byte by byte");
  }));
});

Deno.test("the bit of an id that is reserved means nothing", () => {
  const bytes = frame(0, 0, 5, Buffer.alloc(0));
  bytes[5] = 0x80;
  assert.equal(readInPieces(bytes, [])[0]?.streamId, 5);
});

Deno.test("the longest frame is taken, and at a longer one the reader stops before its bytes have come", () => {
  const longest = Buffer.alloc(FRAME_BYTES_MAX, 7);
  assert.equal(readInPieces(frame(0, 0, 1, longest), [9, 100])[0]?.payload.length, FRAME_BYTES_MAX);
  const tooLong = frameHeader(0, 0, 1, FRAME_BYTES_MAX + 1);
  assert.throws(() => [...new FrameReader().push(tooLong)], { code: 6 });
});

Deno.test("padding is taken away, and is never longer than its frame", () => {
  const read = (
    flags: number,
    ...payload: number[]
  ) => [...withoutPadding({ type: 0, flags, streamId: 1, payload: Buffer.from(payload) })];
  assert.deepEqual(read(0, 2, 1, 0, 0), [2, 1, 0, 0]);
  assert.deepEqual(read(0x8, 2, 1, 0, 0), [1]);
  assert.deepEqual(read(0x8, 3, 0, 0, 0), []);
  assert.throws(() => read(0x8, 4, 0, 0, 0), { code: 1 });
  assert.throws(() => read(0x8), { code: 1 });
});
