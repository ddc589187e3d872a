import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { realClock } from "../runtime/clock.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { findImageBlobs, type ImageBlobsRequest } from "./image_blobs.ts";
import { MEDIA_TYPE } from "./image_pull_manifest.ts";
import { parsePlatform } from "./platform.ts";
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
    blobs({ platform: parsePlatform("linux/riscv64/v1") }),
    /Cannot find the image for linux\/riscv64\/v1: it exists for linux\/amd64, linux\/arm64/,
  );
  await assert.rejects(blobs({ platform: parsePlatform("windows/amd64") }), /Cannot find the image for windows/);
});

Deno.test("a digest stands for its manifest alone", async () => {
  const [manifest] = image.manifests;
  assert.equal((await blobs({}, manifest?.digest)).length, 1 + image.layers.length);
});

/** A registry of documents, by what they are asked for; each gets the digest that it has. */
class Documents {
  readonly asked: string[] = [];
  /** The answer to a request that gets no document. */
  otherwise: (path: string, authorization: string | null) => Response | undefined = () => undefined;
  readonly #documents = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Adds a document, and gives what points to it. */
  add(json: unknown, name?: string): { mediaType: string; digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(json));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    for (const key of name === undefined ? [digest] : [digest, name]) this.#documents.set(key, new Uint8Array(bytes));
    return { mediaType: "any", digest, size: bytes.length };
  }

  async find(request: Partial<ImageBlobsRequest> = {}) {
    const url = "https://registry.corp/v2/a/manifests/v1";
    const whole = { url, platform: undefined, headers: {}, credentials: undefined, ...request };
    const fetch = (input: string | URL, init?: RequestInit) => {
      const { pathname } = new URL(input);
      const other = this.otherwise(pathname, new Headers(init?.headers).get("authorization"));
      if (other !== undefined) return Promise.resolve(other);
      const name = pathname.replace("/v2/a/manifests/", "");
      this.asked.push(name);
      const body = this.#documents.get(name);
      return Promise.resolve(new Response(body ?? null, { status: body === undefined ? 404 : 200 }));
    };
    const { urls, foreign } = await findImageBlobs(whole, { fetch, clock: realClock() }, NEVER);
    return { digests: urls.map((url) => url.replace("https://registry.corp/v2/a/blobs/", "")), foreign };
  }
}

const blob = (letter: string, mediaType: string = MEDIA_TYPE.layer) => {
  return { mediaType, digest: `sha256:${letter.repeat(64)}`, size: 1 };
};
const manifest = (...letters: string[]) => {
  const [config = "0", ...layers] = letters;
  return { schemaVersion: 2, config: blob(config), layers: layers.map((letter) => blob(letter)) };
};
const digestsOf = (...letters: string[]) => letters.map((letter) => blob(letter).digest);

Deno.test("what build tools note besides an image is no platform of it", async () => {
  const registry = new Documents();
  const app = registry.add(manifest("a", "b"));
  const notes = { ...registry.add(manifest("c", "d")), platform: { os: "unknown", architecture: "unknown" } };
  registry.add({ manifests: [{ ...app, platform: { os: "linux", architecture: "amd64" } }, notes] }, "v1");
  assert.deepEqual((await registry.find()).digests, digestsOf("a", "b"));
  assert.deepEqual(registry.asked, ["v1", app.digest]);
});

Deno.test("of several images that a machine can run it gets the one that suits it best", async () => {
  const registry = new Documents();
  const made = [["arm", "a"], ["amd64", "b"], ["arm64", "c"], ["arm", "d"]] as const;
  const manifests = made.map(([architecture, letter]) => {
    return { ...registry.add(manifest(letter)), platform: { os: "linux", architecture } };
  });
  registry.add({ manifests }, "v1");
  const find = async (platform: string) => (await registry.find({ platform: parsePlatform(platform) })).digests;
  assert.deepEqual(await find("linux/arm64"), digestsOf("c"));
  assert.deepEqual(await find("linux/arm/v8"), digestsOf("a"), "the first of two that are as good");
});

