import { BlockList, isIP } from "node:net";
import { DamselflyError } from "./error.ts";

/** A parsed CIDR block. */
export interface Cidr {
  readonly text: string;
  contains(ip: string): boolean;
}

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The IPv4 address in an IPv4-mapped IPv6 one, however it is written; other text is returned unchanged. */
export function unmapIp(ip: string): string {
  if (isIP(ip) !== 6 || ip.includes("%")) return ip;
  const bytes = [...ipBytes(ip)];
  const isMapped = MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return isMapped ? bytes.slice(MAPPED_PREFIX.length).join(".") : ip;
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
  const list = new BlockList();
  list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  return {
    text,
    contains(ip) {
      const plain = unmapIp(ip);
      const kind = isIP(plain);
      return kind === family && list.check(plain, kind === 4 ? "ipv4" : "ipv6");
    },
  };
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
