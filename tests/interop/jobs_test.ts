/** Jobs between managers and schedulers of different kinds, which go through Redis as Dragonfly's do. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Manager, type Place, type Scheduler, startManager as startOurManager } from "../e2e/lib/components.ts";
import { type ManagerSession, signIn } from "../e2e/lib/manager_api.ts";
import { REDIS_PROGRAM, startRedis } from "../e2e/lib/redis_server.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import { type AnyPeer, type Kind, schedulerListed, startManager, startPeer, startScheduler } from "./lib/components.ts";
import type { JobQueues } from "./lib/databases.ts";
import type { PushedImage } from "./lib/images.ts";
import { type Lab, labTest } from "./lib/lab.ts";
import { pullByMirror } from "./lib/pull.ts";

const REDIS_PORT = 6379;
const KNOWN_TIMEOUT_MS = 60_000;
const JOB_TIMEOUT_MS = 60_000;
/** A stock scheduler looks for seed peers every half minute. */
const SEED_TIMEOUT_MS = 90_000;
/** Configs of the image's two platforms, and the layers. */
const CONFIGS = 2;

/** A stock manager looks how far a job is after 30 s, and then after 60 s. */
const STOCK_JOB_TIMEOUT_MS = 150_000;

interface Bench extends AsyncDisposable {
  readonly lab: Lab;
  readonly manager: Manager;
  readonly scheduler: Scheduler;
  readonly session: ManagerSession;
  peer(name: string, kind: Kind, host: number, isSeed?: boolean): Promise<AnyPeer>;
}

