import { createHash } from "node:crypto";
import { type Digest, tryParseDigest } from "./digest.ts";
import { DamselflyError } from "./error.ts";

/** What the id of a task is made of (wire.md §3.1); absent parts contribute nothing. */
export interface TaskIdInput {
  readonly url: string;
  readonly tag?: string | undefined;
  readonly application?: string | undefined;
  readonly revision?: string | undefined;
  /** Only a piece length that the requester set explicitly, in bytes; never the computed one. */
  readonly pieceLength?: number | undefined;
  readonly filteredQueryParams?: readonly string[] | undefined;
  /** If present, the id is the SHA-256 of this string. */
  readonly content?: string | undefined;
  /** OCI blobs: the digest is the id, whatever registry or tag the blob came by. */
  readonly byBlobDigest?: boolean | undefined;
}

/** Query parameters that say who asks and until when, not what for (wire.md §3.1, the default list). */
export const DEFAULT_FILTERED_QUERY_PARAMS: readonly string[] = [
  ...["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token", "User-Agent"]
    .map((name) => `X-Amz-${name}`),
  ...["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"].map((name) => `X-Goog-${name}`),
  ...["OSSAccessKeyId", "Expires", "Signature", "SecurityToken"],
  ...["AccessKeyId", "X-Obs-Date", "X-Obs-Security-Token"],
  ...["q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature"],
  ...["x-cos-security-token", "ns"],
];

/** Only whole digests: what follows the algorithm becomes the name of a file, and the URL comes from anybody. */
const BLOB_URL = /^.*:\/\/.*\/v2\/.*\/blobs\/(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}|crc32:[0-9a-f]{1,10})(?:\?.*)?$/;

/** The digest that a blob's URL names, undefined for another URL: what is found there can be no other content. */
export function blobDigestOf(url: string): Digest | undefined {
  return tryParseDigest(BLOB_URL.exec(url)?.[1] ?? "");
}

/**
 * The task id: 64 lower-case hex digits, but for the blob digests that are of another length.
 *
 * Throws `invalid_argument` when `url` is needed and is not an absolute URL.
 */
export function taskIdOf(input: TaskIdInput): string {
  if (input.content !== undefined) return sha256(input.content);
  const digest = input.byBlobDigest === true ? BLOB_URL.exec(input.url)?.[1] : undefined;
  if (digest !== undefined) return digest.slice(digest.indexOf(":") + 1);
  return sha256([...urlParts(input), "STANDARD"].join(""));
}

/**
 * A hash of what {@link taskIdOf} puts together for a URL, with the parts kept apart: the id has no marks between them, so
 * that other URLs, tags and applications can have the same one; `at` is where the URL leads, where it does not say so. Throws `invalid_argument` as that does.
 */
export function taskIdPartsOf({ at, ...input }: TaskIdInput & { readonly at?: string | undefined }): string {
  return sha256(JSON.stringify([...urlParts(input), ...at === undefined ? [] : [at]]));
}

function urlParts({ url, tag, application, revision, pieceLength, filteredQueryParams = [] }: TaskIdInput): string[] {
  const canonical = canonicalUrl(url, filteredQueryParams);
  return [
    canonical,
    tag ?? "",
    application ?? "",
    revision ?? "",
    pieceLength === undefined ? "" : String(pieceLength),
  ];
}

/** The URL as it enters the id: filtered parameters gone, the rest form-encoded in order, no lone slash at the end. */
function canonicalUrl(text: string, filtered: readonly string[]): string {
  if (!URL.canParse(text)) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot derive a task id: "${text.slice(0, 200)}" is not an absolute URL`,
    );
  }
  const url = new URL(text);
  const kept = [...url.searchParams].filter(([key]) => !filtered.includes(key));
  url.search = new URLSearchParams(kept).toString();
  return url.pathname === "/" && url.href.endsWith("/") ? url.href.slice(0, -1) : url.href;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
