import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { Host } from "../../rpc/gen/common/v2/common.ts";
import { clusterInput, schedulerInput } from "../store/store_builders_test.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { Arrivals } from "./arrivals.ts";
import { LEFT_AFTER_MS } from "./host_plan.ts";
import { WarmHosts, type WarmHostsOptions } from "./warm_hosts.ts";
import { ended, MINUTE_MS, warmStage } from "./warm_stage_test.ts";

const ARGS = { type: "image", url: "https://r.corp/v2/app/manifests/latest", percentage: 50, password: "hush" };
const SECONDS = 1_000;

const hostNames = (count: number) => Array.from({ length: count }, (_, n) => `node-${n}`);
const ipOf = (hostname: string) => `10.0.${Number(hostname.slice(5)) >> 8}.${Number(hostname.slice(5)) & 255}`;

/** A stage with a cluster, whose scheduler knows some hosts, and managers. */
async function stage() {
  await using stack = new AsyncDisposableStack();
  const base = stack.use(await warmStage());
  const { clock, store } = base;
  const cluster = await store.clusters.create(clusterInput({ name: "a" }));
  /** Schedulers fall silent unless they say that they live, which takes no test. */
  const key = await store.schedulers.upsert(
    schedulerInput({ clusterId: cluster.id, keepAliveIntervalMs: 10 * MINUTE_MS }),
  );
  await store.schedulers.keepAlive(key);
  const swarm = { hosts: [] as string[], listed: 0, error: "" };
  const calls = {
    hosts: (_scheduler: SchedulerRecord): Promise<Host[]> => {
      swarm.listed += 1;
      if (swarm.error !== "") return Promise.reject(new DamselflyError("unavailable", swarm.error));
      const seed = Host.create({ id: "seed", hostname: "seed", ip: "10.1.0.1", type: 1 });
      return Promise.resolve([
        seed,
        ...swarm.hosts.map((hostname) => Host.create({ id: hostname, hostname, ip: ipOf(hostname) })),
      ]);
    },
  };
  const arrivals = new Arrivals(clock);
  const open = (store: WarmHostsOptions["store"] = base.parts.store) => {
    return new WarmHosts({ ...base.parts, store, calls, arrivals });
  };
  const arrive = (...hostnames: string[]) => {
    swarm.hosts.push(...hostnames);
    for (const hostname of hostnames) arrivals.note({ hostname, ip: ipOf(hostname) });
  };
  const owned = stack.move();
  return {
    ...base,
    ...{ swarm, open, arrive, arrivals, clusterId: cluster.id },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("a node that joins is brought to what is declared for it, some seconds after it asked for schedulers", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, arrive, clusterId } = stage_;
  jobs.endOf = () => ended();
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true, userId: 7 });
  await declare({ name: "nightly", args: ARGS, cron: "0 0 * * *" });
  await declare({ name: "elsewhere", args: ARGS, onJoin: true, schedulerClusterIds: [99] });
  await declare({ name: "paused", args: ARGS, onJoin: true, isPaused: true });
  await clock.advance(30 * SECONDS);
  assert.deepEqual(jobs.orders, []);
  arrive("node-1");
  await clock.advance(10 * SECONDS);
  const { percentage: _, ...args } = ARGS;
  assert.deepEqual(jobs.orders, [{
    ...{
      id: 1,
      type: "preheat",
      bio: "Warm image app, hosts that joined",
      userId: 7,
      schedulerClusterIds: [clusterId],
    },
    args: { ...args, scope: "all_peers", ips: ["10.0.0.1"] },
  }]);
  const [host] = await store.warmHosts.ofCluster(clusterId);
  assert.deepEqual([host?.hostname, host?.failures], ["node-1", 0]);
  assert.ok((host?.warmedAtMs ?? 0) > 0);
  await clock.advance(5 * MINUTE_MS);
  assert.equal(jobs.orders.length, 1, "it has everything");
  await declare({ name: "new", args: ARGS, onJoin: true });
  await clock.advance(MINUTE_MS + 5 * SECONDS);
  assert.deepEqual(jobs.orders.slice(1).map(({ bio }) => bio), ["Warm image new, hosts that joined"]);
});

Deno.test("five thousand nodes that join at once are fifty orders of each image, four at a time", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, arrive, clusterId, swarm } = stage_;
  await using _manager = open();
  for (const name of ["one", "two"]) await declare({ name, args: ARGS, onJoin: true });
  arrive(...hostNames(5_000));
  await clock.advance(5 * SECONDS);
  const { listed } = swarm;
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(
    [jobs.orders.length, swarm.listed],
    [4, listed],
    "nobody asks who else is there before one has ended",
  );
  let done = 0;
  for (let turn = 0; turn < 80 && done < 100; turn++) {
    await clock.advance(5 * SECONDS);
    const running = jobs.orders.slice(done).map(({ id }) => id);
    assert.ok(running.length <= 4, `${running.length} at a time`);
    for (const id of running) await jobs.end(id);
    done += running.length;
  }
  await clock.advance(10 * SECONDS);
  assert.equal(jobs.orders.length, 100);
  for (const { args } of jobs.orders) assert.equal((args["ips"] as string[]).length, 100);
  const addresses = jobs.orders.filter(({ bio }) => bio.includes("one")).flatMap(({ args }) => args["ips"] as string[]);
  assert.deepEqual([addresses.length, new Set(addresses).size], [5_000, 5_000]);
  const warm = (await store.warmHosts.ofCluster(clusterId)).filter(({ warmedAtMs }) => warmedAtMs > 0);
  assert.equal(warm.length, 5_000);
});

