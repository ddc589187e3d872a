/** A whole cluster in one process: what the first pulls cost the registry, and where their bytes come from. */
import assert from "node:assert/strict";
import { VERSION } from "../../src/core/version.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { image, layer, layerBytes, Stage } from "./stage.ts";

const account = { username: "ada", password: "lovelace" };

Deno.test("the registry sends each layer once, and the second node gets all of its bytes from peers", async () => {
  await using stage = await Stage.open();
  const second = stage.node("peer-2");
  const first = await stage.node("peer-1").pull();
  assert.equal(first.digest, image.index.digest);
  assert.equal(stage.layerRequests().length, image.layers.length);
  assert.equal(stage.layerBytesSent(), layerBytes);

  await second.pull();
  assert.equal(stage.layerRequests().length, image.layers.length, "the second pull went to the registry");
  const { backToSource, remotePeer } = second.traffic;
  assert.equal(backToSource, 0);
  assert.ok(remotePeer >= layerBytes, `${remotePeer} of ${layerBytes} bytes came from peers`);

  const before = second.traffic;
  await second.pull();
  const after = second.traffic;
  assert.equal(after.remotePeer, before.remotePeer);
  assert.equal(after.backToSource, 0);
  assert.ok(after.localPeer - before.localPeer >= layerBytes);
});

Deno.test("an image that needs a token is shared among those who can get one, and refused to others", async () => {
  await using stage = await Stage.open({
    registry: { login: { kind: "bearer", random: seededRandom(7), account } },
  });
  const second = stage.node("peer-2");
  await stage.node("peer-1").pull(account);
  await second.pull(account);
  assert.equal(stage.layerRequests().length, image.layers.length);
  await assert.rejects(second.pull(), /Cannot get a token/);
  const answer = await second.blob({}, layer.digest);
  await answer.body?.cancel();
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm=/);
});

Deno.test("peers that pull the same image at the same moment cost the registry one copy", async () => {
  await using stage = await Stage.open();
  const [first, second] = [stage.node("peer-1"), stage.node("peer-2")];
  await Promise.all([first.pull(), second.pull(), first.pull(), second.pull()]);
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("the registry can tell the swarm from nodes, and the seed peer in it", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await stage.node("peer-1").pull();
  const names = (method: string, part: string) => {
    const asked = stage.registry.requests.filter((request) => request.method === method && request.path.includes(part));
    return [...new Set(asked.map(({ userAgent }) => userAgent))];
  };
  const node = `damselfly/${VERSION}`; // the client of the tests, in the place of a container runtime
  assert.deepEqual(names("HEAD", "/manifests/v1"), [node]);
  assert.deepEqual(names("GET", "/manifests/"), [`${node} (seed peer; ${node})`]);
  assert.deepEqual(names("GET", "/blobs/"), [`${node} (seed peer; ${node})`]);
  await (await stage.node("peer-1").blob({ authorization: "Basic nobody" })).body?.cancel();
  assert.ok(names("HEAD", "/blobs/").includes(`${node} (peer; ${node})`));
});
