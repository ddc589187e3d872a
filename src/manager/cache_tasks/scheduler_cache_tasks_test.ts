import assert from "node:assert/strict";
import { PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { CacheTasksService, type ListCacheTasksRequest } from "../../rpc/gen/damselfly/v1/cache_tasks.ts";
import { SchedulerService } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { type Handlers, type RpcService, service, startRpcServer } from "../../rpc/server.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import { DamselflyError } from "../../core/error.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { SchedulerCacheTasks } from "./scheduler_cache_tasks.ts";

const NEVER = new AbortController().signal;

/** Schedulers of cluster 7, each with its own services. */
async function cluster(...services: RpcService[][]) {
  await using stack = new AsyncDisposableStack();
  const { clock, log } = testRuntime();
  const rows: SchedulerRecord[] = [];
  for (const [at, own] of services.entries()) {
    const listen = { hostname: "127.0.0.1", port: 0 };
    const server = stack.use(await startRpcServer({ listen, clock, log, services: own }));
    rows.push({
      ...{ id: at + 1, hostname: `s${at}`, ip: "127.0.0.1", port: server.port, clusterId: 7, state: "active" },
      ...{ lastKeepAliveAtMs: clock.wallMs(), keepAliveIntervalMs: 60_000, idc: "", location: "", features: [] },
      ...{ createdAtMs: 0, updatedAtMs: 0 },
    });
  }
  const schedulers = { ofCluster: (id: number) => Promise.resolve(id === 7 ? rows : []) };
  const store = { schedulers } as unknown as ConstructorParameters<typeof SchedulerCacheTasks>[0]["store"];
  const tickets = { ticket: (audience: string) => `for ${audience}` };
  const tasks = stack.use(new SchedulerCacheTasks({ store, tickets, clock, tls: undefined }));
  const owned = stack.move();
  return { tasks, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function task(id: string, atMs: number): PersistentCacheTask {
  return PersistentCacheTask.create({ id, createdAt: timestampOfMs(atMs) });
}

/** A scheduler with these tasks, the newest first. */
function scheduler(all: readonly PersistentCacheTask[], asked: ListCacheTasksRequest[] = []): RpcService {
  const handlers: Handlers<typeof CacheTasksService> = {
    listCacheTasks: (request) => {
      asked.push(request);
      return Promise.resolve({ tasks: all.slice(0, request.limit), total: all.length });
    },
    countCacheTasks: () => {
      return Promise.resolve({ shares: [{ application: "a", tag: "", count: all.length, contentLength: 10 }] });
    },
    getCacheTask: ({ taskId }) => {
      const found = all.find(({ id }) => id === taskId);
      if (found === undefined) return Promise.reject(new DamselflyError("not_found", `Cannot find ${taskId}`));
      return Promise.resolve({ task: found, peers: [] });
    },
  };
  return service(CacheTasksService, handlers);
}

Deno.test("tasks of all schedulers are one list with the newest first, by the page", async () => {
  const asked: ListCacheTasksRequest[] = [];
  await using one = await cluster([scheduler([task("d", 4_000), task("a", 1_000)], asked)], [
    scheduler([task("c", 3_000)]),
  ]);
  const page = async (offset: number, limit: number) => {
    const { rows, total } = await one.tasks.list(7, { tag: "t" }, { offset, limit }, NEVER);
    return [total, ...rows.map(({ id }) => id)];
  };
  assert.deepEqual(await page(0, 2), [3, "d", "c"]);
  assert.deepEqual(await page(2, 2), [3, "a"]);
  assert.deepEqual(asked.map(({ tag, application, limit }) => [tag, application, limit]), [["t", "", 2], ["t", "", 4]]);
  assert.deepEqual(await one.tasks.shares(7, NEVER), [{ application: "a", tag: "", count: 3, contentLength: 20 }]);
});

Deno.test("a list has no pages that would be empty: of each scheduler the newest 2,000 are told", async () => {
  const many = Array.from({ length: 2_500 }, (_, n) => task(`t${n}`, 9_000 - n));
  await using one = await cluster([scheduler(many)], [scheduler([task("a", 1)])]);
  const { rows, total } = await one.tasks.list(7, {}, { offset: 1_990, limit: 20 }, NEVER);
  assert.deepEqual([total, rows.length], [2_001, 11]);
});

Deno.test("a list that would lack the tasks of a scheduler is none, and says of whom", async () => {
  await using one = await cluster([scheduler([])], [service(SchedulerService, {})]);
  await assert.rejects(one.tasks.list(7, {}, { offset: 0, limit: 5 }, NEVER), {
    ...{ code: "unimplemented", message: /Scheduler s1 does not tell of its persistent cache/ },
  });
  await assert.rejects(one.tasks.get(8, "a", NEVER), { code: "failed_precondition" });
  assert.deepEqual(await one.tasks.list(8, {}, { offset: 0, limit: 5 }, NEVER), { rows: [], total: 0 });
});

Deno.test("a task is found and removed at whichever scheduler has it", async () => {
  const removed: string[] = [];
  const stock = (name: string) => {
    const handlers: Handlers<typeof SchedulerService> = {
      deletePersistentCacheTask: ({ taskId }) => {
        removed.push(`${taskId} at ${name}`);
        return Promise.resolve({});
      },
    };
    return service(SchedulerService, handlers);
  };
  await using one = await cluster([scheduler([task("a", 1)]), stock("s0")], [scheduler([task("b", 1)]), stock("s1")]);
  for (const id of ["a", "b"]) {
    assert.equal((await one.tasks.get(7, id, NEVER)).task.id, id);
    await one.tasks.remove(7, id, NEVER);
  }
  assert.deepEqual(removed, ["a at s0", "b at s1"]);
  await assert.rejects(one.tasks.remove(7, "x", NEVER), { code: "not_found" });
});
