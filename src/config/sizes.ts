import { DamselflyError } from "../core/error.ts";

const PREFIXES = ["", "k", "m", "g", "t", "p"] as const;
const FORM = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp]?)(i?)b?)$/i;

/**
 * Parses `50GB`, `8MiB`, `64mib`, `1Gi` or `1048576` to bytes: powers of 1000, or of 1024 with an `i`, in any case of
 * letters, as Rust's bytesize does. Throws `invalid_argument`.
 */
export function parseSize(text: string): number {
  const match = FORM.exec(text.trim());
  const amount = match?.[1];
  const power = PREFIXES.findIndex((prefix) => prefix === match?.[2]?.toLowerCase());
  const isBinary = match?.[3] !== "";
  const bytes = Number(amount) * (isBinary ? 1024 : 1000) ** power;
  if (amount === undefined || (isBinary && power === 0) || !Number.isSafeInteger(Math.round(bytes))) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot parse size "${text.slice(0, 64)}": expected bytes such as 64MiB, 50GB or 1048576`,
    );
  }
  return Math.round(bytes);
}

/** Bytes as the largest unit that divides them, which {@link parseSize} reads back to the same number. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return "0";
  for (let power = PREFIXES.length - 1; power > 0; power--) {
    const prefix = PREFIXES[power]?.toUpperCase() ?? "";
    if (bytes % 1024 ** power === 0) return `${bytes / 1024 ** power}${prefix}iB`;
    if (bytes % 1000 ** power === 0) return `${bytes / 1000 ** power}${prefix}B`;
  }
  return String(bytes);
}
