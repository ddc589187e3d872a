import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { HeaderDecoder } from "./header_decoder.ts";
import { block, okBlock } from "./header_encoder.ts";
import type { Header } from "./header_table.ts";
import { huffmanDecoded } from "./huffman.ts";

const NO_LIMIT = 1e6;

function decode(hex: string, decoder = new HeaderDecoder()): readonly Header[] {
  return decoder.decode(Buffer.from(hex.replaceAll(" ", ""), "hex"), NO_LIMIT).headers;
}

const REQUESTS: readonly (readonly Header[])[] = [
  [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]],
  [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"], [
    "cache-control",
    "no-cache",
  ]],
  [[":method", "GET"], [":scheme", "https"], [":path", "/index.html"], [":authority", "www.example.com"], [
    "custom-key",
    "custom-value",
  ]],
];

Deno.test("the examples of RFC 7541 C.3 and C.4 are read, with and without Huffman's code", () => {
  const plain = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const huffman = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  for (const blocks of [plain, huffman]) {
    const decoder = new HeaderDecoder();
    assert.deepEqual(blocks.map((hex) => decode(hex, decoder)), REQUESTS);
  }
});

/** All bytes, in their order, in the code of RFC 7541 appendix B: made from its table, and not by us. */
const EVERY_BYTE = [
  "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffebfffffecfff",
  "ffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3fffffe7fffffebfffffed",
  "4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9c",
  "ff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ff",
  "ff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1fff",
  "fe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdafffeeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1f",
  "ffdfffff7fffff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1f",
  "ffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8ffff",
  "fe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcffffb7fffcdff",
  "ff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fff",
  "ffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf",
].join("");

Deno.test("Huffman's code is read for every byte that there is", () => {
  assert.deepEqual([...huffmanDecoded(Buffer.from(EVERY_BYTE, "hex"))], Array.from({ length: 256 }, (_, byte) => byte));
});

Deno.test("what is not in Huffman's code is refused: its end within, padding that is too long or not of ones", () => {
  const bad = ["ffffffff", "fffffffffc", "f1e3c2e5f23a6ba0ab90f4ffff", "00", "fe"];
  for (const hex of bad) assert.throws(() => huffmanDecoded(Buffer.from(hex, "hex")), { code: 9 }, hex);
  assert.equal(huffmanDecoded(Buffer.from("07", "hex")).toString(), "0", "three ones are padding");
});

const letters = fc.string({ unit: fc.constantFrom(..."abcxyz0189-_"), minLength: 1, maxLength: 300 });
const anyHeaders = fc.array(fc.tuple(letters, fc.string({ maxLength: 300 })), { maxLength: 8 });

Deno.test("what is written is read again", () => {
  fc.assert(fc.property(anyHeaders, (headers) => {
    assert.deepEqual(new HeaderDecoder().decode(block(headers), NO_LIMIT).headers, headers);
    assert.deepEqual(new HeaderDecoder().decode(okBlock(headers), NO_LIMIT).headers, [[":status", "200"], ...headers]);
  }));
});

/** A header that is remembered, by its letters. */
function remembered(name: string, value: string): Buffer {
  const bytes = block([[name, value]]);
  bytes[0] = 0x40;
  return bytes;
}

Deno.test("the newest of what was sent has the lowest number, and the oldest goes when there is no room", () => {
  const decoder = new HeaderDecoder();
  for (let n = 0; n < 5; n++) decoder.decode(remembered(`h${n}`, "x".repeat(1_000)), NO_LIMIT);
  const numbers = [62, 63, 64].map((number) => decode(`${(0x80 | number).toString(16)}`, decoder)[0]?.[0]);
  assert.deepEqual(numbers, ["h4", "h3", "h2"]);
  assert.throws(() => decode("c1", decoder), { code: 9 });
});

Deno.test("the table can be made smaller and not larger than it was given, and only where a block begins", () => {
  const decoder = new HeaderDecoder();
  decoder.decode(remembered("a", "b"), NO_LIMIT);
  assert.deepEqual(decode("be", decoder), [["a", "b"]]);
  assert.deepEqual(decode("20 3fe11f 82", decoder), [[":method", "GET"]], "to nothing, and to 4096 again");
  assert.throws(() => decode("be", decoder), { code: 9 });
  assert.throws(() => decode("3fe21f", decoder), { code: 9 });
  assert.throws(() => decode("82 20", decoder), { code: 9 });
});

Deno.test("a block that is cut off, or names what there is not, ends the connection", () => {
  const bad = ["80", "be", "ff", "ffffffffff0f", "40", "4001", "400161", "40016102", "40016181", "7f8080808080808001"];
  const endless = `3f${"80".repeat(300)}00`;
  for (const hex of [...bad, endless]) assert.throws(() => decode(hex), { code: 9 }, hex);
});

Deno.test("headers beyond the limit are left out, and remembered all the same", () => {
  const decoder = new HeaderDecoder();
  const list = decoder.decode(Buffer.concat([remembered("a", "1"), remembered("b", "22")]), 34 + 34);
  assert.deepEqual(list, { headers: [["a", "1"]], isTooLong: true });
  assert.deepEqual(decoder.decode(Buffer.of(0xbe), 35), { headers: [["b", "22"]], isTooLong: false });
});
