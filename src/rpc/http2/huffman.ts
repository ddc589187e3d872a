/** The Huffman code of HPACK (RFC 7541 §5.2 and appendix B), as far as a reader needs it. */
import { Buffer } from "node:buffer";
import { ConnectionFault, ErrorCode } from "./frame.ts";

/**
 * The length in bits of the code of each byte, in base 36. The codes follow from it: in the order of length, and of the
 * byte where that is the same, each code is the one before plus one.
 */
const CODE_BITS = "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq";
/** The code of the end, which is never sent as such: thirty ones, the last code of all. */
const END = 256;
const END_BITS = 30;
/** More ones than this at the end are no padding. */
const PADDING_BITS_MAX = 7;

/** For each inner node its two sides: another inner node, or `~byte` of a leaf. */
const TREE = treeOf([...CODE_BITS].map((digit) => parseInt(digit, 36)).concat(END_BITS));

function treeOf(bits: readonly number[]): Int16Array {
  const tree = new Int16Array(2 * END);
  let nodes = 1;
  let code = 0;
  let codeBits = 0;
  for (const symbol of [...bits.keys()].sort((a, b) => (bits[a] ?? 0) - (bits[b] ?? 0) || a - b)) {
    const length = bits[symbol] ?? 0;
    code <<= length - codeBits;
    codeBits = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = 2 * node + (code >>> bit & 1);
      tree[side] ||= nodes++;
      node = tree[side] ?? 0;
    }
    tree[2 * node + (code & 1)] = ~symbol;
    code++;
  }
  return tree;
}

/** What `bytes` stand for. Throws a {@link ConnectionFault} when they are not of this code. */
export function huffmanDecoded(bytes: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(Math.floor(bytes.length * 8 / 5)); // the shortest code has 5 bits
  let length = 0;
  let node = 0;
  let bitsSince = 0;
  let isAllOnes = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const value = byte >>> bit & 1;
      const next = TREE[2 * node + value] ?? 0;
      bitsSince++;
      isAllOnes &&= value === 1;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (~next === END) throw badCode();
      result[length++] = ~next;
      node = 0;
      bitsSince = 0;
      isAllOnes = true;
    }
  }
  if (bitsSince > PADDING_BITS_MAX || !isAllOnes) throw badCode();
  return result.subarray(0, length);
}

function badCode(): ConnectionFault {
  return new ConnectionFault(ErrorCode.COMPRESSION_ERROR, "a header is not in the Huffman code");
}
