import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { realClock } from "../runtime/clock.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { parseImageReference } from "./image_reference.ts";
import { pullImage, type PullProgress, type PullRequest } from "./image_pull.ts";
import { makeSampleImage } from "./sample_image.ts";
import { type SampleRegistry, type SampleRegistryOptions, startSampleRegistry } from "./sample_registry.ts";

const image = await makeSampleImage({ layerBytes: [100_000, 300_000, 200_000, 50_000, 10] });
const account = { username: "ada", password: "lovelace:1815" };
const effects = { fetch, clock: realClock() };
const signal = new AbortController().signal;

function registryWith(options: Partial<SampleRegistryOptions> = {}): SampleRegistry {
  return startSampleRegistry({
    clock: effects.clock,
    images: [{ repository: "team/app", tag: "v1", image }],
    ...options,
  });
}

function pull(registry: SampleRegistry, options: Partial<PullRequest> = {}, name = "team/app:v1") {
  const request = {
    image: parseImageReference(`${registry.namespace}/${name}`),
    endpoint: registry.url,
    platform: { os: "linux", architecture: "amd64" },
    ...options,
  };
  return pullImage(request, effects, signal);
}

function fails(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof DamselflyError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("a pull resolves by HEAD, then fetches index, manifest and each blob once", async () => {
  await using registry = registryWith();
  const progress: PullProgress[] = [];
  const pulled = await pull(registry, { onProgress: (now) => progress.push(now) });
  assert.equal(pulled.digest, image.index.digest);
  assert.deepEqual(pulled.layers.map(({ digest }) => digest), image.layers.map(({ digest }) => digest));
  const [config] = image.blobs;
  const bytes = image.layers.reduce((sum, { size }) => sum + size, config?.size ?? 0);
  assert.equal(pulled.bytes, bytes);
  assert.deepEqual(progress.at(-1), { bytesDone: bytes, bytesTotal: bytes });
  assert.deepEqual(registry.requests.slice(0, 3).map(({ method, path }) => `${method} ${path}`), [
    "HEAD /v2/team/app/manifests/v1",
    `GET /v2/team/app/manifests/${image.index.digest}`,
    `GET /v2/team/app/manifests/${image.manifests[0]?.digest}`,
  ]);
  const blobs = registry.requests.slice(3).map(({ path }) => path.replace("/v2/team/app/blobs/", ""));
  assert.deepEqual(blobs.toSorted(), [config, ...image.layers].map((blob) => blob?.digest).toSorted());
});

Deno.test("a pull asks a mirror for the image's registry by the ns parameter, the registry itself without it", async () => {
  await using registry = registryWith();
  const seen: string[] = [];
  const spy = (input: string | URL, init?: RequestInit) => {
    seen.push(new URL(input).search);
    return fetch(input, init);
  };
  const request = (name: string) => ({
    image: parseImageReference(name),
    endpoint: registry.url,
    platform: { os: "linux", architecture: "arm64" },
  });
  await pullImage(request("docker.io/team/app:v1"), { ...effects, fetch: spy }, signal);
  assert.deepEqual(new Set(seen), new Set(["?ns=docker.io"]));
  seen.length = 0;
  await pullImage(request(`${registry.namespace}/team/app:v1`), { ...effects, fetch: spy }, signal);
  assert.deepEqual(new Set(seen), new Set([""]));
});

Deno.test("a pull answers a bearer challenge at its realm, with an account where it has one", async () => {
  for (const login of [{}, { account }]) {
    await using registry = registryWith({ login: { kind: "bearer", random: seededRandom(1), ...login } });
    const pulled = await pull(registry, "account" in login ? { credentials: account } : {});
    assert.equal(pulled.digest, image.index.digest);
    assert.equal(registry.requests.filter(({ path }) => path === "/token").length, 1);
  }
});

Deno.test("a pull answers a basic challenge, and says so when it has no account or a wrong one", async () => {
  await using registry = registryWith({ login: { kind: "basic", account } });
  assert.equal((await pull(registry, { credentials: account })).digest, image.index.digest);
  await assert.rejects(pull(registry), fails("unauthenticated", /wants a user and password/));
  const wrong = { credentials: { ...account, password: "no" } };
  await assert.rejects(pull(registry, wrong), fails("unauthenticated", /the answer was 401/));
});

Deno.test("a refused token is an error that names the realm and not the password", async () => {
  await using registry = registryWith({ login: { kind: "bearer", random: seededRandom(1), account } });
  await assert.rejects(pull(registry, { credentials: { username: "eve", password: "secret" } }), (error) => {
    assert.ok(error instanceof DamselflyError);
    assert.match(error.message, /Cannot get a token for team\/app .*401 \(UNAUTHORIZED/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

Deno.test("a body that ends early is resumed where it broke off", async () => {
  const cut = image.layers[1]?.digest ?? "";
  let broken = 0;
  await using registry = registryWith({
    faultOf: ({ path }) => path.endsWith(cut) && ++broken <= 2 ? { kind: "hang_up", afterBytes: 70_000 } : undefined,
  });
  await pull(registry);
  const requests = registry.requests.filter(({ path }) => path.endsWith(cut));
  assert.deepEqual(requests.map(({ status }) => status), [200, 206, 206]);
});

Deno.test("a resumed body is right when the registry ignores Range", async () => {
  const cut = image.layers[1]?.digest ?? "";
  let broken = 0;
  await using registry = registryWith({
    faultOf({ path }) {
      if (!path.endsWith(cut)) return undefined;
      return ++broken === 1 ? { kind: "hang_up", afterBytes: 70_000 } : { kind: "ignore_range" };
    },
  });
  await pull(registry);
  assert.deepEqual(registry.requests.filter(({ path }) => path.endsWith(cut)).map(({ status }) => status), [200, 200]);
});

Deno.test("a body that never gets further is given up", async () => {
  await using registry = registryWith({
    faultOf: ({ path }) => path.includes("/blobs/") ? { kind: "hang_up", afterBytes: 0 } : undefined,
  });
  await assert.rejects(pull(registry), fails("unavailable", /broke off at byte 0 of/));
});

Deno.test("bytes with another digest are refused, in blobs as in manifests", async () => {
  for (const kind of ["/blobs/", "/manifests/sha256:"]) {
    await using registry = registryWith({
      faultOf: ({ path }) => path.includes(kind) ? { kind: "corrupt" } : undefined,
    });
    await assert.rejects(pull(registry), fails("data_loss", /have another digest/));
  }
});

Deno.test("an image that does not exist is named, with what the registry said", async () => {
  await using registry = registryWith();
  await assert.rejects(pull(registry, {}, "team/app:v2"), fails("not_found", /Cannot resolve .*team\/app:v2.*404/));
});

Deno.test("an image without our platform lists those it has", async () => {
  await using registry = registryWith();
  const platform = { os: "linux", architecture: "s390x" };
  await assert.rejects(pull(registry, { platform }), fails("not_found", /linux\/amd64, linux\/arm64/));
});

Deno.test("a registry that is not there is an error that names it", async () => {
  const registry = registryWith();
  await registry[Symbol.asyncDispose]();
  await assert.rejects(pull(registry), fails("unavailable", /Cannot reach http:\/\/127\.0\.0\.1:/));
});

Deno.test("a registry without TLS that is asked over it is told as that", async () => {
  await using registry = registryWith();
  const endpoint = registry.url.replace("http:", "https:");
  await assert.rejects(pull(registry, { endpoint }), fails("unavailable", /it speaks no TLS: name it with http:/));
});
