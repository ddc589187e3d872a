/** Registries that hang up, send wrong bytes, refuse or know no ranges, and seed peers that are not there. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RegistryFault } from "../../src/oci/sample_registry.ts";
import { drain, image, layer, layerBytes, type Node, Stage } from "./stage.ts";

/** Promise P1: the most that one fault may cost (design §2). */
const LOST_MS_MAX = 5_000;
/** The sample registry counts what it gives to the connection, some of which nobody gets. */
const CHUNK_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/** The fault of the first requests for the big layer, of those with a method. */
function firstTimes(times: number, method: string, fault: RegistryFault) {
  let left = times;
  return (request: { method: string; path: string }) => {
    const isMeant = request.method === method && request.path.endsWith(layer.digest);
    return isMeant && left-- > 0 ? fault : undefined;
  };
}

async function assertRight(response: Response): Promise<void> {
  const { bytes, isComplete } = await drain(response);
  assert.equal(isComplete, true);
  assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, layer.digest);
}

/** Statuses and bytes of the requests for the big layer's content. */
function layerAnswers(stage: Stage): { statuses: number[]; bytes: number } {
  const ours = stage.layerRequests().filter(({ path }) => path.endsWith(layer.digest));
  return { statuses: ours.map(({ status }) => status), bytes: ours.reduce((sum, { bytes }) => sum + bytes, 0) };
}

Deno.test("a registry that hangs up half-way is asked for the rest, and sends one copy in total", async () => {
  await using stage = await Stage.open();
  stage.fault = firstTimes(3, "GET", { kind: "hang_up", afterBytes: MIB + 1000 });
  await assertRight(await stage.node("peer-1").blob());
  await assertRight(await stage.node("peer-2").blob());
  const { statuses, bytes } = layerAnswers(stage);
  assert.deepEqual(statuses, [200, 206, 206, 206]);
  assert.ok(bytes <= layer.size + 3 * CHUNK_BYTES, `${bytes} bytes for ${layer.size}`);
});

Deno.test("a registry without ranges costs one copy", async () => {
  await using stage = await Stage.open();
  stage.fault = firstTimes(Infinity, "GET", { kind: "ignore_range" });
  await assertRight(await stage.node("peer-1").blob());
  await assertRight(await stage.node("peer-2").blob({ range: "bytes=0-" }));
  assert.deepEqual(layerAnswers(stage), { statuses: [200], bytes: layer.size });
});

Deno.test("a registry without ranges that hangs up is asked for the whole content again", async () => {
  await using stage = await Stage.open();
  let gets = 0;
  stage.fault = ({ method, path }) => {
    if (method !== "GET" || !path.endsWith(layer.digest)) return undefined;
    return gets++ === 0 ? { kind: "hang_up", afterBytes: MIB } : { kind: "ignore_range" };
  };
  await assertRight(await stage.node("peer-1").blob());
  // The second request is the one for a range, by which it is found that there are none.
  assert.deepEqual(layerAnswers(stage).statuses, [200, 200, 200]);
});

Deno.test("wrong bytes of a registry are never a complete blob and never kept; the repaired registry serves", async () => {
  await using stage = await Stage.open();
  stage.fault = ({ path }) => path.endsWith(layer.digest) ? { kind: "corrupt" } : undefined;
  for (const name of ["peer-1", "peer-2"]) {
    const { isComplete } = await drain(await stage.node(name).blob());
    assert.equal(isComplete, false, "a wrong blob was delivered as a complete one");
  }
  stage.fault = undefined;
  for (const name of ["peer-1", "peer-2"]) {
    assert.equal((await stage.node(name).pull()).digest, image.index.digest);
  }
});