async function open(lab: Lab, managerKind: Kind): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const { workspace, addresses, tap } = lab;
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const stock = managerKind === "stock" ? await (await lab.databases()).fresh() : undefined;
  const database = stock ?? await ownRedis(stack, place("redis", 3));
  const own = place("manager", 10);
  const manager = stack.use(
    stock === undefined ? await ourManager(own, database) : await startManager(lab, own, stock),
  );
  const at = place("scheduler", 11);
  const kind = managerKind === "stock" ? "ours" : "stock";
  const scheduler = stack.use(await startScheduler(lab, at, { kind, manager, database }));
  await schedulerListed(scheduler, at.ip, manager, 1);
  const session = await signIn(manager.restUrl);
  const parts = stack.move();
  return {
    ...{ lab, manager, scheduler, session },
    async peer(name, kind, host, isSeed = false) {
      const upstreams = [{ namespace: tap.namespace, addr: tap.url }];
      const options = { managerUrl: manager.grpcUrl, registryUrl: tap.url, upstreams, isSeed };
      const peer = parts.use(await startPeer(lab, kind, place(name, host), options));
      await peer.process.ready("being known to its scheduler", KNOWN_TIMEOUT_MS, async () => {
        return (await scheduler.hostIds()).includes(peer.hostId) || undefined;
      });
      return peer;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function ownRedis(stack: AsyncDisposableStack, { ip, dir }: Place): Promise<JobQueues> {
  await mkdir(dir, { recursive: true });
  const { address } = stack.use(await startRedis({ ip, port: REDIS_PORT, dir }));
  return { redis: { addrs: [`${address.hostname}:${address.port}`], db: 0, brokerDB: 1 }, backendDB: 2 };
}

function ourManager(place: Place, { redis, backendDB }: JobQueues): Promise<Manager> {
  const sqlite = { path: join(place.dir, "manager.db") };
  return startOurManager(place, undefined, { database: { sqlite, redis: { ...redis, backendDB } } });
}

/** Orders a job and waits until it is over; of its result the part of the one cluster. */
async function run(
  { session }: Bench,
  type: string,
  args: Readonly<Record<string, unknown>>,
  timeoutMs = JOB_TIMEOUT_MS,
) {
  const { id } = await session.send("POST", "/api/v1/jobs", { type, args, user_id: 1 });
  return await waitFor(`the end of ${type}`, timeoutMs, async () => {
    const job = await session.send("GET", `/api/v1/jobs/${id}`);
    if (job.state === "PENDING") return undefined;
    const [{ error, results }] = job.result.job_states;
    return { state: job.state, error, ...results?.[0] };
  });
}

function preheatArgs({ lab }: Bench, image: PushedImage, scope: string) {
  return { type: "image", url: `${lab.registry.url}/v2/${image.repository}/manifests/v1`, scope };
}

labTest("a stock scheduler gets its jobs from our manager through Redis", async (lab, step) => {
  await using bench = await open(lab, "ours");
  const { manager, session } = bench;
  const stock = await bench.peer("stock", "stock", 12);
  const ours = await bench.peer("ours", "ours", 13);
  const image = await lab.images.fresh();
  const blobs = image.layers.length + CONFIGS;
  const url = `${lab.registry.url}/v2/${image.repository}/blobs/${image.layers[0]?.digest}`;

  await step("the reason of the scheduler is the reason of the job", async () => {
    const { state, error } = await run(bench, "preheat", preheatArgs(bench, image, "single_seed_peer"));
    assert.deepEqual([state, /no available seed peer/.test(error)], ["FAILURE", true], error);
  });

  await step("a preheat of an image is on all peers, which it tells one by one", async () => {
    const job = await run(bench, "preheat", preheatArgs(bench, image, "all_peers"));
    assert.deepEqual([job.state, job.failure_tasks, job.success_count], ["SUCCESS", [], 2 * blobs], job.error);
    const hosts = new Set(job.success_tasks.map(({ hostname }: { hostname: string }) => hostname));
    assert.deepEqual([...hosts].toSorted(), ["ours", "stock"]);
    await lab.images.assertOneCopy(image, "after the preheat");
  });

  await step("a pull after it costs the registry nothing", async () => {
    await pullByMirror(image, { mirrorUrl: ours.mirrorUrl, registryUrl: lab.tap.url });
    await lab.images.assertOneCopy(image, "after a pull");
  });

  await step("who holds a layer is found, and it is deleted", async () => {
    const found = await run(bench, "get_task", { url });
    assert.deepEqual(found.peers.map(({ hostname }: { hostname: string }) => hostname).toSorted(), ["ours", "stock"]);
    assert(found.peers.every((peer: Record<string, unknown>) => peer["IsFinished"] && peer["host_type"] === "normal"));
    const deleted = await run(bench, "delete_task", { url });
    assert.deepEqual([deleted.state, deleted.failure_tasks, deleted.success_count], ["SUCCESS", [], 2], deleted.error);
    assert.deepEqual((await run(bench, "get_task", { url })).peers, []);
  });

  await step("its hosts are the peers of the cluster", async () => {
    assert.equal(await session.send("POST", "/api/v1/jobs", { type: "sync_peers", args: {} }), "OK");
    const peers: { host_name: string }[] = await session.send("GET", "/api/v1/peers");
    assert.deepEqual(peers.map(({ host_name }) => host_name).toSorted(), ["ours", "stock"]);
  });

  await step("one seed peer fetches an image, of which each content is told", async () => {
    await bench.peer("seed", "stock", 14, true);
    const other = await lab.images.fresh();
    const job = await waitFor("the scheduler's use of its seed peer", SEED_TIMEOUT_MS, async () => {
      const ended = await run(bench, "preheat", preheatArgs(bench, other, "single_seed_peer"));
      return /no available seed peer/.test(ended.error) ? undefined : ended;
    });
    assert.deepEqual([job.state, job.failure_tasks, job.success_count], ["SUCCESS", [], blobs], job.error);
  });

  assert(stock.process.isAlive() && manager.process.isAlive());
  assert(!manager.process.log().includes("did not take a job"), "a job went over gRPC");
}, [REDIS_PROGRAM]);

labTest("our scheduler gets its jobs from a stock manager through Redis", async (lab, step) => {
  await using bench = await open(lab, "stock");
  const { session } = bench;
  await bench.peer("stock", "stock", 12);
  await bench.peer("ours", "ours", 13);
  const image = await lab.images.fresh();
  const urls = image.layers.map(({ digest }) => `${lab.registry.url}/v2/${image.repository}/blobs/${digest}`);
  const order = (type: string, args: Readonly<Record<string, unknown>>) => run(bench, type, args, STOCK_JOB_TIMEOUT_MS);
  const names = (hosts: { hostname: string }[]) => hosts.map(({ hostname }) => hostname).toSorted();

  await step("a preheat is on all peers, and why another one fails is told", async () => {
    const [all, seed] = await Promise.all([
      order("preheat", { type: "file", urls, scope: "all_peers" }),
      order("preheat", { type: "file", urls, scope: "single_seed_peer" }),
    ]);
    assert.deepEqual([all.state, names(all.success_tasks)], ["SUCCESS", ["ours", "ours", "stock", "stock"]], all.error);
    assert.deepEqual([seed.state, /no seed peer/.test(seed.error)], ["FAILURE", true], seed.error);
    await lab.images.assertOneCopy(image, "after the preheat");
  });

  await step("who holds a layer is found, and the hosts are the peers of the cluster", async () => {
    assert.equal(await session.send("POST", "/api/v1/jobs", { type: "sync_peers", args: {}, user_id: 1 }), "OK");
    const peers: { host_name: string }[] = await session.send("GET", "/api/v1/peers");
    assert.deepEqual(peers.map(({ host_name }) => host_name).toSorted(), ["ours", "stock"]);
    const found = await order("get_task", { url: urls[0] });
    assert.deepEqual([found.state, names(found.peers)], ["SUCCESS", ["ours", "stock"]], found.error);
  });

  await step("a layer is deleted everywhere", async () => {
    const deleted = await order("delete_task", { url: urls[0] });
    assert.deepEqual([deleted.state, names(deleted.success_tasks)], ["SUCCESS", ["ours", "stock"]], deleted.error);
  });
}, [REDIS_PROGRAM]);
