/** One manager, two clusters: each host is served by the cluster that its scopes name, and by no other. */
import assert from "node:assert/strict";
import { formatHostPort } from "../../src/config/addresses.ts";
import { signIn } from "../e2e/lib/manager_api.ts";
import { freshIp, layerBytes, type Node, type NodeOptions, Stage } from "./stage.ts";

const SECOND = "cluster-2";
const IDC = "dc-2";

/** Bytes that a node gave to others. */
function uploadedBy({ runtime }: Node): number {
  return runtime?.metrics.value("dragonfly_client_upload_traffic", { type: "STANDARD" }) ?? 0;
}

function restUrl(stage: Stage): string {
  return `http://${formatHostPort(stage.manager.it.rest)}`;
}

/** A stage with a second cluster, for one IDC, one network and hosts whose names begin with `edge-`. */
async function openTwoClusters(network: string) {
  await using stack = new AsyncDisposableStack();
  const stage = stack.use(await Stage.open({ nodes: ["seed", "peer-1"] }));
  const session = await signIn(restUrl(stage));
  const scopes = { idc: IDC, cidrs: [`${network}/32`], hostnames: ["^edge-"] };
  const id = await session.createCluster(SECOND, scopes);
  assert.deepEqual(await session.clusters(), ["cluster-1", SECOND]);
  const second = stage.addScheduler("scheduler-2", id);
  await stage.startScheduler(second, { idc: IDC });
  const opened = stack.move();
  return { stage, second, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const network = freshIp();
/** Ways to say that a host belongs to the second cluster. */
const MEMBERS: readonly (readonly [string, string, NodeOptions])[] = [
  ["IDC", "peer-a", { settings: { "host.idc": IDC } }],
  ["host name", "edge-b", {}],
  // A host on an address of its own, where the system has more than one on loopback.
  ...(network === "127.0.0.1" ? [] : [["CIDR", "peer-c", { ip: network }] as const]),
];

Deno.test("hosts find their cluster by IDC, host name and CIDR, and share inside it only", async () => {
  await using clusters = await openTwoClusters(network);
  const { stage, second } = clusters;
  await stage.node("peer-1").pull();
  assert.equal(stage.layerBytesSent(), layerBytes);

  for (const [, name, options] of MEMBERS) await stage.start(name, options);
  await stage.untilHosts(MEMBERS.length, second.it);
  await stage.untilHosts(2);
  const given = uploadedBy(stage.node("seed")) + uploadedBy(stage.node("peer-1"));
  for (const [, name] of MEMBERS) await stage.node(name).pull();
  assert.equal(uploadedBy(stage.node("seed")) + uploadedBy(stage.node("peer-1")), given);
  assert.equal(stage.layerBytesSent(), 2 * layerBytes, "each cluster costs the registry one copy");
  for (const [how, name] of MEMBERS.slice(1)) assert.equal(stage.node(name).traffic.backToSource, 0, how);
});

Deno.test("hosts that no scope names are in the default cluster, and so are those whose cluster is down", async () => {
  await using clusters = await openTwoClusters(network);
  const { stage, second } = clusters;
  await stage.node("peer-1").pull();
  await stage.start("peer-2", { settings: { "host.idc": "dc-3" } });
  await stage.untilHosts(3);
  assert.equal((await stage.node("peer-2").pull()).bytes > 0, true);
  assert.equal(stage.node("peer-2").traffic.backToSource, 0);

  await second.stop();
  await stage.start("edge-d");
  await stage.untilHosts(4);
  await stage.node("edge-d").pull();
  assert.equal(stage.node("edge-d").traffic.backToSource, 0);
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("nobody reads or changes clusters without a session", async () => {
  await using stage = await Stage.open({ nodes: [] });
  const clusters = `${restUrl(stage)}/api/v1/clusters`;
  const requests: readonly [string, RequestInit][] = [
    [clusters, {}],
    [`${clusters}/1`, {}],
    [clusters, { method: "POST", body: "{}" }],
    [`${clusters}/1`, { method: "PATCH", body: "{}" }],
    [`${clusters}/1`, { method: "DELETE" }],
    [clusters, { headers: { authorization: "Bearer eyJhbGciOiJub25lIn0.e30." } }],
  ];
  for (const [url, init] of requests) {
    const answer = await fetch(url, init);
    await answer.body?.cancel();
    assert.equal(answer.status, 401, `${init.method ?? "GET"} ${url}`);
  }
  assert.deepEqual(await (await signIn(restUrl(stage))).clusters(), ["cluster-1"]);
});
