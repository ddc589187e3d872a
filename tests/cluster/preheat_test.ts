/** Jobs from the REST API of the manager to the hosts and back: preheat, get_task, delete_task, sync_peers. */
import assert from "node:assert/strict";
import { formatHostPort } from "../../src/config/addresses.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { type ManagerSession, signIn } from "../e2e/lib/manager_api.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { documentBytes, gate, image, layer, layerBytes, READY_TIMEOUT_MS, REPOSITORY, Stage } from "./stage.ts";

const MIB = 1024 * 1024;
const account = { username: "ada", password: "lovelace" };
const JOBS = "/api/v1/jobs";
const LAYERS = image.layers.length;
/** Configs of both architectures, and the layers. */
const ALL_BLOBS = image.blobs.length;

interface HostEntry {
  readonly url: string;
  readonly hostname: string;
  readonly ip: string;
  readonly description?: string;
}

/** A job as the API shows it; of its result the part of the first cluster. */
interface ShownJob {
  readonly id: number;
  readonly state: string;
  readonly error: string;
  readonly successes: HostEntry[];
  readonly failures: HostEntry[];
  readonly progress: Readonly<Record<string, number>>;
  readonly peers: { readonly hostname: string; readonly host_type: string; readonly IsFinished: boolean }[];
}

function root(stage: Stage): Promise<ManagerSession> {
  return signIn(`http://${formatHostPort(stage.manager.it.rest)}`);
}

function manifestUrl({ registry }: Stage, tag = "v1"): string {
  return `${registry.url}/v2/${REPOSITORY}/manifests/${tag}`;
}

/** Waits until a job is over, asking as `ask` does. */
async function ended(ask: () => Promise<unknown>): Promise<ShownJob> {
  return await waitFor("the job to end", READY_TIMEOUT_MS, async () => {
    // deno-lint-ignore no-explicit-any -- what is missing fails the assertions
    const job = await ask() as any;
    if (job.state === "PENDING") return undefined;
    const [task] = job.result.job_states;
    const [{ success_tasks: successes = [], failure_tasks: failures = [], peers = [] } = {}] = task.results;
    const { progress } = job.result;
    return { id: job.id, state: job.state, error: task.error, successes, failures, progress, peers };
  });
}

/** Orders a job and waits until it is over. */
async function run(session: ManagerSession, type: string, args: Record<string, unknown>): Promise<ShownJob> {
  const { id } = await session.send("POST", JOBS, { type, args });
  return await ended(() => session.send("GET", `${JOBS}/${id}`));
}

for (const kind of ["basic", "bearer"] as const) {
  Deno.test(`an image behind a ${kind} login is preheated with the order's account, for the platform it names`, async () => {
    await using stage = await Stage.open({ registry: { login: { kind, random: seededRandom(4), account } } });
    const session = await root(stage);
    const args = { type: "image", url: manifestUrl(stage), ...account, platform: "linux/amd64" };
    const { state, successes } = await run(session, "preheat", args);
    assert.deepEqual([state, successes.length], ["SUCCESS", LAYERS + 1]);
    await stage.node("peer-2").pull(account);
    assert.equal(stage.layerBytesSent(), layerBytes);

    const wrong = await run(session, "preheat", { ...args, password: "guess" });
    assert.equal(wrong.state, "FAILURE");
    assert.match(wrong.error, kind === "basic" ? /401/ : /Cannot get a token/);
  });
}