Deno.test("of an index in an index the machine's image is found too", async () => {
  const registry = new Documents();
  const [amd64, arm64] = [registry.add(manifest("a", "b")), registry.add(manifest("c", "d"))];
  const inner = registry.add({
    manifests: [
      { ...amd64, platform: { os: "linux", architecture: "amd64" } },
      { ...arm64, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
    ],
  });
  registry.add({ manifests: [inner] }, "v1");
  assert.deepEqual((await registry.find({ platform: parsePlatform("linux/arm64/v9") })).digests, digestsOf("c", "d"));
  assert.deepEqual((await registry.find()).digests, digestsOf("a", "b", "c", "d"));
  await assert.rejects(registry.find({ platform: parsePlatform("linux/s390x") }), {
    code: "not_found",
    message: /Cannot find the image for linux\/s390x: it exists for linux\/amd64, linux\/arm64\/v8/,
  });
});

Deno.test("an artifact is its config and its layers, and one of the old form its blobs", async () => {
  const registry = new Documents();
  const layers = [blob("b", "application/vnd.cncf.model.weight.v1.tar")];
  registry.add({ schemaVersion: 2, artifactType: "application/vnd.cncf.model", config: blob("a"), layers }, "v1");
  assert.deepEqual((await registry.find()).digests, digestsOf("a", "b"));
  registry.add({ mediaType: MEDIA_TYPE.artifact, blobs: [blob("c"), blob("d")] }, "v1");
  assert.deepEqual((await registry.find()).digests, digestsOf("c", "d"));
});

Deno.test("layers that registries need not have are left out, and told of", async () => {
  const registry = new Documents();
  const foreign = [
    blob("c", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    blob("d", "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
  ];
  registry.add({ ...manifest("a", "b"), layers: [...foreign, blob("b")] }, "v1");
  const found = await registry.find();
  assert.deepEqual([found.digests, found.foreign], [digestsOf("a", "b"), digestsOf("c", "d")]);
});

Deno.test("what is no image is told by what it is", async () => {
  const registry = new Documents();
  registry.add({ schemaVersion: 1, fsLayers: [] }, "v1");
  await assert.rejects(registry.find(), { code: "source_error", message: /Docker's schema version 1/ });
  registry.add({ schemaVersion: 2 }, "v1");
  await assert.rejects(registry.find(), { code: "source_error", message: /neither an OCI or Docker index nor/ });
  registry.add({ padding: "x".repeat(4 * 1024 * 1024) }, "v1");
  await assert.rejects(registry.find(), /Cannot read manifest v1: it is longer than 4194304 bytes/);
  registry.add({ manifests: Array.from({ length: 101 }, (_, n) => registry.add(manifest("a", String(n % 10)))) }, "v1");
  await assert.rejects(registry.find(), /more than 100 manifests/);
  registry.add({ manifests: [blob("e")] }, "v1");
  await assert.rejects(registry.find(), { code: "not_found", message: /manifest sha256:e{64}: the answer was 404/ });
});

Deno.test("indexes that are nested without need are given up", async () => {
  const nested = (depth: number) => {
    const registry = new Documents();
    let entry = registry.add(manifest("a", "b"), "v1");
    for (let level = 0; level < depth; level++) entry = registry.add({ manifests: [entry] }, "v1");
    return registry.find();
  };
  assert.deepEqual((await nested(3)).digests, digestsOf("a", "b"));
  await assert.rejects(nested(4), /nested too deep/);
});

/** A registry that takes only the last token that it gave, each for so many seconds. */
async function tokenRegistry(expires_in: number | undefined) {
  const clock = new VirtualClock();
  const document = Buffer.from(JSON.stringify(manifest("a", "b")));
  const state = { tokens: 0, isDown: false };
  const fetch = (input: string | URL, init?: RequestInit) => {
    if (new URL(input).pathname === "/token") {
      if (state.isDown) return Promise.resolve(new Response(null, { status: 503 }));
      return Promise.resolve(Response.json({ token: `t${++state.tokens}`, expires_in }));
    }
    if (new Headers(init?.headers).get("authorization") === `Bearer t${state.tokens}`) {
      return Promise.resolve(new Response(document));
    }
    const headers = { "www-authenticate": `Bearer realm="https://registry.corp/token",service="s"` };
    return Promise.resolve(new Response(null, { status: 401, headers }));
  };
  const url = "https://registry.corp/v2/a/manifests/v1";
  const request = { url, platform: undefined, headers: {}, credentials: undefined };
  return { clock, state, ...await findImageBlobs(request, { fetch, clock }, NEVER) };
}

Deno.test("tokens that end while an index of many platforms is read are renewed", async () => {
  const registry = new Documents();
  const manifests = Array.from({ length: 8 }, (_, n) => {
    return { ...registry.add(manifest("a", String(n))), platform: { os: "linux", architecture: `kind-${n}` } };
  });
  registry.add({ manifests }, "v1");
  let tokens = 0;
  let uses = 0;
  registry.otherwise = (path, authorization) => {
    if (path === "/token") {
      uses = 0;
      return Response.json({ token: `t${++tokens}` });
    }
    if (authorization === `Bearer t${tokens}` && ++uses <= 2) return undefined;
    const headers = { "www-authenticate": 'Bearer realm="https://registry.corp/token"' };
    return new Response(null, { status: 401, headers });
  };
  assert.equal((await registry.find()).digests.length, 9);
  assert.equal(tokens, 5, "nine documents, two for each token");
});

Deno.test("a token is renewed shortly before its end, once for all who need it", async () => {
  for (const [expires_in, renewAtS] of [[300, 270], [undefined, 30], [20, 10], [-1, 30], [1e12, 86_370]] as const) {
    const { clock, login, state } = await tokenRegistry(expires_in);
    await clock.advance(renewAtS * 1_000 - 1);
    assert.equal(await login.authorization(NEVER), "Bearer t1", `after ${expires_in} s`);
    await clock.advance(1);
    const both = await Promise.all([login.authorization(NEVER), login.authorization(NEVER)]);
    assert.deepEqual([both, state.tokens], [["Bearer t2", "Bearer t2"], 2]);
  }
});

Deno.test("a token that is refused before its time is renewed, unless that has been done", async () => {
  const { login, state } = await tokenRegistry(300);
  assert.equal(await login.renew("Bearer t1", NEVER), "Bearer t2");
  assert.equal(await login.renew("Bearer t1", NEVER), "Bearer t2");
  assert.equal(await login.renew("Bearer t2", NEVER), "Bearer t3");
  state.isDown = true;
  await assert.rejects(login.renew("Bearer t3", NEVER), /Cannot get a token for a from https:\/\/registry\.corp/);
  state.isDown = false;
  assert.equal(await login.renew("Bearer t3", NEVER), "Bearer t4", "a failure is not kept");
});

Deno.test("where no token was asked for, or a password is all there is, nothing can be renewed", async () => {
  const open = async (challenge: string | undefined, isIn: (authorization: string | null) => boolean) => {
    const headers = challenge === undefined ? undefined : { "www-authenticate": challenge };
    const fetch = (_input: string | URL, init?: RequestInit) => {
      const isOpen = isIn(new Headers(init?.headers).get("authorization"));
      const refusal = new Response(null, { status: 401, ...headers && { headers } });
      return Promise.resolve(isOpen ? new Response(JSON.stringify(manifest("a", "b"))) : refusal);
    };
    const url = "https://registry.corp/v2/a/manifests/v1";
    const request = { url, platform: undefined, headers: {}, credentials: { username: "a", password: "b" } };
    return (await findImageBlobs(request, { fetch, clock: realClock() }, NEVER)).login;
  };
  const free = await open(undefined, () => true);
  assert.deepEqual([await free.authorization(NEVER), await free.renew(undefined, NEVER)], [undefined, undefined]);
  const basic = await open(`Basic realm="x"`, (authorization) => authorization === `Basic ${btoa("a:b")}`);
  assert.deepEqual(
    [await basic.authorization(NEVER), await basic.renew(`Basic ${btoa("a:b")}`, NEVER)],
    [`Basic ${btoa("a:b")}`, undefined],
  );
});

Deno.test("a URL that is no manifest's is refused", async () => {
  for (const url of ["https://registry.corp/app:v1", "https://registry.corp/v2/a/blobs/x", "nothing"]) {
    await assert.rejects(blobs({ url }), /its URL is not …\/v2\/<name>\/manifests\/<tag>/);
  }
});