Deno.test("a batch that ends makes room for one more, while the others go on", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive } = stage_;
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive(...hostNames(1_000));
  await clock.advance(10 * SECONDS);
  for (const orders of [5, 6]) {
    await jobs.end(jobs.orders[orders - 5]?.id ?? 0);
    await clock.advance(10 * SECONDS);
    assert.equal(jobs.orders.length, orders);
  }
});

Deno.test("a manager that starts again sees thousands of hosts arrive and orders nothing", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive, swarm, arrivals } = stage_;
  jobs.endOf = () => ended();
  await declare({ name: "app", args: ARGS, onJoin: true });
  {
    await using _manager = open();
    arrive(...hostNames(400));
    await clock.advance(30 * SECONDS);
    assert.equal(jobs.orders.length, 4);
  }
  await using _next = open();
  for (const hostname of swarm.hosts) arrivals.note({ hostname, ip: ipOf(hostname) });
  await clock.advance(2 * MINUTE_MS);
  assert.equal(jobs.orders.length, 4);
});

Deno.test("of two managers that see the same hosts join each host is one's", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive } = stage_;
  await using _one = open();
  await using _other = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive(...hostNames(300));
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(jobs.orders.map(({ args }) => (args["ips"] as string[]).length), [100, 100, 100]);
});

Deno.test("where nothing changes the rows of hosts are not read, and what changes is seen", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, arrive, swarm } = stage_;
  jobs.endOf = () => ended();
  const change = store.warmHosts.change.bind(store.warmHosts);
  let read = 0;
  store.warmHosts.change = (clusterId, decide) => change(clusterId, (known) => (read++, decide(known)));
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive(...hostNames(3));
  await clock.advance(2 * MINUTE_MS);
  const before = read;
  await clock.advance(5 * MINUTE_MS);
  assert.equal(read, before);
  await declare({ name: "new", args: ARGS, onJoin: true });
  await clock.advance(2 * MINUTE_MS);
  assert.equal(jobs.orders.length, 2);
  swarm.hosts[0] = "node-7";
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(jobs.orders.slice(2).map(({ args }) => args["ips"]), [["10.0.0.7"], ["10.0.0.7"]]);
});

Deno.test("hosts that nobody announced to this manager are found within a minute, and an idle cluster is asked once a minute", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, swarm } = stage_;
  jobs.endOf = () => ended();
  await using _manager = open();
  await clock.advance(5 * MINUTE_MS);
  assert.equal(swarm.listed, 0, "there is nothing to bring anybody to");
  await declare({ name: "app", args: ARGS, onJoin: true });
  await clock.advance(10 * MINUTE_MS);
  assert.ok(swarm.listed >= 9 && swarm.listed <= 11, `${swarm.listed} lists in ten minutes`);
  swarm.hosts.push("node-5");
  await clock.advance(MINUTE_MS + 5 * SECONDS);
  assert.equal(jobs.orders.length, 1);
});

Deno.test("a host on which it fails is tried again, and an image that nobody can have is not ordered for each batch", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, arrive, clusterId } = stage_;
  const full = { hostname: "node-1", ip: ipOf("node-1"), description: "its disk is full" };
  let isFull = true;
  jobs.endOf = ({ bio }) => bio.includes("gone") ? ended("manifest: 404") : ended("", isFull ? [full] : []);
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive("node-0", "node-1");
  await clock.advance(20 * SECONDS);
  const [good, bad] = await store.warmHosts.ofCluster(clusterId);
  assert.deepEqual([good?.failures, bad?.failures, bad?.error], [0, 1, "its disk is full"]);
  isFull = false;
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(jobs.orders.map(({ args }) => args["ips"]), [["10.0.0.0", "10.0.0.1"], ["10.0.0.1"]]);
  assert.equal((await store.warmHosts.ofCluster(clusterId))[1]?.failures, 0);

  await declare({ name: "gone", args: ARGS, onJoin: true });
  arrive(...hostNames(600).slice(2));
  await clock.advance(40 * SECONDS);
  const orders = (name: string) => jobs.orders.filter(({ bio }) => bio.includes(name)).length;
  assert.ok(orders("gone") <= 4, `${orders("gone")} orders of what is not there`);
  assert.equal(orders("app"), 2 + 6, "the other one is brought to all of them");
  assert.match((await store.warmHosts.ofCluster(clusterId))[0]?.error ?? "", /404/);

  // Declared anew, it is another one.
  const { rows: [gone] } = await store.warmImages.list({ name: "gone" }, { offset: 0, limit: 1 });
  jobs.endOf = () => ended();
  await store.warmImages.update(gone?.id ?? 0, { declaredAtMs: clock.wallMs() });
  arrive("node-1000");
  await clock.advance(10 * SECONDS);
  const last = jobs.orders.filter(({ bio }) => bio.includes("gone")).at(-1);
  assert.ok((last?.args["ips"] as string[]).includes(ipOf("node-1000")));
});

