/** Sample images into a registry. */
import type { SampleBlob, SampleImage } from "../../../src/oci/sample_image.ts";

/**
 * Pushes all of an image to a repository, `http://registry/v2/name`, and tags its index (distribution-spec, "Pushing
 * blobs" and "Pushing manifests").
 */
export async function pushSample({ index, manifests, blobs }: SampleImage, base: string, tag: string): Promise<void> {
  for (const blob of blobs) await pushBlob(blob, base);
  for (const manifest of manifests) await put(`${base}/manifests/${manifest.digest}`, manifest);
  await put(`${base}/manifests/${tag}`, index);
}

async function pushBlob(blob: SampleBlob, base: string): Promise<void> {
  const session = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  await session.body?.cancel();
  const location = session.headers.get("location");
  if (session.status !== 202 || location === null) throw new Error(`Cannot start an upload: HTTP ${session.status}`);
  const target = new URL(location, base);
  target.searchParams.set("digest", blob.digest);
  await put(target.href, { ...blob, mediaType: "application/octet-stream" });
}

async function put(url: string, { mediaType, bytes }: SampleBlob): Promise<void> {
  const answer = await fetch(url, { method: "PUT", body: bytes, headers: { "content-type": mediaType } });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`Cannot push to ${url}: HTTP ${answer.status} ${text}`);
}
