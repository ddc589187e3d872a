/** Writes blocks of headers (HPACK, RFC 7541 §6.2.2): each by its letters, so that there is nothing to remember. */
import { Buffer } from "node:buffer";
import type { Header } from "./header_table.ts";

/** `:status: 200` has a number of its own. */
const STATUS_200 = Buffer.of(0x88);

/** The block of an answer with status 200 and these headers. */
export function okBlock(headers: readonly Header[]): Buffer {
  return Buffer.concat([STATUS_200, block(headers)]);
}

/** The block of these headers. Their values must be ASCII without line breaks. */
export function block(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([length(bytes.length), bytes]);
}

/** A number whose first byte holds the last 7 bits (RFC 7541 §5.1). */
function length(value: number): Buffer {
  if (value < 0x7f) return Buffer.of(value);
  const bytes = [0x7f];
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest & 0x7f | 0x80);
  return Buffer.from([...bytes, rest]);
}