Deno.test("a host that fails alone keeps nobody else from the image, and several that all fail do for a while", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, arrive, clusterId } = stage_;
  const failing = new Set(["node-0"]);
  jobs.endOf = ({ args }) => {
    const hosts = hostNames(9).filter((hostname) => failing.has(hostname));
    const asked = hosts.filter((hostname) => (args["ips"] as string[]).includes(ipOf(hostname)));
    const failed = asked.map((hostname) => ({ hostname, ip: ipOf(hostname), description: "no" }));
    return ended(failed.length === 0 ? "" : "1 of 1 contents could be fetched by no host: no", failed);
  };
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive("node-0");
  await clock.advance(20 * SECONDS);
  arrive("node-1");
  await clock.advance(20 * SECONDS);
  assert.deepEqual((await store.warmHosts.ofCluster(clusterId)).map(({ failures }) => failures), [1, 0]);
  failing.add("node-2").add("node-3");
  arrive("node-2", "node-3");
  await clock.advance(10 * SECONDS);
  arrive("node-4");
  await clock.advance(10 * SECONDS);
  assert.equal(jobs.orders.length, 3, "the last one waits");
  failing.clear();
  await clock.advance(4 * MINUTE_MS);
  assert.deepEqual((await store.warmHosts.ofCluster(clusterId)).map(({ failures }) => failures), [0, 0, 0, 0, 0]);
});

Deno.test("what a manager leaves when it stops another one takes at once", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive } = stage_;
  await declare({ name: "app", args: ARGS, onJoin: true });
  {
    await using _manager = open();
    arrive("node-1");
    await clock.advance(10 * SECONDS);
    assert.equal(jobs.orders.length, 1);
  }
  await using _next = open();
  await clock.advance(10 * SECONDS);
  assert.equal(jobs.orders.length, 2);
});

Deno.test("a preheat keeps its hosts for longer than the ten minutes after which others may take them", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive } = stage_;
  await using _manager = open();
  await using _other = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive("node-1");
  await clock.advance(12 * MINUTE_MS);
  assert.equal(jobs.orders.length, 1);
});

Deno.test("a database that is away for a while fails no host, and nothing is ordered twice", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, parts, declare, open, arrive, clusterId } = stage_;
  const database = { isAway: false };
  const get = (id: number) => {
    return database.isAway ? Promise.reject(new DamselflyError("unavailable", "it is away")) : store.jobs.get(id);
  };
  await using _manager = open({ ...parts.store, jobs: { ...store.jobs, get } as typeof store.jobs });
  await declare({ name: "app", args: ARGS, onJoin: true });
  arrive("node-1");
  await clock.advance(10 * SECONDS);
  database.isAway = true;
  await clock.advance(10 * SECONDS);
  database.isAway = false;
  await jobs.end(1);
  await clock.advance(3 * MINUTE_MS);
  const [host] = await store.warmHosts.ofCluster(clusterId);
  assert.deepEqual([jobs.orders.length, host?.failures, (host?.warmedAtMs ?? 0) > 0], [1, 0, true]);
});

Deno.test("a scheduler that cannot be asked costs a warning and no order, and dead ones are not asked", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, arrive, swarm, log, store, clusterId } = stage_;
  await using _manager = open();
  await declare({ name: "app", args: ARGS, onJoin: true });
  swarm.error = "it is gone";
  arrive("node-1");
  await clock.advance(10 * SECONDS);
  assert.ok(log.lines.some(({ level, message }) => level === "warn" && message.includes("are not known now")));
  await store.schedulers.markInactive({ ...schedulerInput({ clusterId }), clusterId });
  const { listed } = swarm;
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual([jobs.orders.length, swarm.listed], [0, listed]);
});

Deno.test("a host arrives when it was not heard of for ten minutes, and asking again is no arrival", async () => {
  await using stage_ = await stage();
  const { clock } = stage_;
  const arrivals = new Arrivals(clock);
  const host = { hostname: "a", ip: "10.0.0.1" };
  assert.equal(arrivals.lastAtMs, -Infinity);
  arrivals.note(host);
  assert.equal(arrivals.lastAtMs, 0);
  await clock.advance(LEFT_AFTER_MS - 1);
  arrivals.note(host);
  assert.equal(arrivals.lastAtMs, 0);
  await clock.advance(LEFT_AFTER_MS);
  arrivals.note(host);
  assert.equal(arrivals.lastAtMs, 2 * LEFT_AFTER_MS - 1);
  for (let n = 0; n < 50_001; n++) arrivals.note({ hostname: `h${n}`, ip: "10.0.0.1" });
  await clock.advance(1);
  arrivals.note(host);
  assert.equal(arrivals.lastAtMs, 2 * LEFT_AFTER_MS, "too many to remember, and it arrives once more");
});
