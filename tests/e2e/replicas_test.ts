/** Two managers on one database and one Redis: one is killed in the middle of a preheat, and the other one completes it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import { type LoggedRequest, startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { realClock } from "../../src/runtime/clock.ts";
import type { Endpoint } from "../../src/runtime/net.ts";
import { freePort, reserveAddresses } from "./lib/addresses.ts";
import { type Manager, startManager, startPeer, startScheduler } from "./lib/components.ts";
import { type DatabaseServer, MARIADB } from "./lib/database_servers.ts";
import { type ManagerSession, signIn } from "./lib/manager_api.ts";
import { e2eTest } from "./lib/programs.ts";
import { REDIS_PROGRAM, startRedis } from "./lib/redis_server.ts";
import { waitFor } from "./lib/wait.ts";
import { Workspace } from "./lib/workspace.ts";

const MIB = 1024 * 1024;
const READY_TIMEOUT_MS = 60_000;
/** A manager that is gone is missed within 30 s; the machine may be busy. */
const TAKEN_OVER_WITHIN_MS = 90_000;
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
async function untilJob(session: ManagerSession, id: number, is: (job: any) => boolean): Promise<any> {
  return await waitFor(`job ${id}`, TAKEN_OVER_WITHIN_MS, async () => {
    const job = await session.send("GET", `/api/v1/jobs/${id}`);
    return is(job) ? job : undefined;
  });
}

e2eTest("a preheat whose manager is killed is completed by another one, at the cost of one copy", {
  programs: [...MARIADB.programs, REDIS_PROGRAM],
}, async () => {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const addresses = stack.use(await reserveAddresses());
  const image = await makeSampleImage({ layerBytes: [24 * MIB, 8 * MIB, 1 * MIB] });
  const [slow] = image.layers;
  assert.ok(slow);
  let pauseMs = SLOW_PAUSE_MS;
  const registry = stack.use(startSampleRegistry({
    ...{ clock: realClock(), hostname: addresses.ip(1), login: { kind: "basic", account } },
    images: [{ repository: REPOSITORY, tag: "v1", image }],
    faultOf: ({ path }) => path.endsWith(slow.digest) ? { kind: "slow", pauseMs: () => pauseMs } : undefined,
  }));
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const redis = { hostname: addresses.ip(2), port: await freePort(addresses.ip(2)) };
  stack.use(await startRedis({ ip: redis.hostname, port: redis.port, dir: workspace.dir }));
  const settings = await shared(stack.use(await MARIADB.start(workspace.dir)), redis);
  const managers: Manager[] = [];
  for (const number of [1, 2]) {
    managers.push(stack.use(await startManager(place(`manager-${number}`, 10 + number), undefined, settings)));
  }
  const [first, second] = managers;
  assert.ok(first !== undefined && second !== undefined);
  const scheduler = stack.use(await startScheduler(place("scheduler", 20), second.grpcUrl, 1));
  const peers = await Promise.all(["seed", ...PEERS].map(async (name, index) => {
    const options = { managerUrl: second.grpcUrl, isSeed: name === "seed" };
    return stack.use(
      await startPeer(place(name, 30 + index), {
        ...options,
        upstreams: [{ namespace: registry.namespace, addr: registry.url }],
      }),
    );
  }));
  await waitFor("the peers to be known", READY_TIMEOUT_MS, async () => {
    const known = await scheduler.hostIds();
    return peers.every(({ hostId }) => known.includes(hostId)) || undefined;
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
  const sent = image.layers.map(({ digest }) => bytesOf(registry.requests, digest));
  assert.deepEqual(sent, image.layers.map(({ size }) => size), "the registry sent more than one copy");
});

function bytesOf(requests: readonly LoggedRequest[], digest: string): number {
  const sent = requests.filter(({ method, path, status }) => method === "GET" && status < 300 && path.endsWith(digest));
  return sent.reduce((sum, { bytes }) => sum + bytes, 0);
}
