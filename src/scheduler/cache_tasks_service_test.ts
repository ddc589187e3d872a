import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { Host } from "../rpc/gen/common/v2/common.ts";
import {
  type CountCacheTasksResponse,
  type GetCacheTaskResponse,
  ListCacheTasksRequest,
  type ListCacheTasksResponse,
} from "../rpc/gen/damselfly/v1/cache_tasks.ts";
import { hostFacts } from "../testing/scheduler_swarm.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Answers } from "./answers.ts";
import { copyRegistration } from "./cache/registration.ts";
import { type CacheState, type CacheTask, emptyCacheState } from "./cache/state.ts";
import { cacheTasksService } from "./cache_tasks_service.ts";
import { apply } from "./core/apply.ts";
import type { Event, Untimed } from "./core/event.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";

/** The service over tasks that are being imported, in this order: `[id, application, tag, length]`. */
function told(tasks: readonly (readonly [string, string, string, number])[], { hasTicket = true } = {}) {
  const state = emptyCacheState(DEFAULT_SETTINGS, 0);
  for (const [at, [id, application, tag, contentLength]] of tasks.entries()) {
    const facts = {
      id,
      application,
      tag,
      contentLength,
      replicaCount: 2,
      pieceLength: 4,
      pieceCount: 1,
      ttlMs: 300_000,
    };
    state.tasks.set(id, {
      ...{ facts, importer: { peerId: `peer of ${id}`, hostId: "h" }, state: "Uploading", replicasSeen: 0 },
      ...{
        lostSinceMs: undefined,
        replicating: new Set(),
        skippedUntilMs: new Map(),
        createdAtMs: at,
        updatedAtMs: at,
      },
    });
  }
  const gate = {
    check: () => hasTicket ? Promise.resolve() : Promise.reject(new DamselflyError("permission_denied", "no ticket")),
  };
  const answers = new Answers(1, new VirtualClock());
  const { methods } = cacheTasksService({ state, answers, gate });
  const call = <A>(name: string, request: unknown): Promise<A> => {
    const method = methods.find(({ definition }) => definition.path.endsWith(`/${name}`));
    return method?.handler(request, { signal: new AbortController().signal } as never);
  };
  return {
    state,
    list: (request: Partial<ListCacheTasksRequest> = {}) => {
      const wanted = ListCacheTasksRequest.create({ limit: 10, ...request });
      return call<ListCacheTasksResponse>("ListCacheTasks", wanted);
    },
    count: () => call<CountCacheTasksResponse>("CountCacheTasks", {}),
    get: (taskId: string) => call<GetCacheTaskResponse>("GetCacheTask", { taskId }),
  };
}

Deno.test("nothing of the persistent cache is told without a ticket", async () => {
  const { list, count, get } = told([["a", "", "", 1]], { hasTicket: false });
  for (const call of [() => list(), () => count(), () => get("a")]) {
    await assert.rejects(call(), { code: "permission_denied" });
  }
});

Deno.test("tasks are listed with the newest first, as far as they are asked for, and all are counted", async () => {
  const { list } = told([["a", "train", "x", 1], ["b", "train", "y", 1], ["c", "", "x", 1]]);
  const ids = async (request: Partial<ListCacheTasksRequest>) => {
    const { tasks, total } = await list(request);
    return [total, ...tasks.map(({ id }) => id)];
  };
  assert.deepEqual(await ids({ limit: 2 }), [3, "c", "b"]);
  assert.deepEqual(await ids({ application: "train" }), [2, "b", "a"]);
  assert.deepEqual(await ids({ application: "train", tag: "x" }), [1, "a"]);
  assert.deepEqual(await ids({ state: "Uploading", limit: 1 }), [3, "c"]);
  assert.deepEqual(await ids({ state: "Succeeded" }), [0]);
});

Deno.test("an import that began again is a new one, in a list as by its time", async () => {
  const { state, list } = told([["a", "", "", 1], ["b", "", "", 1], ["c", "", "", 1]]);
  const [first] = state.tasks.values();
  assert.ok(first);
  state.tasks.set("a", { ...first, createdAtMs: 9 });
  assert.deepEqual((await list({ limit: 2 })).tasks.map(({ id }) => id), ["a", "c"]);
});

Deno.test("a list has a limit, whatever is asked for", async () => {
  const many = Array.from({ length: 2_001 }, (_, n) => [`t${n}`, "", "", 1] as const);
  const { tasks, total } = await told(many).list({ limit: 10_000 });
  assert.deepEqual([tasks.length, total], [2_000, 2_001]);
});

Deno.test("tasks are counted by application and tag, those with the most bytes first", async () => {
  const { shares } = await told([["a", "one", "x", 3], ["b", "two", "x", 9], ["c", "one", "x", 4]]).count();
  assert.deepEqual(shares, [
    { application: "two", tag: "x", count: 1, contentLength: 9 },
    { application: "one", tag: "x", count: 2, contentLength: 7 },
  ]);
});

Deno.test("of more applications and tags than a thousand those with the most bytes are counted", async () => {
  const many = Array.from({ length: 1_001 }, (_, n) => [`t${n}`, `a${n}`, "", 1 + n] as const);
  const { shares } = await told(many).count();
  assert.deepEqual([shares.length, shares[0]?.application, shares.at(-1)?.application], [1_000, "a1000", "a1"]);
});

Deno.test("one task is told with who imports it, and an unknown one is not found", async () => {
  const { get } = told([["a", "", "", 7]]);
  const { task, peers } = await get("a");
  assert.deepEqual([task?.id, task?.contentLength, task?.state], ["a", 7, "Uploading"]);
  assert.deepEqual(peers.map(({ id, task }) => [id, task]), [["peer of a", undefined]]);
  await assert.rejects(get("b"), { code: "not_found" });
  await assert.rejects(get(""), { code: "invalid_argument" });
});

/** Lets many hosts have a complete copy. */
function copied({ swarm }: CacheState, task: CacheTask, count: number): void {
  const chance = seededRandom(1);
  const happens = (event: Untimed<Event>) => apply(swarm, { ...event, nowMs: 0 } as Event, chance);
  for (let n = 0; n < count; n++) {
    const ids = { hostId: `h${n}`, peerId: `p${n}` };
    const facts = hostFacts(ids.hostId, { announcement: Host.create({ id: ids.hostId }) });
    happens({ type: "host_announced", facts, announceIntervalMs: 300_000 });
    happens({ ...copyRegistration(ids, task.facts, { isComplete: true }), streamId: 0 });
    for (const type of ["started", "finished"] as const) happens({ type, peerId: ids.peerId, streamId: 0 });
  }
}

Deno.test("of a task with thousands of copies a thousand are told, without a walk through all for each", async () => {
  const { state, get } = told([["a", "", "", 7]]);
  const [task] = state.tasks.values();
  assert.ok(task);
  task.state = "Succeeded";
  copied(state, task, 3_000);
  const copies = state.swarm.tasks.get("a")?.peers;
  assert.ok(copies);
  let walks = 0;
  const values = copies.values.bind(copies);
  copies.values = () => {
    walks++;
    return values();
  };
  const { task: shown, peers } = await get("a");
  assert.deepEqual([shown?.currentReplicaCount, peers.length, walks], [3_000, 1_000, 2]);
  assert.deepEqual([peers[0]?.id, peers[0]?.host?.id, peers[0]?.task], ["p0", "h0", undefined]);
});
