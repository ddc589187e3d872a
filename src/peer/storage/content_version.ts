import { createHash } from "node:crypto";
import type { TaskInit } from "./storage.ts";

/**
 * What tells versions of a content apart whose digest is not known: a hash of its entity tag, else of its date (RFC 9110
 * §8.8), so that nothing that a server wrote travels on. Undefined for a content with a digest, and where the source names
 * neither. A weak tag counts as a strong one: the length is compared besides.
 */
export function contentVersion({ digest, responseHeaders }: Pick<TaskInit, "digest" | "responseHeaders">) {
  const validator = responseHeaders["etag"]?.replace(/^W\//, "") ?? responseHeaders["last-modified"];
  if (digest !== undefined || validator === undefined) return undefined;
  return createHash("sha256").update(validator).digest("hex").slice(0, VERSION_CHARACTERS);
}

/** Enough to tell the versions of one content apart. */
const VERSION_CHARACTERS = 16;
