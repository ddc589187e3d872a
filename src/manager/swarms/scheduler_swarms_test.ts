import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { SchedulerRing } from "../../core/scheduler_ring.ts";
import { type ListPullsRequest, ListPullsResponse } from "../../rpc/gen/damselfly/v1/pulls.ts";
import {
  type FindHostResponse,
  GetSwarmResponse,
  type ListPullsOfHostRequest,
  SwarmsService,
  SwarmSummary,
} from "../../rpc/gen/damselfly/v1/swarms.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, type RpcServer, service, startRpcServer } from "../../rpc/server.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { SchedulerSwarms } from "./scheduler_swarms.ts";

const NEVER = new AbortController().signal;

/** Schedulers of one cluster, each with its own answers; `undefined` is one of Dragonfly's. */
async function cluster(...handlers: (Handlers<typeof SwarmsService> | undefined)[]) {
  await using stack = new AsyncDisposableStack();
  const { clock, log } = testRuntime();
  const rows: SchedulerRecord[] = [];
  for (const [at, own] of handlers.entries()) {
    const services = [own === undefined ? service(SchedulerService, {}) : service(SwarmsService, own)];
    const options = { listen: { hostname: "127.0.0.1", port: 0 }, clock, log, services };
    const server: RpcServer = stack.use(await startRpcServer(options));
    rows.push({
      ...{ id: at + 1, hostname: `s${at}`, ip: "127.0.0.1", port: server.port, clusterId: 7, state: "active" },
      ...{ lastKeepAliveAtMs: clock.wallMs(), keepAliveIntervalMs: 60_000, idc: "", location: "", features: [] },
      ...{ createdAtMs: 0, updatedAtMs: 0 },
    });
  }
  const ofCluster = (id: number) => Promise.resolve(id === 7 ? rows : []);
  const tickets = { ticket: (audience: string) => `for ${audience}` };
  const store = { schedulers: { ofCluster } } as unknown as ConstructorParameters<typeof SchedulerSwarms>[0]["store"];
  const swarms = stack.use(new SchedulerSwarms({ store, tickets, clock, tls: undefined }));
  const owned = stack.move();
  return { swarms, rows, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function tasks(...sinceMs: number[]): Handlers<typeof SwarmsService> {
  return {
    listSwarms: ({ limit }) => {
      const all = sinceMs.map((ms) => SwarmSummary.create({ taskId: `t${ms}`, since: timestampOfMs(ms) }));
      return Promise.resolve({ swarms: all.slice(0, limit), total: all.length });
    },
  };
}

Deno.test("tasks of all schedulers are one list in the order of their times, and whoever does not tell is named", async () => {
  await using one = await cluster(tasks(1_000, 3_000), undefined, tasks(2_000, 4_000));
  const page = async (stopped: boolean, offset: number, limit: number) => {
    const { swarms, total } = await one.swarms.list(7, { stopped, offset, limit }, NEVER);
    return [total, ...swarms.map(({ taskId, scheduler }) => `${taskId} ${scheduler.hostname}`)];
  };
  assert.deepEqual(await page(false, 0, 3), [4, "t1000 s0", "t2000 s2", "t3000 s0"]);
  assert.deepEqual(await page(false, 3, 3), [4, "t4000 s2"]);
  assert.deepEqual((await page(true, 0, 4)).slice(1, 3), ["t4000 s2", "t3000 s0"]);
  const { silent } = await one.swarms.list(7, { stopped: false, offset: 0, limit: 1 }, NEVER);
  assert.deepEqual(silent.map(({ scheduler }) => scheduler.hostname), ["s1"]);
  assert.match(silent[0]?.reason ?? "", /does not tell of its swarms: it is Dragonfly's/);
});

Deno.test("16 schedulers are asked, none that is dead, and none for more than 1,000 tasks", async () => {
  const limits: number[] = [];
  const counted: Handlers<typeof SwarmsService> = {
    listSwarms: ({ limit }) => {
      limits.push(limit);
      return Promise.resolve({ swarms: [], total: 5_000 });
    },
  };
  await using one = await cluster(counted);
  const [row] = one.rows;
  assert.ok(row);
  const dead = Array.from({ length: 3 }, () => ({ ...row, lastKeepAliveAtMs: row.lastKeepAliveAtMs - 3_600_000 }));
  one.rows.unshift(...dead);
  const { total } = await one.swarms.list(7, { stopped: false, offset: 950, limit: 100 }, NEVER);
  assert.deepEqual([limits, total], [[1_000], 1_000]);
  for (let index = 0; index < 20; index++) one.rows.push(row);
  await one.swarms.list(7, { stopped: false, offset: 0, limit: 1 }, NEVER);
  assert.equal(limits.length, 17);
});

Deno.test("a task is asked for at the scheduler that its peers choose, with a ticket for that one, and then at others", async () => {
  const asked: string[] = [];
  const holder = (name: string, isKnown: boolean): Handlers<typeof SwarmsService> => ({
    getSwarm: (request, { metadata }) => {
      asked.push(`${name} ${request.name} ${metadata.get("damselfly-ticket")}`);
      if (isKnown) return Promise.resolve(GetSwarmResponse.create({ nowMs: 5 }));
      return Promise.reject(new DamselflyError("not_found", "it is unknown"));
    },
  });
  await using one = await cluster(holder("s0", false), holder("s1", false), holder("s2", true));
  const hex = "ab".repeat(32);
  const { scheduler, found } = await one.swarms.get(7, `sha256:${hex}`, NEVER);
  assert.deepEqual([scheduler.hostname, found.nowMs], ["s2", 5]);
  const first = new SchedulerRing(one.rows).pick(hex);
  assert.equal(asked[0], `${first?.hostname} sha256:${hex} for scheduler 127.0.0.1:${first?.port}`);
  assert.equal(new Set(asked).size, asked.length, "nobody is asked twice");
});

Deno.test("of more schedulers than are asked the one that peers choose is among them", async () => {
  const holders = Array.from({ length: 17 }, (_, at): Handlers<typeof SwarmsService> => ({
    getSwarm: () => Promise.resolve(GetSwarmResponse.create({ others: at })),
  }));
  await using one = await cluster(...holders);
  const ring = new SchedulerRing(one.rows);
  const names = Array.from({ length: 4_096 }, (_, at) => at.toString(16).padStart(3, "0").padEnd(64, "0"));
  const name = names.find((one) => ring.pick(one)?.hostname === "s16");
  assert.ok(name !== undefined, "the last one has some tasks");
  const { scheduler, found } = await one.swarms.get(7, name, NEVER);
  assert.deepEqual([scheduler.hostname, found.others], ["s16", 16]);
});

Deno.test("of many schedulers no more tasks are promised than can be paged to", async () => {
  const many: Handlers<typeof SwarmsService> = { listSwarms: () => Promise.resolve({ swarms: [], total: 900 }) };
  await using one = await cluster(many, many);
  assert.equal((await one.swarms.list(7, { stopped: false, offset: 0, limit: 20 }, NEVER)).total, 1_000);
});

Deno.test("what nobody knows is not found; where one could not say, that is what is told", async () => {
  const unknown = { getSwarm: () => Promise.reject(new DamselflyError("not_found", "it is unknown")) };
  const closed = { getSwarm: () => Promise.reject(new DamselflyError("permission_denied", "no ticket")) };
  await using none = await cluster(unknown, unknown);
  await assert.rejects(none.swarms.get(7, "x", NEVER), { code: "not_found" });
  await assert.rejects(none.swarms.get(8, "x", NEVER), { code: "failed_precondition", message: /none .* is alive/ });
  await using mixed = await cluster(unknown, closed, unknown, unknown);
  await assert.rejects(mixed.swarms.get(7, "x", NEVER), { code: "permission_denied", message: /Scheduler s1: / });
  await using stock = await cluster(undefined);
  await assert.rejects(stock.swarms.get(7, "x", NEVER), { code: "unimplemented", message: /it is Dragonfly's/ });
});

Deno.test("one host is asked for its pulls, with a ticket for it, through the scheduler that knows it", async () => {
  const asked: [string, ListPullsRequest | undefined][] = [];
  const found = { hostId: "h1", hostname: "node-7", ip: "10.0.0.7" } satisfies FindHostResponse;
  let isOurs = true;
  const scheduler: Handlers<typeof SwarmsService> = {
    findHost: ({ name }) =>
      name === "node-7" ? Promise.resolve(found) : Promise.reject(new DamselflyError("not_found", "no such host")),
    listPullsOfHost: ({ ticket, pulls }: ListPullsOfHostRequest) => {
      asked.push([ticket, pulls]);
      if (isOurs) return Promise.resolve(ListPullsResponse.create({ tagDigest: "sha256:1" }));
      return Promise.reject(new DamselflyError("unimplemented", "unknown service"));
    },
  };
  await using one = await cluster(scheduler);
  const request = { name: "team/app", limit: 5 };
  const { host, listed } = await one.swarms.pulls(7, "node-7", request, NEVER);
  assert.deepEqual([host.hostId, listed.tagDigest], ["h1", "sha256:1"]);
  assert.equal(asked[0]?.[0], "for host h1 at 10.0.0.7");
  assert.deepEqual([asked[0]?.[1]?.name, asked[0]?.[1]?.limit], ["team/app", 5]);
  isOurs = false;
  await assert.rejects(one.swarms.pulls(7, "node-7", request, NEVER), {
    code: "unimplemented",
    message: /Host node-7 keeps no record of its pulls/,
  });
  await assert.rejects(one.swarms.pulls(7, "node-8", request, NEVER), { code: "not_found" });
});
