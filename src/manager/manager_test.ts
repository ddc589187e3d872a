import assert from "node:assert/strict";
import { ManagerConfig } from "../config/manager.ts";
import { checkHealth, createRpcClient } from "../rpc/client.ts";
import { ListSchedulersRequest, ManagerService, UpdateSchedulerRequest } from "../rpc/gen/manager/v2/manager.ts";
import { realClock } from "../runtime/clock.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { startManager } from "./manager.ts";

const limited = { signal: new AbortController().signal, timeoutMs: 5_000 };
const clock = realClock();

function config(
  input: { readonly path?: string; readonly metrics?: boolean; readonly key?: string; readonly rate?: number } = {},
): ManagerConfig {
  const { rate: requestRateLimit } = input;
  return ManagerConfig.parse({
    server: { grpc: { listenIP: "127.0.0.1", port: 0, requestRateLimit }, rest: { addr: "127.0.0.1:0" } },
    database: { sqlite: { path: input.path ?? ":memory:" } },
    metrics: { enable: input.metrics ?? false, addr: "127.0.0.1:0" },
    ...(input.key === undefined ? {} : { auth: { jwt: { key: input.key } } }),
  });
}

Deno.test("a manager serves gRPC, health and REST on the ports it names", async () => {
  await using manager = await startManager(config(), testRuntime());
  const address = `127.0.0.1:${manager.grpc.port}`;
  assert.equal(await checkHealth(address, { ...limited, clock }), true);
  using client = createRpcClient(ManagerService, address, { clock });
  const host = { hostname: "node-1", ip: "10.0.0.1" };
  assert.deepEqual((await client.listSchedulers(ListSchedulersRequest.create(host), limited)).schedulers, []);
  await client.updateScheduler(UpdateSchedulerRequest.create({ ...host, port: 8002, schedulerClusterId: 1 }), limited);
  const pinned = ListSchedulersRequest.create({ ...host, schedulerClusterId: 1 });
  assert.deepEqual((await client.listSchedulers(pinned, limited)).schedulers.map(({ port }) => port), [8002]);
  const healthy = await fetch(`http://127.0.0.1:${manager.rest.port}/healthy`);
  assert.deepEqual([healthy.status, await healthy.json()], [200, "OK"]);
  const body = JSON.stringify({ name: "root", password: "dragonfly" });
  const signIn = await fetch(`http://127.0.0.1:${manager.rest.port}/api/v1/users/signin`, { method: "POST", body });
  assert.equal(signIn.status, 200);
  await signIn.body?.cancel();
});

Deno.test("gRPC requests above the configured rate are refused by the name of its key", async () => {
  await using manager = await startManager(config({ rate: 1 }), testRuntime());
  using client = createRpcClient(ManagerService, `127.0.0.1:${manager.grpc.port}`, { clock });
  const request = ListSchedulersRequest.create({ hostname: "node-1", ip: "10.0.0.1" });
  const calls = await Promise.allSettled(Array.from({ length: 6 }, () => client.listSchedulers(request, limited)));
  const refusals = calls.flatMap((call) => call.status === "rejected" ? [String(call.reason)] : []);
  assert.equal(refusals.some((text) => /raise server\.grpc\.requestRateLimit/.test(text)), true, String(refusals));
});

Deno.test("metrics are served on their own port, and only when enabled", async () => {
  await using manager = await startManager(config({ metrics: true }), testRuntime());
  const metrics = await fetch(`http://127.0.0.1:${manager.metrics?.port}/metrics`);
  assert.equal(metrics.status, 200);
  await metrics.body?.cancel();
  await using silent = await startManager(config(), testRuntime());
  assert.equal(silent.metrics, undefined);
});

Deno.test("a manager that starts again knows its schedulers, and makes the directory of its database", async () => {
  const directory = await Deno.makeTempDir();
  await using _directory = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const stored = config({ path: `${directory}/data/manager.db` });
  const host = { hostname: "node-1", ip: "10.0.0.1", schedulerClusterId: 1 };
  const withClient = async <T>(call: (client: ReturnType<typeof connect>) => Promise<T>): Promise<T> => {
    await using manager = await startManager(stored, testRuntime({ disk: realDisk(seededRandom(1)) }));
    using client = connect(manager.grpc.port);
    return await call(client);
  };
  await withClient((client) => client.updateScheduler(UpdateSchedulerRequest.create({ ...host, port: 8002 }), limited));
  const { schedulers } = await withClient((client) =>
    client.listSchedulers(ListSchedulersRequest.create(host), limited)
  );
  assert.deepEqual(schedulers.map(({ hostname }) => hostname), ["node-1"]);
});

function connect(port: number) {
  return createRpcClient(ManagerService, `127.0.0.1:${port}`, { clock });
}

Deno.test("sessions outlive a restart without a configured key, and end when there is another key", async () => {
  const directory = await Deno.makeTempDir();
  await using _directory = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const started = async <T>(key: string | undefined, use: (url: string) => Promise<T>): Promise<T> => {
    const stored = config({ path: `${directory}/manager.db`, ...(key === undefined ? {} : { key }) });
    await using manager = await startManager(stored, testRuntime({ disk: realDisk(seededRandom(1)) }));
    return await use(`http://127.0.0.1:${manager.rest.port}/api/v1`);
  };
  const body = JSON.stringify({ name: "root", password: "dragonfly" });
  const token: string = await started(undefined, async (url) => {
    return (await (await fetch(`${url}/users/signin`, { method: "POST", body })).json()).token;
  });
  const status = async (url: string) => {
    const response = await fetch(`${url}/clusters`, { headers: { authorization: `Bearer ${token}` } });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await started(undefined, status), 200);
  assert.equal(await started("another key, which is long enough", status), 401);
});

Deno.test("dead schedulers are removed by the hour", async () => {
  const virtual = new VirtualClock();
  await using manager = await startManager(config(), testRuntime({ clock: virtual }));
  using client = connect(manager.grpc.port);
  const host = { hostname: "node-1", ip: "10.0.0.1", schedulerClusterId: 1 };
  await client.updateScheduler(UpdateSchedulerRequest.create({ ...host, port: 8002 }), limited);
  const count = async () =>
    (await client.listSchedulers(ListSchedulersRequest.create(host), limited)).schedulers.length;
  await virtual.advance(59 * 60_000);
  assert.equal(await count(), 1);
  await virtual.advance(60_000);
  assert.equal(await count(), 0);
});

Deno.test("a start that fails half-way leaves nothing open", async () => {
  await using first = await startManager(config(), testRuntime());
  const taken = config();
  taken.server.rest.addr = { hostname: "127.0.0.1", port: first.rest.port };
  await assert.rejects(startManager(taken, testRuntime()), { code: "already_exists" });
});

Deno.test("what is not there yet is refused and not left out", () => {
  assert.throws(() => ManagerConfig.parse({ database: { type: "polardb" } }), /not supported, write mysql/);
});
