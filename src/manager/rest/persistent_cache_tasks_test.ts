import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { Host, PersistentCachePeer, PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { durationOfMs, timestampOfMs } from "../../rpc/time.ts";
import type { CacheTaskReader } from "../cache_tasks/cache_task_reader.ts";
import { startRest } from "./start_rest_test.ts";

const PATH = "/api/v1/persistent-cache-tasks";
const CLUSTER = "scheduler_cluster_id=1";
const TASK = PersistentCacheTask.create({
  ...{ id: "abc", persistentReplicaCount: 2, currentPersistentReplicaCount: 1, currentReplicaCount: 3, pieceCount: 4 },
  ...{ application: "train", pieceLength: 8, contentLength: 30, state: "Succeeded", ttl: durationOfMs(60_000) },
  createdAt: timestampOfMs(1_000),
});

function reader(asked: unknown[]): CacheTaskReader {
  const peer = PersistentCachePeer.create({
    ...{ id: "p", persistent: true, state: "Succeeded", cost: durationOfMs(5) },
    host: Host.create({ id: "h", type: 1, hostname: "seed", ip: "10.0.0.1", network: { idc: "fra" } }),
  });
  const checked = (id: string) => {
    if (id !== TASK.id) throw new DamselflyError("not_found", `Cannot find task ${id}`);
  };
  return {
    list(...wanted) {
      asked.push(wanted.slice(0, 3));
      return Promise.resolve({ rows: [TASK], total: 41 });
    },
    shares: () => Promise.resolve([{ application: "train", tag: "", count: 2, contentLength: 9 }]),
    get: (_, id) => Promise.try(checked, id).then(() => ({ task: TASK, peers: [peer] })),
    remove: (clusterId, id) => Promise.try(checked, id).then(() => void asked.push([clusterId, id])),
  };
}

Deno.test("persistent cache tasks are listed by the page, as far as they are asked for", async () => {
  const asked: unknown[] = [];
  await using rest = await startRest({ cacheTasks: reader(asked) });
  const response = await rest.send("GET", `${PATH}?${CLUSTER}&application=train&tag=&page=3&per_page=20`);
  assert.match(response.headers.get("link") ?? "", /page=3&per_page=20[^,]*>;rel=last/);
  assert.deepEqual(asked, [[1, { application: "train" }, { offset: 40, limit: 20 }]]);
  assert.deepEqual(await response.json(), [{
    ...{ id: "abc", persistent_replica_count: 2, current_persistent_replica_count: 1, current_replica_count: 3 },
    ...{ tag: "", application: "train", piece_length: 8, content_length: 30, total_piece_count: 4 },
    ...{ state: "Succeeded", ttl: 60_000_000_000, peers: null },
    ...{ created_at: "1970-01-01T00:00:01.000Z", updated_at: "0001-01-01T00:00:00Z" },
  }]);
  assert.deepEqual(await rest.json("GET", `${PATH}/shares?${CLUSTER}`), [
    { application: "train", tag: "", count: 2, content_length: 9 },
  ]);
  assert.equal((await rest.send("GET", PATH)).status, 422);
});

Deno.test("a persistent cache task is shown with its copies, and removed; of an unknown one that is said", async () => {
  const asked: unknown[] = [];
  await using rest = await startRest({ cacheTasks: reader(asked) });
  const { peers: [peer] } = await rest.json("GET", `${PATH}/abc?${CLUSTER}`);
  assert.deepEqual([peer.id, peer.persistent, peer.cost], ["p", true, 5_000_000]);
  assert.deepEqual([peer.host.hostname, peer.host.type, peer.host.idc], ["seed", "super", "fra"]);
  assert.equal((await rest.send("DELETE", `${PATH}/abc?${CLUSTER}`)).status, 200);
  assert.deepEqual(asked, [[1, "abc"]]);
  for (const method of ["GET", "DELETE"]) {
    assert.equal((await rest.send(method, `${PATH}/x?${CLUSTER}`)).status, 404);
    assert.equal((await rest.send(method, `${PATH}/abc`)).status, 422);
  }
});
