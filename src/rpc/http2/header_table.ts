/** The tables of HPACK (RFC 7541 §2.3), by which headers are named with a number. */
import { ConnectionFault, ErrorCode } from "./frame.ts";

/** One header: its name in small letters, and its value. */
export type Header = readonly [name: string, value: string];

/** What an entry costs besides its letters (RFC 7541 §4.1). */
const ENTRY_BYTES = 32;

/** Appendix A, without what only browsers and web servers send: those names still have their numbers. */
const STATIC: readonly Header[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...[
    ...["accept-language", "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization"],
    ...["cache-control", "content-disposition", "content-encoding", "content-language", "content-length"],
    ...["content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from"],
    ...["host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified"],
    ...["link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh"],
    ...["retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary"],
    ...["via", "www-authenticate"],
  ].map((name): Header => [name, ""]),
];

/** The headers that the other side may name by number: the static ones, and those it sent before. */
export class HeaderTable {
  /** The oldest first. */
  readonly #sent: Header[] = [];
  readonly #bytesLimit: number;
  #bytesMax: number;
  #bytes = 0;

  /** A table in which what was sent may take `bytesMax` bytes. */
  constructor(bytesMax: number) {
    this.#bytesLimit = bytesMax;
    this.#bytesMax = bytesMax;
  }

  /** The header with a number, from 1. Throws a {@link ConnectionFault} when there is none. */
  at(number: number): Header {
    const header = number <= STATIC.length
      ? STATIC[number - 1]
      : this.#sent[this.#sent.length - (number - STATIC.length)];
    if (header !== undefined) return header;
    throw new ConnectionFault(ErrorCode.COMPRESSION_ERROR, "a header is named that was never sent");
  }

  add(header: Header): void {
    this.#sent.push(header);
    this.#bytes += bytesOf(header);
    this.#shrink();
  }

  /** The other side uses less of the table, or more again. Throws when it wants more than it was given. */
  resize(bytesMax: number): void {
    if (bytesMax > this.#bytesLimit) {
      throw new ConnectionFault(ErrorCode.COMPRESSION_ERROR, "the table of headers is made too large");
    }
    this.#bytesMax = bytesMax;
    this.#shrink();
  }

  #shrink(): void {
    let gone = 0;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#sent[gone++];
      if (oldest === undefined) break;
      this.#bytes -= bytesOf(oldest);
    }
    this.#sent.splice(0, gone);
  }
}

/** What a header counts for in a table and in a list. */
export function bytesOf([name, value]: Header): number {
  return name.length + value.length + ENTRY_BYTES;
}
