import assert from "node:assert/strict";
import { realClock } from "../runtime/clock.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { findImageDigest } from "./image_digest.ts";
import { makeSampleImage } from "./sample_image.ts";
import { startSampleRegistry } from "./sample_registry.ts";

const NEVER = new AbortController().signal;
const REPOSITORY = "team/app";
const clock = realClock();
const [image, newer] = await Promise.all([1_000, 2_000].map((bytes) => makeSampleImage({ layerBytes: [bytes] })));
assert.ok(image && newer);
const images = [{ repository: REPOSITORY, tag: "v1", image }];

const asking = (url: string, rest = {}) => {
  const request = { url, headers: {}, credentials: undefined, ...rest };
  return findImageDigest(request, { fetch, clock }, NEVER);
};

Deno.test("the digest of a tag costs one HEAD, and is another one when the tag has moved", async () => {
  await using registry = startSampleRegistry({ clock, images });
  const url = `${registry.url}/v2/${REPOSITORY}/manifests/v1`;
  assert.equal(await asking(url), image.index.digest);
  assert.deepEqual(registry.requests.map(({ method }) => method), ["HEAD"]);
  registry.push({ repository: REPOSITORY, tag: "v1", image: newer });
  assert.equal(await asking(url), newer.index.digest);
});

Deno.test("a registry that wants a login gets it for the question too", async () => {
  const credentials = { username: "ada", password: "lovelace" };
  const login = { kind: "bearer" as const, random: seededRandom(1), account: credentials };
  await using registry = startSampleRegistry({ clock, images, login });
  const url = `${registry.url}/v2/${REPOSITORY}/manifests/v1`;
  assert.equal(await asking(url, { credentials }), image.index.digest);
  await assert.rejects(asking(url, { credentials: { ...credentials, password: "guess" } }), /Cannot get a token/);
});

Deno.test("where a registry does not tell the digest the manifest is read for it", async () => {
  const asked: string[] = [];
  const bytes = image.index.bytes;
  const silent = (_: string | URL, { method = "" }: RequestInit = {}) => {
    asked.push(method);
    return Promise.resolve(new Response(method === "HEAD" ? null : bytes));
  };
  const request = { url: "https://registry.corp/v2/a/manifests/1", headers: {}, credentials: undefined };
  assert.equal(await findImageDigest(request, { fetch: silent, clock }, NEVER), image.index.digest);
  assert.deepEqual(asked, ["HEAD", "GET"]);
});

Deno.test("what is not there, and what is no image, is told", async () => {
  await using registry = startSampleRegistry({ clock, images });
  await assert.rejects(asking(`${registry.url}/v2/${REPOSITORY}/manifests/v2`), /digest of v2: the answer was 404/);
  assert.equal(registry.requests.length, 1, "it is not asked once more");
  await assert.rejects(asking(`${registry.url}/v2/${REPOSITORY}/blobs/v1`), /its URL is not/);
});
