import { type Digest, tryParseDigest } from "../core/digest.ts";

/** What a request of the distribution API is about (OCI distribution-spec, "Endpoints"). */
export type DistributionPath =
  | { readonly kind: "ping" }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  /** Tag lists, referrers, uploads: parts of the API that a mirror only passes on. */
  | { readonly kind: "other"; readonly repository: string };

const REPOSITORY = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*)*";
const PATH = new RegExp(`^/v2/(${REPOSITORY})/(manifests|blobs|tags|referrers)/([^/]+(?:/[^/]*)*)$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const PATH_LENGTH_MAX = 1024;

/** Parses the path of a request; undefined when it is none of the distribution API. */
export function parseDistributionPath(path: string): DistributionPath | undefined {
  if (path === "/v2" || path === "/v2/") return { kind: "ping" };
  if (path.length > PATH_LENGTH_MAX) return undefined;
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, repository = "", collection = "", rest = ""] = match;
  if (collection === "manifests") return parseManifest(repository, rest);
  if (collection !== "blobs" || rest.startsWith("uploads")) return { kind: "other", repository };
  const digest = tryParseDigest(rest);
  return digest === undefined ? undefined : { kind: "blob", repository, digest };
}

function parseManifest(repository: string, reference: string): DistributionPath | undefined {
  const isReference = TAG.test(reference) || tryParseDigest(reference) !== undefined;
  return isReference ? { kind: "manifest", repository, reference } : undefined;
}
