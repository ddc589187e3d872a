/** A range of bytes, start included, end excluded. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a `Range` header asks of a content: all of it, a part, or something that does not exist. */
export type RangeRequest =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly range: ByteRange }
  | { readonly kind: "unsatisfiable" };

const WHOLE: RangeRequest = { kind: "whole" };

/**
 * Resolves a `Range` header against a content length (RFC 9110 §14.2): a header that is not understood, or that asks
 * for several ranges, is ignored, as the RFC allows; a first byte at or past the end is unsatisfiable.
 */
export function resolveRange(header: string | null | undefined, contentLength: number): RangeRequest {
  if (header === null || header === undefined) return WHOLE;
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header.trim());
  if (match === null) return WHOLE;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  if (first === "") return last === "" ? WHOLE : suffix(Number(last), contentLength);
  const start = Number(first);
  if (last !== "" && Number(last) < start) return WHOLE;
  if (start >= contentLength) return { kind: "unsatisfiable" };
  const end = last === "" ? contentLength : Math.min(contentLength, Number(last) + 1);
  return { kind: "part", range: { start, end } };
}

function suffix(length: number, contentLength: number): RangeRequest {
  if (length === 0 || contentLength === 0) return { kind: "unsatisfiable" };
  return { kind: "part", range: { start: Math.max(0, contentLength - length), end: contentLength } };
}

/** A parsed `Content-Range: bytes a-b/total` (RFC 9110 §14.4); `total` is undefined when the header says `*`. */
export interface ContentRange {
  readonly range: ByteRange;
  readonly total: number | undefined;
}

/** Parses a `Content-Range` header of a 206 answer; undefined when absent, malformed or contradictory. */
export function parseContentRange(header: string | null | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) + 1 };
  const total = match[3] === "*" ? undefined : Number(match[3]);
  if (range.end <= range.start || (total !== undefined && range.end > total)) return undefined;
  return { range, total };
}

/** The `Range` header that asks for `range`. */
export function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start}-${range.end - 1}`;
}

/** The `Content-Range` header of an answer with `range` of `total` bytes. */
export function contentRangeHeader(range: ByteRange, total: number): string {
  return `bytes ${range.start}-${range.end - 1}/${total}`;
}
