import { createHash } from "node:crypto";
import { tryParseDigest } from "../core/digest.ts";
import { DamselflyError } from "../core/error.ts";
import type { PullClient } from "./image_pull_client.ts";
import { type ImageDocument, MEDIA_TYPE, parseImageDocument } from "./image_pull_manifest.ts";

/** As containerd. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

const { index, manifest, dockerList, dockerManifest, artifact } = MEDIA_TYPE;
/** `Accept` for whatever an image may begin with. */
export const ACCEPT_ANY_IMAGE = [dockerManifest, dockerList, manifest, index, artifact, "*/*"].join(", ");

/**
 * Gets an index or a manifest, by tag or by digest, which is checked. Throws what {@link PullClient.send} throws, and
 * what `refusal` makes of an answer; `data_loss` for other bytes than the digest's, `source_error` for what is no image
 * or is longer than {@link DOCUMENT_BYTES_MAX}.
 */
export async function getImageDocument(
  client: PullClient,
  reference: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ImageDocument> {
  const answer = await client.send("GET", `manifests/${reference}`, headers, signal);
  if (!answer.ok) throw await client.refusal(answer, `Cannot get manifest ${reference}`);
  const bytes = await client.readAll(answer, DOCUMENT_BYTES_MAX, `manifest ${reference}`);
  const digest = tryParseDigest(reference);
  if (digest !== undefined && createHash(digest.algorithm).update(bytes).digest("hex") !== digest.hex) {
    throw wrongDigest(reference);
  }
  return parseImageDocument(bytes);
}

/** Why a content is not used. */
export function wrongDigest(digest: string): DamselflyError {
  return new DamselflyError("data_loss", `Cannot use ${digest}: the bytes that came have another digest`);
}
