/** Our manager orders jobs of a stock scheduler through Redis, as a stock manager does. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startManager } from "../e2e/lib/components.ts";
import { type ManagerSession, signIn } from "../e2e/lib/manager_api.ts";
import { REDIS_PROGRAM, startRedis } from "../e2e/lib/redis_server.ts";
import { waitFor } from "../e2e/lib/wait.ts";
import type { Manager, Scheduler } from "../e2e/lib/components.ts";
import { type AnyPeer, type Kind, schedulerListed, startPeer, startScheduler } from "./lib/components.ts";
import type { PushedImage } from "./lib/images.ts";
import { type Lab, labTest } from "./lib/lab.ts";
import { pullByMirror } from "./lib/pull.ts";

const REDIS_PORT = 6379;
const KNOWN_TIMEOUT_MS = 30_000;
const JOB_TIMEOUT_MS = 60_000;
/** A stock scheduler looks for seed peers every half minute. */
const SEED_TIMEOUT_MS = 90_000;
/** Configs of the image's two platforms, and the layers. */
const CONFIGS = 2;

interface Bench extends AsyncDisposable {
  readonly lab: Lab;
  readonly manager: Manager;
  readonly scheduler: Scheduler;
  readonly session: ManagerSession;
  peer(name: string, kind: Kind, host: number, isSeed?: boolean): Promise<AnyPeer>;
}

async function open(lab: Lab): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const { workspace, addresses, tap } = lab;
  const place = (name: string, host: number) => ({ name, ip: addresses.ip(host), dir: join(workspace.dir, name) });
  const redis = stack.use(await startRedis({ ip: addresses.ip(3), port: REDIS_PORT, dir: workspace.dir }));
  const addrs = [`${redis.address.hostname}:${REDIS_PORT}`];
  const own = place("manager", 10);
  const sqlite = { path: join(own.dir, "manager.db") };
  const manager = stack.use(await startManager(own, undefined, { database: { sqlite, redis: { addrs } } }));
  const database = { redis: { addrs, db: 0, brokerDB: 1 }, backendDB: 2 };
  const at = place("scheduler", 11);
  const scheduler = stack.use(await startScheduler(lab, at, { kind: "stock", manager, database }));
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

/** Orders a job and waits until it is over; of its result the part of the one cluster. */
async function run({ session }: Bench, type: string, args: Readonly<Record<string, unknown>>) {
  const { id } = await session.send("POST", "/api/v1/jobs", { type, args });
  return await waitFor(`the end of ${type}`, JOB_TIMEOUT_MS, async () => {
    const job = await session.send("GET", `/api/v1/jobs/${id}`);
    if (job.state === "PENDING") return undefined;
    const [{ error, results: [result = {}] }] = job.result.job_states;
    return { state: job.state, error, ...result };
  });
}

function preheatArgs({ lab }: Bench, image: PushedImage, scope: string) {
  return { type: "image", url: `${lab.registry.url}/v2/${image.repository}/manifests/v1`, scope };
}

labTest("a stock scheduler gets its jobs from our manager through Redis", async (lab, step) => {
  await using bench = await open(lab);
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
