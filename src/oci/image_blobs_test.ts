import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { realClock } from "../runtime/clock.ts";
import { findImageBlobs, type ImageBlobsRequest, parsePlatform } from "./image_blobs.ts";
import { makeSampleImage } from "./sample_image.ts";
import { startSampleRegistry } from "./sample_registry.ts";

const NEVER = new AbortController().signal;
const image = await makeSampleImage({ layerBytes: [1_000, 2_000] });

async function blobs(request: Partial<ImageBlobsRequest>, tag = "v1") {
  const clock = realClock();
  await using registry = startSampleRegistry({ clock, images: [{ repository: "team/app", tag: "v1", image }] });
  const url = `${registry.url}/v2/team/app/manifests/${tag}`;
  const whole = { url, platform: undefined, headers: {}, credentials: undefined, ...request };
  const { urls } = await findImageBlobs(whole, { fetch, clock }, NEVER);
  return urls.map((url) => url.replace(`${registry.url}/v2/team/app/blobs/`, ""));
}

Deno.test("an image is the configs of all its platforms and the layers, each once", async () => {
  assert.deepEqual((await blobs({})).toSorted(), image.blobs.map(({ digest }) => digest).toSorted());
});

Deno.test("for one platform it is that config and its layers", async () => {
  const [, arm64] = image.blobs;
  const found = await blobs({ platform: parsePlatform("linux/arm64") });
  assert.deepEqual(found.toSorted(), [arm64, ...image.layers].map((blob) => blob?.digest).toSorted());
  await assert.rejects(
    blobs({ platform: parsePlatform("linux/arm64/v9") }),
    /it exists for linux\/amd64, linux\/arm64/,
  );
  await assert.rejects(blobs({ platform: parsePlatform("windows/amd64") }), /Cannot find the image for windows/);
});

Deno.test("a digest stands for its manifest alone", async () => {
  const [manifest] = image.manifests;
  assert.equal((await blobs({}, manifest?.digest)).length, 1 + image.layers.length);
});

Deno.test("what build tools note besides an image is no platform of it", async () => {
  const descriptor = ({ mediaType, digest, size }: typeof image.index) => ({ mediaType, digest, size });
  const [first, second] = image.manifests;
  assert.ok(first && second);
  const index = {
    manifests: [
      { ...descriptor(first), platform: { os: "linux", architecture: "amd64" } },
      { ...descriptor(second), platform: { os: "unknown", architecture: "unknown" } },
    ],
  };
  const asked: string[] = [];
  const fetch = (input: string | URL) => {
    asked.push(new URL(input).pathname);
    const isIndex = asked.length === 1;
    return Promise.resolve(new Response(isIndex ? JSON.stringify(index) : first.bytes));
  };
  const url = "https://registry.corp/v2/a/manifests/1";
  const request = { url, platform: undefined, headers: {}, credentials: undefined };
  const { urls } = await findImageBlobs(request, { fetch, clock: realClock() }, NEVER);
  assert.deepEqual(asked.slice(1), [`/v2/a/manifests/${first.digest}`]);
  assert.equal(urls.length, 1 + image.layers.length);
});

Deno.test("indexes that are nested without need are given up", async () => {
  const [manifest] = image.manifests;
  assert.ok(manifest);
  const url = "https://registry.corp/v2/a/manifests/1";
  const request = { url, platform: undefined, headers: {}, credentials: undefined };
  const find = (depth: number) => {
    const documents = new Map([[manifest.digest, manifest.bytes]]);
    let reference = manifest.digest;
    for (let level = 0; level < depth; level++) {
      const bytes = Buffer.from(JSON.stringify({ manifests: [{ mediaType: "index", digest: reference, size: 1 }] }));
      reference = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      documents.set(reference, bytes);
    }
    const fetch = (input: string | URL) => {
      const name = new URL(input).pathname.split("/").at(-1) ?? "";
      return Promise.resolve(new Response(documents.get(name === "1" ? reference : name) ?? null));
    };
    return findImageBlobs(request, { fetch, clock: realClock() }, NEVER);
  };
  assert.equal((await find(3)).urls.length, 1 + image.layers.length);
  await assert.rejects(find(4), /nested too deep/);
});

Deno.test("a URL that is no manifest's, and a text that is no platform, are refused", async () => {
  for (const url of ["https://registry.corp/app:v1", "https://registry.corp/v2/a/blobs/x", "nothing"]) {
    await assert.rejects(blobs({ url }), /its URL is not …\/v2\/<name>\/manifests\/<tag>/);
  }
  for (const text of ["linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/arm/"]) {
    assert.throws(() => parsePlatform(text), /Cannot read platform/);
  }
  assert.deepEqual(parsePlatform("linux/arm/v7"), { os: "linux", architecture: "arm", variant: "v7" });
});
