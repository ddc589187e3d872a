/** Images that are kept warm, from the REST API of the manager to the hosts: a tag that moves, a node that joins. */
import assert from "node:assert/strict";
import { formatHostPort } from "../../src/config/addresses.ts";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import { type ManagerSession, signIn } from "../e2e/lib/manager_api.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { documentBytes, freshIp, image, layerBytes, type Node, REPOSITORY, Stage } from "./stage.ts";

const account = { username: "ada", password: "lovelace" };
const PATH = "/api/v1/warm-images";
const WARM_TIMEOUT_MS = 60_000;
const MINUTE_NS = 60e9;

/** Declares the image of the stage warm. */
async function declare(stage: Stage, session: ManagerSession, declaration: Record<string, unknown>) {
  const { args, ...rest } = { args: {}, ...declaration };
  const url = `${stage.registry.url}/v2/${REPOSITORY}/manifests/v1`;
  return await session.send("POST", PATH, { name: "app", args: { type: "image", url, ...args }, ...rest });
}

/** The warm image once its status is as described. */
async function untilStatus(session: ManagerSession, what: string, isSo: (status: Status) => boolean): Promise<Status> {
  return await waitFor(what, WARM_TIMEOUT_MS, async () => {
    const [{ id }] = await session.send("GET", PATH);
    const { status } = await session.send("GET", `${PATH}/${id}`);
    return isSo(status) ? status : undefined;
  });
}

interface Status {
  readonly digest: string;
  readonly warm_digest: string;
  readonly last_state: string;
  readonly last_error: string;
  readonly job_ids: number[];
  readonly hosts: { readonly known: number; readonly warm: number } | null;
}

/** A pull costs the registry no request for a blob, besides questions for the right to it. */
async function assertWarm(stage: Stage, node: Node): Promise<void> {
  const blobs = () => stage.registry.requests.filter(({ method, path }) => method === "GET" && /\/blobs\//.test(path));
  const [before, { remotePeer }] = [blobs().length, node.traffic];
  await node.pull(account);
  assert.equal(blobs().length, before, `the pull of ${node.name} went to the registry`);
  assert.ok(node.traffic.remotePeer - remotePeer <= documentBytes, `${node.name} did not hold all blobs`);
}

Deno.test("a tag that moves is warmed on all nodes again: one HEAD tells of it, and a pull costs no blob request", async () => {
  await using stage = await Stage.open({ registry: { login: { kind: "basic", account } } });
  const session = await signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
  const following = { follow: MINUTE_NS, args: { ...account, scope: "all_peers" } };
  const { id } = await declare(stage, session, following);
  await untilStatus(session, "the image to be warm", (status) => status.warm_digest === image.index.digest);
  for (const name of ["peer-1", "peer-2"]) await assertWarm(stage, stage.node(name));
  assert.equal(stage.layerBytesSent(), layerBytes, "one copy");

  const newer = await makeSampleImage({ layerBytes: [700_000, 20_000] });
  stage.registry.push({ repository: REPOSITORY, tag: "v1", image: newer });
  // The next question is a minute away; a changed interval asks at once.
  await session.send("PATCH", `${PATH}/${id}`, { follow: 2 * MINUTE_NS });
  const status = await untilStatus(session, "the new digest to be warm", (status) => {
    return status.warm_digest === newer.index.digest;
  });
  assert.deepEqual([status.last_state, status.job_ids.length], ["SUCCESS", 2]);
  for (const name of ["peer-1", "peer-2"]) await assertWarm(stage, stage.node(name));
  const heads = stage.registry.requests.filter(({ method, path, status }) => {
    return method === "HEAD" && path.endsWith("/manifests/v1") && status === 200;
  });
  assert.ok(heads.length >= 2, "the tag was asked for by HEAD");
});

Deno.test("a node that joins is brought to the warm images by the swarm, and the registry gives no second copy", async () => {
  await using stage = await Stage.open({ nodes: ["seed"] });
  const session = await signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
  const { id } = await declare(stage, session, { cron: "0 0 1 1 *", on_join: true });
  await session.send("POST", `${PATH}/${id}/run`);
  await untilStatus(session, "the seed peer to have it", (status) => status.last_state === "SUCCESS");
  assert.equal(stage.layerBytesSent(), layerBytes);
  const node = await stage.start("peer-1", { ip: freshIp() });
  const { hosts } = await untilStatus(session, "the node to be warm", (status) => status.hosts?.warm === 1);
  assert.equal(hosts?.known, 1, "the seed peer is none of them");
  await assertWarm(stage, node);
  assert.equal(stage.layerBytesSent(), layerBytes, "one copy");
  const { length } = await session.send("GET", "/api/v1/jobs");
  await stage.manager.restart();
  const again = await signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
  const other = await stage.start("peer-2", { ip: freshIp() });
  await untilStatus(again, "the next node to be warm", (status) => status.hosts?.warm === 2);
  await assertWarm(stage, other);
  assert.equal(
    (await again.send("GET", "/api/v1/jobs")).length,
    length + 1,
    "the first one was not brought to it again",
  );
});