for (const status of [500, 503, 429, 401, 403, 404]) {
  Deno.test(`a registry's ${status} is relayed, and it is asked again once it wants to be`, async () => {
    await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
    const headers = { "www-authenticate": `Basic realm="r"`, "retry-after": "7" };
    stage.fault = ({ path }) => path.endsWith(layer.digest) ? { kind: "status", status, headers } : undefined;
    const node = stage.node("peer-1");
    const answer = await node.blob();
    await answer.body?.cancel();
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("retry-after"), headers["retry-after"]);
    if (status === 401) assert.equal(answer.headers.get("www-authenticate"), headers["www-authenticate"]);
    stage.fault = undefined;
    for (const name of ["seed", "peer-1"]) stage.node(name).clock.forward(7_000);
    assert.equal((await node.pull()).digest, image.index.digest);
    assert.equal(stage.layerBytesSent(), layerBytes);
  });
}

Deno.test("a registry that fails some requests for content in between is asked again", async () => {
  await using stage = await Stage.open();
  stage.fault = firstTimes(2, "GET", { kind: "status", status: 500 });
  await assertRight(await stage.node("peer-1").blob());
  assert.deepEqual(layerAnswers(stage).statuses, [200]);
});

for (const status of [500, 503, 429]) {
  Deno.test(`a registry that knows a blob and answers ${status} for its content gives that status, never a 200`, async () => {
    await using stage = await Stage.open({ nodes: ["peer-1"] });
    const headers = { "retry-after": "0" };
    stage.fault = firstTimes(Infinity, "GET", { kind: "status", status, headers });
    const node = stage.node("peer-1");
    for (let n = 0; n < 8; n++) {
      const answer = await node.blob();
      await answer.body?.cancel();
      assert.deepEqual([answer.status, answer.headers.get("x-dragonfly-error-type")], [status, "backend"]);
    }
    const gets = stage.registry.requests.filter(({ method, path }) => method === "GET" && path.endsWith(layer.digest));
    assert.equal(gets.length, 3);
  });
}

Deno.test("a registry that cannot give a content is asked three times by a host, and nobody waits for another", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1", "peer-2"] });
  stage.fault = firstTimes(Infinity, "GET", { kind: "status", status: 500 });
  const nodes = ["peer-1", "peer-2"].map((name) => stage.node(name));
  const startedAt = performance.now();
  const answers = await Promise.all([...nodes, ...nodes, ...nodes].map((node) => node.blob()));
  await Promise.all(answers.map((answer) => answer.body?.cancel()));
  assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 500));
  const gets = stage.registry.requests.filter(({ method, path }) => method === "GET" && path.endsWith(layer.digest));
  assert.ok(gets.length <= 3 * 3, `${gets.length} requests`);
  const ms = performance.now() - startedAt;
  assert.ok(ms < LOST_MS_MAX, `it took ${Math.round(ms)} ms`);
});

async function assertOneCopyFor(stage: Stage, nodes: readonly Node[]): Promise<void> {
  const pulls = await Promise.all(nodes.map((node) => node.pull()));
  for (const { ms } of pulls) assert.ok(ms < LOST_MS_MAX, `a pull took ${Math.round(ms)} ms`);
  assert.equal(stage.layerBytesSent(), layerBytes);
}

Deno.test("without any seed peer one of the hosts fetches, and the registry sends one copy", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1", "peer-2", "peer-3"] });
  await assertOneCopyFor(stage, ["peer-1", "peer-2", "peer-3"].map((name) => stage.node(name)));
});

Deno.test("when seed peers have stopped the hosts fetch themselves, and the registry sends one copy", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "seed-2", "peer-1", "peer-2"] });
  await stage.node("seed").stop();
  await stage.node("seed-2").stop();
  await assertOneCopyFor(stage, ["peer-1", "peer-2"].map((name) => stage.node(name)));
});

Deno.test("when one of two seed peers has stopped, the other one fetches", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "seed-2", "peer-1", "peer-2"] });
  await stage.node("seed").stop();
  await assertOneCopyFor(stage, ["peer-1", "peer-2"].map((name) => stage.node(name)));
  assert.ok(stage.node("seed-2").traffic.backToSource >= layerBytes);
});
