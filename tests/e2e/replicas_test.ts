/** Two managers on one database and one Redis, of which one is killed while it preheats: the other one goes on with it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeSampleImage, type SampleImage } from "../../src/oci/sample_image.ts";
import {
  type LoggedRequest,
  type SampleRegistry,
  type SampleRegistryOptions,
  startSampleRegistry,
} from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import type { Endpoint } from "../../src/runtime/net.ts";
import { freePort, reserveAddresses } from "./lib/addresses.ts";
import { type Manager, type Peer, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { type DatabaseServer, MARIADB } from "./lib/database_servers.ts";
import { type ManagerSession, signIn } from "./lib/manager_api.ts";
import { e2eTest } from "./lib/programs.ts";
import { REDIS_PROGRAM, startRedis } from "./lib/redis_server.ts";
import { startBalancer } from "./lib/tcp.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const MIB = 1024 * 1024;
const READY_TIMEOUT_MS = 60_000;
/** A manager that is gone is missed within 30 s; the machine may be busy. */
const TAKEN_OVER_WITHIN_MS = 90_000;
/** A tag is followed once a minute, and a job of a manager that is gone is missed after half a one. */
const ROW_TIMEOUT_MS = 180_000;
/** The shortest interval, a minute. */
const FOLLOW_NS = 60e9;
const PROGRAMS = [...MARIADB.programs, REDIS_PROGRAM];
const REPOSITORY = "team/app";
/** Between two parts of 64 KiB of the large layer, which so takes longer than it takes to miss a manager. */
const SLOW_PAUSE_MS = 250;
const PEERS = ["node-1", "node-2"];

const account = { username: "ada", password: "lovelace" };

/** The tables of a manager's YAML that all replicas have in common. */
async function shared(database: DatabaseServer, redis: Endpoint): Promise<Record<string, unknown>> {
  const { host, port, user, password, database: dbname } = await database.create();
  const addrs = [`${redis.hostname}:${redis.port}`];
  return { database: { type: "mysql", mysql: { host, port, user, password, dbname }, redis: { addrs } } };
}

// deno-lint-ignore no-explicit-any -- what is missing fails the assertions
async function untilRow(session: ManagerSession, path: string, is: (row: any) => boolean): Promise<any> {
  return await waitFor(path, ROW_TIMEOUT_MS, async () => {
    const row = await session.send("GET", path);
    return is(row) ? row : undefined;
  });
}

// deno-lint-ignore no-explicit-any -- the same
function untilJob(session: ManagerSession, id: number, is: (job: any) => boolean): Promise<any> {
  return untilRow(session, `/api/v1/jobs/${id}`, is);
}

/** Managers on one database, and a cluster of theirs with a seed peer and peers. */
interface Replicas {
  readonly registry: SampleRegistry;
  readonly managers: readonly [Manager, Manager];
  readonly peers: readonly Peer[];
}

/** Starts them all; they are the stack's. */
async function startReplicas(
  stack: AsyncDisposableStack,
  content: Pick<SampleRegistryOptions, "images" | "faultOf">,
): Promise<Replicas> {
  const workspace = stack.use(await Workspace.create());
  const addresses = stack.use(await reserveAddresses());
  const login = { kind: "basic", account } as const;
  const registry = stack.use(
    startSampleRegistry({ clock: realClock(), hostname: addresses.ip(1), login, ...content }),
  );
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const redis = { hostname: addresses.ip(2), port: await freePort(addresses.ip(2)) };
  stack.use(await startRedis({ ip: redis.hostname, port: redis.port, dir: workspace.dir }));
  const settings = await shared(stack.use(await MARIADB.start(workspace.dir)), redis);
  const first = stack.use(await startManager(place("manager-1", 11), undefined, settings));
  const second = stack.use(await startManager(place("manager-2", 12), undefined, settings));
  const front = { hostname: addresses.ip(3), port: await freePort(addresses.ip(3)) };
  const ends = [first, second].map(({ grpcUrl }) => new URL(grpcUrl));
  stack.use(await startBalancer(front, ends.map(({ hostname, port }) => ({ hostname, port: Number(port) }))));
  const managerUrl = `http://${front.hostname}:${front.port}`;
  const scheduler = stack.use(await startScheduler(place("scheduler", 20), managerUrl, 1));
  const upstreams = [{ namespace: registry.namespace, addr: registry.url }];
  const peers = await Promise.all(["seed", ...PEERS].map(async (name, index) => {
    const options = { managerUrl, isSeed: name === "seed", upstreams };
    return stack.use(await startPeer(place(name, 30 + index), options));
  }));
  await waitFor("the peers to be known", READY_TIMEOUT_MS, async () => {
    const known = await scheduler.hostIds();
    return peers.every(({ hostId }) => known.includes(hostId)) || undefined;
  });
  return { registry, managers: [first, second], peers };
}

