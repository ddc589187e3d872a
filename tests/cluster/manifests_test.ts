/** Manifests come out of the swarm, tags are as their registry says, and an outage of it does not end pulls. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ACCEPT_ANY_IMAGE } from "../../src/oci/image_document.ts";
import { MEDIA_TYPE } from "../../src/oci/image_pull_manifest.ts";
import { makeSampleImage, type SampleBlob } from "../../src/oci/sample_image.ts";
import { type LoggedRequest, startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { image, layer, type Node, REPOSITORY, Stage } from "./stage.ts";

const ada = { username: "ada", password: "lovelace" };
const bob = { username: "bob", password: "babbage" };
const LOGIN = { kind: "basic" as const, account: ada, guest: bob };
const BASIC = `Basic ${Buffer.from("ada:lovelace").toString("base64")}`;
const LEASE_MS = 60_000;
const TAG_LEASE_MS = 600_000;
const SETTINGS = { "proxy.accessLeaseTtl": `${LEASE_MS}ms`, "proxy.tagLease": `${TAG_LEASE_MS}ms` };
const AGENTS = 20;
/** What a pull asks for; a registry may have another manifest for each kind. */
const SAME_KINDS = { accept: ACCEPT_ANY_IMAGE };

async function askTag(node: Node, stage: Stage, init: RequestInit = {}, tag = "v1"): Promise<Response> {
  return await fetch(`${node.mirror}/v2/${REPOSITORY}/manifests/${tag}?ns=${stage.registry.namespace}`, init);
}

/** A manifest of these layers, written as they are. */
function manifestOf(layers: readonly Record<string, unknown>[]): SampleBlob {
  const { mediaType, digest, size } = image.blobs[0] ?? layer;
  const document = { schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config: { mediaType, digest, size }, layers };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const hex = createHash("sha256").update(bytes).digest("hex");
  return { mediaType: MEDIA_TYPE.manifest, digest: `sha256:${hex}`, size: bytes.length, bytes };
}

/** The requests that `act` costs the registry. */
async function costOf(stage: Stage, act: () => Promise<unknown>): Promise<LoggedRequest[]> {
  const before = stage.registry.requests.length;
  await act();
  return stage.registry.requests.slice(before);
}

Deno.test("indexes and manifests leave the registry once, however many nodes pull, and are what their digests say", async () => {
  await using stage = await Stage.open();
  const nodes = [stage.node("peer-1"), stage.node("peer-2")];
  await Promise.all(nodes.map((node) => node.pull()));
  const sent = stage.registry.requests.filter(({ method, path }) => method === "GET" && path.includes("/manifests/"));
  assert.equal(sent.length, 2, "one index, and its manifest for this platform");
  for (const { path } of sent) assert.match(path, /sha256:/);

  const answer = await askTag(nodes[1] ?? stage.node("peer-2"), stage);
  assert.equal(answer.headers.get("content-type"), image.index.mediaType);
  assert.equal(answer.headers.get("docker-content-digest"), image.index.digest);
  assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), image.index.bytes);
});

Deno.test("a pull of what the host has asks the registry once for rights, and not for each content", async () => {
  await using stage = await Stage.open({ registry: { login: LOGIN }, settings: SETTINGS });
  const node = stage.node("peer-1");
  await node.pull(ada);
  const asked = await costOf(stage, () => node.pull(ada));
  const answered = asked.filter(({ status }) => status === 200).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(answered, [`HEAD /v2/${REPOSITORY}/manifests/v1`]);
});

Deno.test("a right to one image opens no other one", async () => {
  await using stage = await Stage.open({ registry: { login: LOGIN }, settings: SETTINGS });
  const other = await makeSampleImage({ layerBytes: [50_000], seed: "another" });
  stage.registry.push({ repository: "other/app", tag: "v1", image: other });
  const node = stage.node("peer-1");
  await node.pull(ada);
  const url = `${node.mirror}/v2/other/app/blobs/${other.layers[0]?.digest}?ns=${stage.registry.namespace}`;
  const asked = await costOf(stage, async () => {
    const answer = await fetch(url, { headers: { authorization: BASIC } });
    await answer.body?.cancel();
  });
  assert.ok(asked.some(({ method, path }) => method === "HEAD" && path.includes("/other/app/blobs/")));
});

Deno.test("a manifest that names what its repository does not have is no right to that", async () => {
  await using stage = await Stage.open({ settings: SETTINGS });
  const node = stage.node("peer-1");
  await node.pull();
  const { mediaType, digest, size } = layer;
  const claim = manifestOf([{ mediaType, digest, size, urls: ["https://elsewhere.example/layer"] }]);
  const image = { index: claim, manifests: [], blobs: [], layers: [] };
  stage.registry.push({ repository: "mallory/app", tag: "v1", image });
  const ask = async (path: string) => {
    const answer = await fetch(`${node.mirror}/v2/mallory/app/${path}?ns=${stage.registry.namespace}`);
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await ask("manifests/v1"), 200);
  assert.equal(await ask(`manifests/${claim.digest}`), 200);
  assert.equal(await ask(`blobs/${digest}`), 404);
});

Deno.test("a tag that moved is what it is now while its registry answers", async () => {
  await using stage = await Stage.open({ settings: SETTINGS });
  const node = stage.node("peer-1");
  await node.pull();
  const next = await makeSampleImage({ layerBytes: [60_000], seed: "moved" });
  stage.registry.push({ repository: REPOSITORY, tag: "v1", image: next });
  assert.equal((await node.pull()).digest, next.index.digest);
});

