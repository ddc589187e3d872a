import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { messagePrefix, MessageReader, type RawMessage } from "./message_reader.ts";

const LIMIT = 300_000;

function framed(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(bodies.flatMap((body) => [messagePrefix(body.length, LIMIT), body]));
}

/** What comes of content in pieces that end at `cuts`, and how many bytes nobody has to take. */
function readInPieces(content: Buffer, cuts: readonly number[], onRoom: (bytes: number) => void = () => {}) {
  const reader = new MessageReader(LIMIT, onRoom);
  const all: RawMessage[] = [];
  let freeBytes = 0;
  const ends = [...new Set(cuts.map((cut) => cut % (content.length + 1))), content.length].sort((a, b) => a - b);
  for (const [index, end] of ends.entries()) {
    const { messages, partialBytes } = reader.push(content.subarray(ends[index - 1] ?? 0, end));
    all.push(...messages);
    freeBytes += partialBytes;
  }
  return { all, freeBytes, isBetweenMessages: reader.isBetweenMessages };
}

Deno.test("messages come out as they were sent, wherever they are cut, and each byte counts once for the window", () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
  fc.assert(fc.property(bodies, fc.array(fc.nat()), (messages, cuts) => {
    const content = framed(messages);
    for (const each of [cuts, [...content.keys()]]) {
      const { all, freeBytes, isBetweenMessages } = readInPieces(content, each);
      assert.deepEqual(all.map(({ bytes }) => [...bytes]), messages.map((message) => [...message]));
      assert.equal(all.reduce((sum, { heldBytes }) => sum + heldBytes, freeBytes), content.length);
      assert.ok(isBetweenMessages);
    }
  }));
});

Deno.test("a long message grows as it comes, and its parts need not be taken by anybody", () => {
  const body = Buffer.alloc(LIMIT, "abc");
  const rooms: number[] = [];
  const cuts = [3, 70_000, 70_001, 140_000, 299_000];
  const { all, freeBytes } = readInPieces(framed([body]), cuts, (bytes) => rooms.push(bytes));
  assert.ok(all[0]?.bytes.equals(body));
  assert.equal(freeBytes, 299_000);
  assert.deepEqual(rooms, [64 * 1024, 64 * 1024, 128 * 1024, LIMIT - 256 * 1024], "each byte is named once");
});

Deno.test("what is set aside for a message is named before it is there", () => {
  const refuse = () => {
    throw new Error("no room");
  };
  assert.throws(() => readInPieces(framed([Buffer.alloc(1)]), [], refuse), /no room/);
});

Deno.test("content that ends within a message is known to", () => {
  const content = framed([Buffer.from("abc")]);
  for (let length = 1; length < content.length; length++) {
    assert.equal(readInPieces(content.subarray(0, length), []).isBetweenMessages, false, `${length}`);
  }
});

Deno.test("a message that is too long is refused when its length is known, and so is one to send", () => {
  const prefix = messagePrefix(LIMIT, LIMIT);
  prefix.writeUInt32BE(LIMIT + 1, 1);
  assert.throws(() => new MessageReader(LIMIT, () => {}).push(prefix), { code: "resource_exhausted" });
  assert.throws(() => messagePrefix(LIMIT + 1, LIMIT), { code: "resource_exhausted" });
});

Deno.test("a message says whether it is compressed, and in no other way than that", () => {
  const content = framed([Buffer.from("a")]);
  assert.equal(readInPieces(content, []).all[0]?.isCompressed, false);
  content[0] = 1;
  assert.equal(readInPieces(content, []).all[0]?.isCompressed, true);
  content[0] = 2;
  assert.throws(() => readInPieces(content, []), { code: "internal" });
});

Deno.test("a message keeps nothing of what came with it", () => {
  const { all } = readInPieces(framed([Buffer.alloc(100_000)]), []);
  const content = framed([Buffer.from("a"), Buffer.from("b")]);
  const [first] = readInPieces(content, []).all;
  assert.notEqual(first?.bytes.buffer, content.buffer);
  assert.equal(all[0]?.bytes.buffer.byteLength, 100_000);
});
