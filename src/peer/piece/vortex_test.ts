import assert from "node:assert/strict";
import fc from "fast-check";
import { DamselflyError } from "../../core/error.ts";
import {
  CONTENT_VALUE_BYTES_MAX,
  decodeContent,
  decodeError,
  decodeHeader,
  decodeRequest,
  encodeContent,
  encodeError,
  encodeRequest,
  ERROR_VALUE_BYTES_MAX,
  familyOfRequest,
  VORTEX_HEADER_BYTES,
  VORTEX_TAG,
} from "./vortex.ts";

const hexOf = (bytes: Uint8Array) => bytes.toHex();
const isInvalid = (error: unknown) => error instanceof DamselflyError && error.code === "invalid_argument";

Deno.test("a request is header, 64 characters of task id and the piece number, big-endian", () => {
  const bytes = encodeRequest({ taskId: "0123456789abcdef".repeat(4), pieceNumber: 0x01020304 });
  assert.equal(
    hexOf(bytes),
    "00" + "00" + "00000044" + "30313233343536373839616263646566".repeat(4) + "01020304",
  );
  assert.deepEqual(decodeHeader(bytes), { tag: 0, valueLength: 68 });
});

Deno.test("a content is header, lengths, number, offset, digest, parent, traffic type, cost and time of birth", () => {
  const bytes = encodeContent({
    pieceNumber: 7,
    offset: 29_360_128,
    length: 4_194_304,
    digest: "crc32:222957957",
    parentId: "p1",
    trafficType: 1,
    costSeconds: 3,
    createdAtSeconds: 1_700_000_000,
  });
  const expected = [
    ...["00", "01", "00000042"], // id, tag, 4 + 62
    ...["0000003e", "00000007", "0000000001c00000", "0000000000400000"], // 62 = 45 + 15 + 2
    ...["0000000f", "63726333323a323232393537393537"],
    ...["00000002", "7031", "01", "0000000000000003", "000000006553f100"],
  ].join("");
  assert.equal(hexOf(bytes), expected);
  assert.equal(decodeHeader(bytes).valueLength, bytes.length - VORTEX_HEADER_BYTES);
});

Deno.test("an error is one byte and a text", () => {
  assert.equal(hexOf(encodeError("not_found", "no")), "00ff00000003" + "02" + "6e6f");
  assert.equal(hexOf(encodeError("unavailable", "")), "00ff00000001" + "00");
  const error = decodeError(encodeError("not_found", "gone").subarray(VORTEX_HEADER_BYTES));
  assert.deepEqual([error.code, error.message.includes("gone")], ["not_found", true]);
  assert.equal(decodeError(new Uint8Array([3])).code, "unavailable");
  assert.equal(decodeError(new Uint8Array()).code, "unavailable");
  assert.equal(encodeError("internal", "x".repeat(5000)).length, VORTEX_HEADER_BYTES + ERROR_VALUE_BYTES_MAX);
});

Deno.test("what is encoded decodes to itself", () => {
  const taskId = fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: 8, maxLength: 128 }).map((c) =>
    c.join("")
  );
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const u64 = fc.maxSafeNat();
  const pieceLength = fc.integer({ min: 512 << 10, max: 64 << 20 });
  const request = fc.record({ taskId, pieceNumber: u32, pieceLength }, {
    noNullPrototype: true,
    requiredKeys: ["taskId", "pieceNumber"],
  });
  fc.assert(fc.property(request, (request) => {
    const bytes = encodeRequest(request);
    const { tag, valueLength } = decodeHeader(bytes);
    assert.equal(tag, "pieceLength" in request ? VORTEX_TAG.requestOfCut : VORTEX_TAG.standard.request);
    assert.equal(familyOfRequest(tag), "standard");
    assert.equal(valueLength, bytes.length - VORTEX_HEADER_BYTES);
    assert.deepEqual(decodeRequest(bytes.subarray(VORTEX_HEADER_BYTES), tag), request);
  }));
  const content = fc.record({
    pieceNumber: u32,
    offset: u64,
    length: u64,
    digest: fc.string({ maxLength: 60, unit: "grapheme" }).filter((text) =>
      new TextEncoder().encode(text).length <= 256
    ),
    parentId: fc.string({ maxLength: 500 }),
    trafficType: fc.nat(255),
    costSeconds: u64,
    createdAtSeconds: fc.integer(),
  }, { noNullPrototype: true });
  fc.assert(fc.property(content, (value) => {
    assert.deepEqual(decodeContent(encodeContent(value).subarray(VORTEX_HEADER_BYTES)), value);
  }));
});

Deno.test("garbage is refused with an error of ours, never with a crash", () => {
  const bytes = fc.uint8Array({ maxLength: CONTENT_VALUE_BYTES_MAX + 10 });
  const refuses = (decode: (value: Uint8Array) => unknown) => (value: Uint8Array) => {
    try {
      decode(value);
    } catch (error) {
      assert(isInvalid(error), String(error));
    }
  };
  for (const tag of [VORTEX_TAG.standard.request, VORTEX_TAG.requestOfCut]) {
    fc.assert(fc.property(bytes, refuses((value) => decodeRequest(value, tag))));
  }
  fc.assert(fc.property(bytes, refuses(decodeContent)));
  fc.assert(fc.property(bytes, (value) => void decodeError(value)));
});

Deno.test("a content cut or changed at any byte is refused or read as another content, and never reads past its end", () => {
  const good = encodeContent({
    ...{ pieceNumber: 1, offset: 10, length: 20, digest: "crc32:5", parentId: "abc", trafficType: 1 },
    ...{ costSeconds: 0, createdAtSeconds: 5 },
  }).subarray(VORTEX_HEADER_BYTES);
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => decodeContent(good.subarray(0, length)), isInvalid);
  }
  assert.throws(() => decodeContent(new Uint8Array([...good, 0])), isInvalid);
  for (const at of [0, 4, 8, 16, 24, 28, 35, 39]) {
    const bad = good.slice();
    bad[at] = 0xff;
    try {
      decodeContent(bad);
    } catch (error) {
      assert(isInvalid(error));
    }
  }
});

Deno.test("a piece length that no peer uses is no request", () => {
  const { requestOfCut } = VORTEX_TAG;
  for (const pieceLength of [0, 1, (512 << 10) - 1, (64 << 20) + 1]) {
    const bytes = encodeRequest({ taskId: "ab".repeat(32), pieceNumber: 0, pieceLength });
    assert.throws(() => decodeRequest(bytes.subarray(VORTEX_HEADER_BYTES), requestOfCut), isInvalid);
  }
});

Deno.test("an id that is not made of hex digits cannot be asked for", () => {
  for (const taskId of ["", "abc", "g".repeat(64), "../".repeat(20), "a".repeat(129)]) {
    assert.throws(() => encodeRequest({ taskId, pieceNumber: 0 }), isInvalid);
  }
});
