/** What an administrator decides for a cluster reaches those who must obey it. */
import assert from "node:assert/strict";
import { formatHostPort } from "../../src/config/addresses.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { ManagerService, SourceType } from "../../src/rpc/gen/manager/v2/manager.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { type ManagerSession, signIn } from "../e2e/lib/manager_api.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { documentBytes, image, layer, type Node, READY_TIMEOUT_MS, Stage } from "./stage.ts";

/** So that a change of the administrator arrives at once. */
const EAGER = { "dynconfig.refreshInterval": "50ms" };
const smallest = image.layers.toSorted((a, b) => a.size - b.size)[0] ?? layer;
const SIGNAL = new AbortController().signal;

async function administrator(stage: Stage): Promise<ManagerSession> {
  return await signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
}

/** Waits until the mirror answers a request for the smallest layer with this status. */
async function untilStatus(node: Node, status: number, headers: HeadersInit): Promise<string> {
  return await waitFor(`status ${status} of ${node.name}`, READY_TIMEOUT_MS, async () => {
    const answer = await node.blob(headers, smallest.digest);
    const text = answer.status === 200 ? (await answer.body?.cancel(), "") : await answer.text();
    return answer.status === status ? text : undefined;
  });
}

Deno.test("what the block list of a cluster names is refused by its mirrors, and nothing else, until it is taken off", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1"], settings: EAGER });
  const node = stage.node("peer-1");
  await node.pull();
  const session = await administrator(stage);
  const block_list = { task: { download: { applications: null, urls: null, tags: [], priorities: [2] } } };
  await session.changeCluster(1, { peer_cluster_config: { load_limit: 200, block_list } });
  const urgent = { "x-dragonfly-priority": "2" };
  const refusal = await untilStatus(node, 403, urgent);
  assert.match(refusal, /block list of the cluster refuses it by priority 2/);
  assert.ok(
    (node.runtime?.metrics.value("dragonfly_client_download_task_blocked_total", { type: "STANDARD" }) ?? 0) > 0,
  );
  assert.equal((await node.pull()).digest, image.index.digest);
  await session.changeCluster(1, { peer_cluster_config: { load_limit: 200 } });
  await untilStatus(node, 200, urgent);
});

Deno.test("a URL that is refused to seed peers is still fetched by a peer, from the registry", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"], settings: EAGER });
  const session = await administrator(stage);
  const block_list = { task: { download: { urls: ["/blobs/sha256:"] } } };
  await session.changeCluster(1, { seed_peer_cluster_config: { load_limit: 300, block_list } });
  await untilStatus(stage.node("seed"), 403, {});
  const { ms, digest } = await stage.node("peer-1").pull();
  assert.equal(digest, image.index.digest);
  assert.ok(ms < 5_000, `the pull took ${Math.round(ms)} ms`);
  assert.ok(
    stage.node("seed").traffic.backToSource <= smallest.size + documentBytes,
    "it may have come before the refusal",
  );
  assert.ok(stage.node("peer-1").traffic.backToSource >= layer.size);
});

Deno.test("a seed peer is registered with the manager while it runs, with the limit that schedulers obey", async () => {
  await using stage = await Stage.open({ nodes: ["seed"], settings: EAGER });
  using manager = createRpcClient(ManagerService, formatHostPort(stage.manager.it.grpc), { clock: realClock() });
  const host = { sourceType: SourceType.SCHEDULER_SOURCE, hostname: "any", ip: stage.ip, version: "", commit: "" };
  const listed = async () => {
    const { seedPeers } = await manager.listSeedPeers(host, { signal: SIGNAL, timeoutMs: 2_000 });
    return seedPeers.map(({ hostname, seedPeerCluster }) => [
      hostname,
      JSON.parse(new TextDecoder().decode(seedPeerCluster?.config)).load_limit,
    ]);
  };
  const until = (what: string, isSo: (count: number) => boolean) =>
    waitFor(what, READY_TIMEOUT_MS, async () => isSo((await listed()).length) || undefined);
  await until("the seed peer to be listed", (count) => count === 1);
  const session = await administrator(stage);
  await session.changeCluster(1, { seed_peer_cluster_config: { load_limit: 321 } });
  assert.deepEqual(await listed(), [["seed", 321]]);
  await stage.node("seed").stop();
  await until("the seed peer to be gone", (count) => count === 0);
});