Deno.test("all peers hold an image after a preheat for all of them, at the cost of one copy; a task is found and deleted", async () => {
  await using stage = await Stage.open();
  const session = await root(stage);
  const preheat = await run(session, "preheat", { type: "image", url: manifestUrl(stage), scope: "all_peers" });
  assert.deepEqual([preheat.state, preheat.failures], ["SUCCESS", []]);
  assert.equal(preheat.successes.length, 3 * ALL_BLOBS);
  assert.deepEqual(preheat.progress, {
    ...{ cluster_count: 1, cluster_done_count: 1, content_count: ALL_BLOBS, content_done_count: ALL_BLOBS },
    ...{ host_count: 3, success_count: 3 * ALL_BLOBS, failure_count: 0, expected_count: 3 * ALL_BLOBS },
  });
  assert.equal(stage.layerBytesSent(), layerBytes);
  for (const name of ["peer-1", "peer-2"]) {
    const node = stage.node(name);
    const { remotePeer } = node.traffic;
    await node.pull();
    assert.ok(node.traffic.remotePeer - remotePeer <= documentBytes, `${name} did not hold all blobs`);
  }

  const url = `${stage.registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`;
  const holders = await run(session, "get_task", { url });
  const names = holders.peers.map(({ hostname, host_type, IsFinished }) => `${hostname} ${host_type} ${IsFinished}`);
  assert.deepEqual(names.toSorted(), ["peer-1 normal true", "peer-2 normal true", "seed super true"]);
  const deleted = await run(session, "delete_task", { task_id: layer.digest.replace("sha256:", "") });
  assert.deepEqual([deleted.state, deleted.successes.length, deleted.failures], ["SUCCESS", 3, []]);
  assert.deepEqual((await run(session, "get_task", { url })).peers, []);
});

Deno.test("so many nodes get an image as the order says, and an address that nobody has is a failure of its own", async () => {
  await using stage = await Stage.open({ nodes: ["seed-1", "seed-2", "peer-1"] });
  const session = await root(stage);
  const hosts = async (args: Record<string, unknown>) => {
    const job = await run(session, "preheat", { type: "image", url: manifestUrl(stage), ...args });
    return { ...job, names: [...new Set(job.successes.map(({ hostname }) => hostname))].toSorted() };
  };
  assert.deepEqual((await hosts({ scope: "all_seed_peers" })).names, ["seed-1", "seed-2"]);
  assert.equal((await hosts({ scope: "all_seed_peers", count: 1 })).names.length, 1);
  assert.equal((await hosts({ scope: "all_peers", percentage: 67 })).names.length, 2);
  const { state, failures } = await hosts({ scope: "all_peers", ips: [stage.ip, "192.0.2.7"] });
  assert.equal(state, "SUCCESS", "each content is on some host");
  assert.equal(failures.length, ALL_BLOBS);
  assert.match(failures[0]?.description ?? "", /No host of the scope has address 192\.0\.2\.7/);
});

Deno.test("files are preheated, and one that is not there fails the job and says why", async () => {
  await using stage = await Stage.open();
  const session = await root(stage);
  const file = (digest: string) => `${stage.registry.url}/v2/${REPOSITORY}/blobs/${digest}`;
  const urls = image.layers.map(({ digest }) => file(digest));
  const { state, successes } = await run(session, "preheat", { type: "file", urls });
  assert.deepEqual([state, successes.map(({ url }) => url).toSorted()], ["SUCCESS", urls.toSorted()]);
  const gone = file(`sha256:${"0".repeat(64)}`);
  const failed = await run(session, "preheat", { type: "file", urls: [gone, ...urls.slice(0, 1)] });
  assert.equal(failed.state, "FAILURE");
  assert.match(failed.error, /1 of 2 contents could be fetched by no host/);
  assert.deepEqual(failed.failures.map(({ url }) => url), [gone]);
});

Deno.test("a file is preheated under the name that its arguments make, and found under no other", async () => {
  await using stage = await Stage.open();
  const session = await root(stage);
  const url = `${stage.registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`;
  const signed = (signature: string) => `${url}?signature=${signature}`;
  const names = { tag: "nightly", application: "ci", piece_length: 8 * MIB, filtered_query_params: "signature" };
  const order = { type: "file", url: signed("1"), headers: {}, ...names };
  assert.equal((await run(session, "preheat", order)).state, "SUCCESS");
  const holders = async (args: Record<string, unknown>) => {
    return (await run(session, "get_task", { url: signed("2"), ...names, ...args })).peers.length;
  };
  assert.equal(await holders({}), 1);
  const others = [{ tag: "other" }, { application: "other" }, { piece_length: 4 * MIB }, {
    filtered_query_params: "x",
  }];
  for (const other of others) assert.equal(await holders(other), 0, JSON.stringify(other));
});

