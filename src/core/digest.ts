import { DamselflyError } from "./error.ts";

/** Algorithms of OCI content digests that we verify (OCI image-spec, descriptor.md). */
export type DigestAlgorithm = "sha256" | "sha512";

/** A parsed content digest; `text` is the canonical `algorithm:hex` form. */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
  readonly text: string;
}

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

/** Parses `sha256:<64 hex>` or `sha512:<128 hex>`; the result is undefined for anything else. */
export function tryParseDigest(text: string): Digest | undefined {
  const match = /^(sha256|sha512):([0-9a-f]+)$/.exec(text);
  if (match === null) return undefined;
  const algorithm = match[1] as DigestAlgorithm;
  const hex = match[2] ?? "";
  return hex.length === HEX_LENGTH[algorithm] ? { algorithm, hex, text } : undefined;
}

/** Like {@link tryParseDigest}, but throws `invalid_argument`. */
export function parseDigest(text: string): Digest {
  const digest = tryParseDigest(text);
  if (digest === undefined) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot parse digest "${text.slice(0, 160)}": expected sha256 with 64 or sha512 with 128 lower-case hex digits`,
    );
  }
  return digest;
}

/** The digest of a piece on the wire: `crc32:` and the CRC-32/ISO-HDLC in decimal (wire.md §3.4). */
export function pieceDigest(crc32: number): string {
  return `crc32:${crc32 >>> 0}`;
}
