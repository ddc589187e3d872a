import { createHash } from "node:crypto";
import { tryParseDigest } from "../core/digest.ts";
import { type ImageRequest, openImage } from "./image_blobs.ts";
import { DOCUMENT_BYTES_MAX } from "./image_document.ts";
import type { PullEffects } from "./image_pull_client.ts";

/**
 * The digest that the index or manifest of an image has now: one HEAD, and a GET only where the registry does not tell it
 * (OCI distribution-spec, "Pulling manifests"). Throws `invalid_argument` for a URL that is no manifest's, and what
 * `PullClient.send` and `PullClient.refusal` throw.
 */
export async function findImageDigest(
  request: ImageRequest,
  effects: PullEffects,
  signal: AbortSignal,
): Promise<string> {
  const { client, reference, headers } = openImage(request, effects);
  const action = `Cannot find the digest of ${reference}`;
  const head = await client.send("HEAD", `manifests/${reference}`, headers, signal);
  if (!head.ok) throw await client.refusal(head, action);
  await head.body?.cancel();
  const told = head.headers.get("docker-content-digest") ?? "";
  if (tryParseDigest(told) !== undefined) return told;
  const answer = await client.send("GET", `manifests/${reference}`, headers, signal);
  if (!answer.ok) throw await client.refusal(answer, action);
  const bytes = await client.readAll(answer, DOCUMENT_BYTES_MAX, `manifest ${reference}`);
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
