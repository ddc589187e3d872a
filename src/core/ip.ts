import { isIP } from "node:net";
import { DamselflyError } from "./error.ts";

/** A parsed CIDR block. */
export interface Cidr {
  readonly text: string;
  /** Whether an address is in it; false for what is none. */
  contains(ip: string): boolean;
  /** The same of the bytes of {@link addressBytes}, for whoever asks many blocks about one address. */
  has(address: Uint8Array): boolean;
}

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The IPv4 address in an IPv4-mapped IPv6 one, however it is written; other text is returned unchanged. */
export function unmapIp(ip: string): string {
  const bytes = isIP(ip) === 6 ? addressBytes(ip) : undefined;
  return bytes?.length === 4 ? bytes.join(".") : ip;
}

/** The bytes of an address, of the IPv4 one in an IPv4-mapped IPv6 one; undefined for what is none, or has a zone. */
export function addressBytes(ip: string): Uint8Array | undefined {
  if (isIP(ip) === 0 || ip.includes("%")) return undefined;
  const bytes = ipBytes(ip);
  const isMapped = bytes.length > 4 && MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return isMapped ? bytes.subarray(MAPPED_PREFIX.length) : bytes;
}

/** IPv6 blocks whose addresses lead to an IPv4 one, and where in them that is. */
const TRANSLATED: readonly (readonly [block: Cidr, at: number])[] = [
  // NAT64, everybody's and a network's own (RFC 6052, RFC 8215), 6to4 (RFC 3056), IPv4-compatible (RFC 4291 §2.5.5.1).
  ...([["64:ff9b::/96", 12], ["64:ff9b:1::/48", 12], ["2002::/16", 2], ["::/96", 12]] as const),
].map(([text, at]) => [parseCidr(text), at] as const);

/**
 * An address without its zone, and the IPv4 one that a network may make of it. Whoever asks where a connection can lead
 * asks for each of them.
 */
export function addressesMeant(ip: string): string[] {
  const address = ip.replace(/%.*$/, "");
  const bytes = addressBytes(address);
  const at = TRANSLATED.find(([block]) => bytes?.length === 16 && block.has(bytes))?.[1];
  // `::` and `::1` are nobody's IPv4 address.
  if (bytes === undefined || at === undefined || bytes[at] === 0) return [address];
  return [address, bytes.subarray(at, at + 4).join(".")];
}

/** Parses `10.0.0.0/8` or `2001:db8::/32`; a bare address is a block of one. Throws `invalid_argument`. */
export function parseCidr(text: string): Cidr {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  const bitsMax = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? bitsMax : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
  if (family === 0 || address.includes("%") || rest.length > 0 || !(bits <= bitsMax)) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot parse CIDR "${text}": expected an address and a prefix length`,
    );
  }
  const block = ipBytes(address);
  const has = (bytes: Uint8Array) => bytes.length === block.length && startsAlike(bytes, block, bits);
  return {
    text,
    has,
    contains(ip) {
      const bytes = addressBytes(ip);
      return bytes !== undefined && has(bytes);
    },
  };
}

/** Whether the first `bits` bits are the same. */
function startsAlike(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (a[index] !== b[index]) return false;
  const mask = 0xff00 >> (bits & 7) & 0xff;
  return (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & mask) === 0;
}

/** The bytes of an IP address in network order: 4 or 16. Throws `invalid_argument`. */
export function ipBytes(ip: string): Uint8Array<ArrayBuffer> {
  const family = isIP(ip);
  if (family === 4) return Uint8Array.from(ip.split("."), Number);
  if (family === 0 || ip.includes("%")) {
    throw new DamselflyError("invalid_argument", `Cannot parse IP address "${ip}"`);
  }
  // The URL parser writes an embedded IPv4 part as two hex groups, and compresses zeros at most once.
  const groups = new URL(`http://[${ip}]/`).hostname.slice(1, -1);
  const [head = "", tail] = groups.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const words = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return Uint8Array.from(words.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]));
}
