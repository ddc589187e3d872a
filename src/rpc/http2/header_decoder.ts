/** Reads blocks of headers (HPACK, RFC 7541 §6). */
import type { Buffer } from "node:buffer";
import { ConnectionFault, ErrorCode } from "./frame.ts";
import { bytesOf, type Header, HeaderTable } from "./header_table.ts";
import { huffmanDecoded } from "./huffman.ts";

/** What SETTINGS_HEADER_TABLE_SIZE is when nobody says otherwise, and we do not. */
const TABLE_BYTES_MAX = 4_096;
/** No number of HPACK that fits what we accept is longer than 32 bits. */
const INTEGER_MAX = 2 ** 32;

/** The headers of one block. */
export interface HeaderList {
  readonly headers: readonly Header[];
  /** Whether there were more than the limit allows; those are left out, but count for the table. */
  readonly isTooLong: boolean;
}

/** Reads the blocks of one connection, each of which builds on those before. */
export class HeaderDecoder {
  readonly #table = new HeaderTable(TABLE_BYTES_MAX);

  /** Reads one block of at most `bytesMax` bytes by RFC 9113 §6.5.2. Throws a {@link ConnectionFault} at a bad one. */
  decode(block: Buffer, bytesMax: number): HeaderList {
    const reader = new BlockReader(block);
    const headers: Header[] = [];
    let bytes = 0;
    while (!reader.isAtEnd) {
      const header = this.#next(reader, bytes === 0);
      if (header === undefined) continue;
      bytes += bytesOf(header);
      if (bytes <= bytesMax) headers.push(header);
    }
    return { headers, isTooLong: bytes > bytesMax };
  }

  /** The next header; undefined for a change of the table, which may only stand at the beginning. */
  #next(reader: BlockReader, isBeginning: boolean): Header | undefined {
    const kind = reader.peek();
    if (kind & 0x80) return this.#table.at(reader.integer(7));
    if (kind & 0x40) {
      const header = this.#literal(reader, 6);
      this.#table.add(header);
      return header;
    }
    if ((kind & 0x20) === 0) return this.#literal(reader, 4); // not to be remembered, now or ever
    if (!isBeginning) throw badBlock("the table of headers changes its size in the middle");
    this.#table.resize(reader.integer(5));
    return undefined;
  }

  #literal(reader: BlockReader, prefixBits: number): Header {
    const number = reader.integer(prefixBits);
    const name = number === 0 ? reader.text() : this.#table.at(number)[0];
    return [name, reader.text()];
  }
}

function badBlock(message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.COMPRESSION_ERROR, message);
}

class BlockReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next byte, which stays. */
  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw badBlock("a block of headers ends too early");
    return byte;
  }

  /** A number of which the first byte holds the last `prefixBits` (§5.1). */
  integer(prefixBits: number): number {
    const prefixMax = 2 ** prefixBits - 1;
    let value = this.#byte() & prefixMax;
    if (value < prefixMax) return value;
    let factor = 1;
    let byte: number;
    do {
      byte = this.#byte();
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (value > INTEGER_MAX || factor > INTEGER_MAX) throw badBlock("a number of a header is too large");
    } while (byte & 0x80);
    return value;
  }

  /** A text (§5.2), in which each character is one byte. */
  text(): string {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw badBlock("a header is longer than its block");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return (isHuffman ? huffmanDecoded(bytes) : bytes).toString("latin1");
  }

  #byte(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}