function assertOneCopy({ requests }: SampleRegistry, image: SampleImage): void {
  const sent = image.layers.map(({ digest }) => bytesOf(requests, digest));
  assert.deepEqual(sent, image.layers.map(({ size }) => size), "the registry sent more than one copy");
}

e2eTest("a preheat whose manager is killed is completed by another one, at the cost of one copy", {
  programs: PROGRAMS,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const image = await makeSampleImage({ layerBytes: [24 * MIB, 8 * MIB, 1 * MIB] });
  const [slow] = image.layers;
  assert.ok(slow);
  let pauseMs = SLOW_PAUSE_MS;
  const { registry, managers: [first, second] } = await startReplicas(stack, {
    images: [{ repository: REPOSITORY, tag: "v1", image }],
    faultOf: ({ path }) => path.endsWith(slow.digest) ? { kind: "slow", pauseMs: () => pauseMs } : undefined,
  });
  const session = await signIn(first.restUrl);
  const url = `${registry.url}/v2/${REPOSITORY}/manifests/v1`;
  const args = { type: "image", url, ...account, scope: "all_peers", platform: "linux/amd64" };
  const { id } = await session.send("POST", "/api/v1/jobs", { type: "preheat", args });
  await untilJob(session, id, ({ result }) => result?.progress.content_done_count >= 2);
  assert.ok(first.process.log().length > 0 && !second.process.log().includes("A job goes on here"));
  await first.process.kill();

  const other = await signIn(second.restUrl);
  await waitFor("the other manager to go on", TAKEN_OVER_WITHIN_MS, () => {
    return second.process.log().includes("A job goes on here") || undefined;
  });
  assert.equal((await other.send("GET", `/api/v1/jobs/${id}`)).state, "PENDING");
  pauseMs = 0;
  const { state, result } = await untilJob(other, id, ({ state }) => state !== "PENDING");
  const [{ error, results: [{ success_tasks, failure_count }] }] = result.job_states;
  const contents = image.layers.length + 1;
  assert.deepEqual([state, error, success_tasks.length, failure_count], ["SUCCESS", "", 3 * contents, 0]);
  assertOneCopy(registry, image);
});

e2eTest("a tag that moves is warmed once by two managers, also when the one that does it is killed", {
  programs: PROGRAMS,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const [before, after] = await Promise.all(
    ["before", "after"].map((seed) => makeSampleImage({ layerBytes: [8 * MIB, 1 * MIB], seed })),
  );
  const slow = after?.layers[0]?.digest;
  assert.ok(before !== undefined && after !== undefined && slow !== undefined);
  let pauseMs = SLOW_PAUSE_MS;
  const replicas = await startReplicas(stack, {
    images: [{ repository: REPOSITORY, tag: "v1", image: before }],
    faultOf: ({ path }) => path.endsWith(slow) ? { kind: "slow", pauseMs: () => pauseMs } : undefined,
  });
  const { registry, managers } = replicas;
  const sessions = await Promise.all(managers.map(({ restUrl }) => signIn(restUrl)));
  const [session] = sessions;
  assert.ok(session);
  const args = { type: "image", url: `${registry.url}/v2/${REPOSITORY}/manifests/v1`, ...account, scope: "all_peers" };
  const { id } = await session.send("POST", "/api/v1/warm-images", { name: "app", args, follow: FOLLOW_NS });
  const path = `/api/v1/warm-images/${id}`;
  const digestOf = ({ index }: SampleImage) => index.digest;
  await untilRow(session, path, ({ status }) => status.warm_digest === digestOf(before) && status.job_id === 0);

  registry.push({ repository: REPOSITORY, tag: "v1", image: after });
  const { status: { job_id: jobId } } = await untilRow(session, path, ({ status }) => {
    return status.digest === digestOf(after) && status.job_id !== 0;
  });
  await untilJob(session, jobId, ({ result }) => result?.progress.content_done_count >= 1);
  const lost = managers.findIndex(({ process }) => process.log().includes(`"jobId":${jobId}`));
  const [killed, other] = [managers[lost], sessions[1 - lost]];
  assert.ok(killed !== undefined && other !== undefined, "one of them ran it");
  await killed.process.kill();
  pauseMs = 0;
  const { status: warm } = await untilRow(other, path, ({ status }) => {
    return status.warm_digest === digestOf(after) && status.job_id === 0;
  });
  assert.deepEqual([warm.last_state, warm.job_ids.length], ["SUCCESS", 2]);
  const { status: later } = await untilRow(other, path, ({ status }) => status.next_check_at > warm.next_check_at);
  assert.deepEqual(later.job_ids, warm.job_ids, "it was warmed again");
  for (const image of [before, after]) assertOneCopy(registry, image);
});

function bytesOf(requests: readonly LoggedRequest[], digest: string): number {
  const sent = requests.filter(({ method, path, status }) => method === "GET" && status < 300 && path.endsWith(digest));
  return sent.reduce((sum, { bytes }) => sum + bytes, 0);
}