Deno.test("all who ask for a tag at the same time with the same rights cost one request, others ask for themselves", async () => {
  await using stage = await Stage.open({ registry: { login: LOGIN }, settings: SETTINGS });
  const node = stage.node("peer-1");
  stage.fault = ({ method }) => method === "HEAD" ? { kind: "delay", ms: 300 } : undefined;
  const asked = await costOf(stage, async () => {
    const heads = Array.from({ length: AGENTS }, (_, i) => {
      const authorization = i === 0 ? "Basic nobody" : BASIC;
      return askTag(node, stage, { method: "HEAD", headers: { authorization } });
    });
    const statuses = (await Promise.all(heads)).map(({ status }) => status);
    assert.deepEqual(statuses, [401, ...Array.from({ length: AGENTS - 1 }, () => 200)]);
  });
  assert.equal(asked.length, 2);
});

for (const [title, status] of [["is down", 503], ["has had too many requests", 429]] as const) {
  Deno.test(`while the registry ${title}, who was told of a tag can pull it, and nobody else`, async () => {
    await using stage = await Stage.open({ registry: { login: LOGIN }, settings: SETTINGS });
    const node = stage.node("peer-1");
    await node.pull(ada);
    stage.fault = () => ({ kind: "status", status });

    node.clock.forward(LEASE_MS + 1);
    assert.equal((await node.pull(ada)).digest, image.index.digest);
    const head = await askTag(node, stage, { method: "HEAD", headers: { ...SAME_KINDS, authorization: BASIC } });
    assert.equal(head.headers.get("warning"), '110 - "Response is Stale"');
    assert.equal(head.headers.get("docker-content-digest"), image.index.digest);
    const said = node.runtime?.log.lines.filter(({ message }) => message.startsWith("Tags are answered as"));
    assert.equal(said?.length, 1);

    for (const path of ["manifests/v1", `manifests/${image.index.digest}`, `blobs/${layer.digest}`]) {
      const unsaid = await fetch(`${node.mirror}/v2/${REPOSITORY}/${path}?ns=${stage.registry.namespace}`);
      await unsaid.body?.cancel();
      assert.equal(unsaid.status, 401, `${path}: a runtime sends no password before it is asked for one`);
      assert.match(unsaid.headers.get("www-authenticate") ?? "", /^Basic /i);
    }

    await assert.rejects(node.pull(bob), "another account");
    await assert.rejects(node.pull(), "nobody");
    await assert.rejects(stage.node("peer-2").pull(ada), "a host that nobody was told on");
    node.clock.forward(TAG_LEASE_MS);
    await assert.rejects(node.pull(ada), "the lease is over");
  });
}

Deno.test("a tag that its registry does not know any more is not remembered", async () => {
  await using stage = await Stage.open({ settings: SETTINGS });
  const node = stage.node("peer-1");
  await node.pull();
  stage.fault = ({ path }) => path.endsWith("/v1") ? { kind: "status", status: 404 } : undefined;
  await assert.rejects(node.pull());
  stage.fault = () => ({ kind: "status", status: 503 });
  await assert.rejects(node.pull());
});

Deno.test("without proxy.tagLease an outage of the registry is an outage", async () => {
  await using stage = await Stage.open({ settings: { ...SETTINGS, "proxy.tagLease": "0s" } });
  const node = stage.node("peer-1");
  await node.pull();
  stage.fault = () => ({ kind: "status", status: 503 });
  await assert.rejects(node.pull());
});

Deno.test("a manifest that is not what its digest says is given to nobody", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  stage.fault = ({ method, path }) =>
    method === "GET" && path.includes("/manifests/") ? { kind: "corrupt" } : undefined;
  await assert.rejects(stage.node("peer-1").pull());
});

Deno.test("a HEAD for what is kept asks nobody while the right to it lives", async () => {
  await using stage = await Stage.open({ registry: { login: LOGIN }, settings: SETTINGS });
  const node = stage.node("peer-1");
  await node.pull(ada);
  const url = `${node.mirror}/v2/${REPOSITORY}/blobs/${layer.digest}?ns=${stage.registry.namespace}`;
  const asked = await costOf(stage, async () => {
    const head = await fetch(url, { method: "HEAD", headers: { authorization: BASIC } });
    assert.equal(head.headers.get("content-length"), String(layer.size));
  });
  assert.deepEqual(asked, []);
});

Deno.test("with a list of registries nobody gets a content by naming a registry of his own", async () => {
  const lists = { "proxy.allowedRegistries": ["registry.example"] };
  await using stage = await Stage.open({ nodes: ["seed"], settings: SETTINGS });
  await using own = startSampleRegistry({
    ...{ clock: realClock(), images: [{ repository: REPOSITORY, tag: "v1", image }] },
  });
  const open = await stage.start("open");
  const held = await stage.start("held", { settings: { ...SETTINGS, ...lists } });
  await open.pull();
  const ask = async (node: Node, path: string) => {
    const headers = { "x-dragonfly-registry": own.url };
    const answer = await fetch(`${node.mirror}/v2/${REPOSITORY}/${path}`, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await ask(open, `blobs/${layer.digest}`), 200);
  for (const path of [`blobs/${layer.digest}`, "manifests/v1", `manifests/${image.index.digest}`, "tags/list"]) {
    assert.equal(await ask(held, path), 403, path);
  }
  assert.equal(held.traffic.remotePeer, 0);
  const said = held.runtime?.log.lines.find(({ message }) => message === "A registry's pulls go past the swarm");
  assert.match(JSON.stringify(said), /proxy\.allowedRegistries/);
  assert.equal((await held.pull()).digest, image.index.digest, "what the mirror is configured for is in the list");
});
