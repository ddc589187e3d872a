import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { realClock } from "../runtime/clock.ts";
import { makeSampleImage } from "./sample_image.ts";
import { startSampleRegistry } from "./sample_registry.ts";

const image = await makeSampleImage({ layerBytes: [200_000, 100_000] });
const start = () =>
  startSampleRegistry({ clock: realClock(), images: [{ repository: "library/app", tag: "latest", image }] });
const [layer] = image.layers;
assert.ok(layer);

Deno.test("a blob answers whole, in ranges, and to HEAD without a body", async () => {
  await using registry = start();
  const url = `${registry.url}/v2/library/app/blobs/${layer.digest}`;
  const get = (headers: Record<string, string>, method = "GET") => fetch(url, { method, headers });

  const whole = await get({});
  assert.equal(whole.status, 200);
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), Buffer.from(layer.bytes));

  const part = await get({ range: "bytes=100-199" });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get("content-range"), `bytes 100-199/${layer.size}`);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), Buffer.from(layer.bytes.subarray(100, 200)));

  const suffix = await get({ range: "bytes=-5" });
  assert.deepEqual(Buffer.from(await suffix.arrayBuffer()), Buffer.from(layer.bytes.subarray(-5)));

  const beyond = await get({ range: `bytes=${layer.size}-` });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get("content-range"), `bytes */${layer.size}`);
  await beyond.body?.cancel();

  const head = await get({}, "HEAD");
  assert.equal(head.headers.get("content-length"), String(layer.size));
  assert.equal(head.headers.get("docker-content-digest"), layer.digest);
  assert.equal(await head.text(), "");
  assert.deepEqual(registry.requests.map(({ status, bytes }) => [status, bytes]).slice(0, 3), [
    [200, layer.size],
    [206, 100],
    [206, 5],
  ]);
});

Deno.test("what is not there is answered with the codes of the distribution API", async () => {
  await using registry = start();
  const codeAt = async (path: string, method = "GET") => {
    const answer = await fetch(`${registry.url}${path}`, { method });
    const { errors } = await answer.json() as { errors: { code: string }[] };
    return [answer.status, errors[0]?.code];
  };
  assert.deepEqual(await codeAt("/v2/library/app/manifests/none"), [404, "MANIFEST_UNKNOWN"]);
  assert.deepEqual(await codeAt(`/v2/library/other/blobs/${layer.digest}`), [404, "BLOB_UNKNOWN"]);
  assert.deepEqual(await codeAt("/nothing"), [404, "UNSUPPORTED"]);
  assert.deepEqual(await codeAt("/v2/library/app/manifests/latest", "PUT"), [405, "UNSUPPORTED"]);
});

Deno.test("layers are gzip-compressed archives with the digests that the config lists", () => {
  const [config] = image.blobs;
  const { rootfs } = JSON.parse(Buffer.from(config?.bytes ?? []).toString()) as { rootfs: { diff_ids: string[] } };
  const diffIds = image.layers.map(({ bytes }) =>
    `sha256:${createHash("sha256").update(gunzipSync(bytes)).digest("hex")}`
  );
  assert.deepEqual(rootfs.diff_ids, diffIds);
  const archive = gunzipSync(layer.bytes);
  assert.equal(archive.subarray(257, 262).toString(), "ustar");
});

Deno.test("the same seed makes the same image, another seed shares nothing with it", async () => {
  const again = await makeSampleImage({ layerBytes: [200_000, 100_000] });
  assert.equal(again.index.digest, image.index.digest);
  const other = await makeSampleImage({ layerBytes: [200_000, 100_000], seed: "other" });
  const digests = new Set(image.blobs.map(({ digest }) => digest));
  assert.deepEqual(other.blobs.filter(({ digest }) => digests.has(digest)), []);
});