Deno.test("an image that is not there, and a cluster without seed peers, fail a preheat with the reason", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1"] });
  const session = await root(stage);
  const order = { type: "image", url: manifestUrl(stage), scope: "single_seed_peer" };
  const lonely = await run(session, "preheat", order);
  assert.deepEqual(lonely.state, "FAILURE");
  assert.match(lonely.error, /the cluster has no seed peer/);
  const missing = await run(session, "preheat", { ...order, url: manifestUrl(stage, "v2"), scope: "all_peers" });
  assert.equal(missing.state, "FAILURE");
  assert.match(missing.error, /manifest v2: the answer was 404/);
});

Deno.test("sync_peers makes the manager's peers those that the scheduler knows", async () => {
  await using stage = await Stage.open();
  const session = await root(stage);
  assert.equal(await session.send("POST", JOBS, { type: "sync_peers" }), "OK");
  const peers = await session.send("GET", "/api/v1/peers") as { host_name: string; type: string; ip: string }[];
  assert.deepEqual(peers.map(({ host_name, type }) => `${host_name} ${type}`).toSorted(), [
    ...["peer-1 normal", "peer-2 normal", "seed super"],
  ]);
  assert.deepEqual(await session.send("GET", JOBS), [], "it is no job that stays");
});

Deno.test("a job outlives a restart of the manager, with its credentials, and one that is removed stops", async () => {
  await using stage = await Stage.open({ registry: { login: { kind: "bearer", random: seededRandom(4), account } } });
  const held = gate();
  stage.fault = ({ path }) =>
    path.includes("/blobs/") ? { kind: "hold", afterBytes: 0, until: held.opened } : undefined;
  const session = await root(stage);
  const order = { type: "preheat", args: { type: "image", url: manifestUrl(stage), ...account } };
  const [first, second] = [await session.send("POST", JOBS, order), await session.send("POST", JOBS, order)];
  await session.send("DELETE", `${JOBS}/${first.id}`);
  assert.equal((await session.send("GET", `${JOBS}/${second.id}`)).state, "PENDING");
  await stage.manager.restart();
  const again = await root(stage);
  assert.equal((await again.send("GET", `${JOBS}/${second.id}`)).state, "PENDING");
  held.open();
  const job = await ended(() => again.send("GET", `${JOBS}/${second.id}`));
  assert.deepEqual([job.state, job.error, job.successes.length], ["SUCCESS", "", ALL_BLOBS]);
  assert.deepEqual((await again.send("GET", JOBS)).map(({ id }: { id: number }) => id), [second.id]);
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("a job that was cancelled has failed, and is tried again with what it was ordered with", async () => {
  await using stage = await Stage.open({ registry: { login: { kind: "bearer", random: seededRandom(3), account } } });
  const held = gate();
  stage.fault = ({ path }) =>
    path.includes("/blobs/") ? { kind: "hold", afterBytes: 0, until: held.opened } : undefined;
  const session = await root(stage);
  const args = { type: "image", url: manifestUrl(stage), ...account };
  const { id } = await session.send("POST", JOBS, { type: "preheat", args });
  const cancelled = await session.send("POST", `${JOBS}/${id}/cancel`);
  assert.deepEqual([cancelled.state, cancelled.result.job_states[0].error], [
    "FAILURE",
    "The job was cancelled by root",
  ]);
  held.open();
  assert.equal((await session.send("POST", `${JOBS}/${id}/retry`)).state, "PENDING");
  const job = await ended(() => session.send("GET", `${JOBS}/${id}`));
  assert.deepEqual([job.state, job.successes.length], ["SUCCESS", ALL_BLOBS]);
});
