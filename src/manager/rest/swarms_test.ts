import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { ListPullsResponse, Pull } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { GetSwarmResponse, SwarmMember, SwarmSummary } from "../../rpc/gen/damselfly/v1/swarms.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import type { SchedulerRecord } from "../store/services.ts";
import type { SwarmReader } from "../swarms/swarm_reader.ts";
import { startRest } from "./start_rest_test.ts";

const scheduler = { id: 3, hostname: "s1" } as SchedulerRecord;
const swarm = SwarmSummary.create({
  ...{ taskId: "t1", url: "https://r.io/v2/a/blobs/x", contentLength: 9, since: timestampOfMs(1_000) },
  counts: { waiting: 1, downloading: 2, atSource: 3, done: 4, failed: 5 },
});

/** Knows one task and one host, and remembers how it was asked. */
function reader(asked: unknown[] = []): SwarmReader {
  return {
    list: (...[id, wanted]) => {
      asked.push([id, wanted]);
      return Promise.resolve({ swarms: [{ ...swarm, scheduler }], total: 30, silent: [{ scheduler, reason: "away" }] });
    },
    get: (_id, name) => {
      if (name !== "t1") return Promise.reject(new DamselflyError("not_found", "it is unknown"));
      const member = SwarmMember.create({
        ...{ peerId: "p", begunMs: 0, startedMs: 5, tenthsMs: [7], pieces: 1, pieceCount: 2 },
        feeds: [{ from: undefined, sinceMs: 1, untilMs: 2, pieces: 3 }],
      });
      const found = GetSwarmResponse.create({
        ...{ swarm, members: [member], others: 2, begunAt: timestampOfMs(1_000), nowMs: 8 },
        places: [{ name: "rack1", counts: swarm.counts, flows: [{ from: 0, pieces: 4 }] }],
      });
      return Promise.resolve({ scheduler, found });
    },
    pulls: (id, host, request) => {
      asked.push([id, host, request]);
      const slow = Pull.create({
        ...{ taskId: "t2", durationMs: 5_000, cause: "stalled_parent", lostMs: 3_000, reason: "waited 3.0 s" },
        events: [{ kind: "decision", atMs: 20, ms: 20 }, { kind: "parent_stalled", atMs: 3_100, ms: 3_000 }],
      });
      const quick = Pull.create({ taskId: "t1", cause: "nothing", startedAt: timestampOfMs(1_000) });
      const listed = ListPullsResponse.create({ pulls: request.name === "none" ? [] : [slow, quick] });
      return Promise.resolve({ host: { hostId: "h", hostname: host, ip: "10.0.0.7" }, listed });
    },
  };
}

Deno.test("tasks that move are listed with their scheduler, and whoever did not say", async () => {
  const asked: unknown[] = [];
  await using rest = await startRest({ swarms: reader(asked) });
  const { swarms: [row], total, silent } = await rest.json("GET", "/api/v1/clusters/1/swarms?offset=20&limit=10");
  assert.deepEqual([row.task_id, row.scheduler_id, row.scheduler, row.digest], ["t1", 3, "s1", null]);
  assert.deepEqual(row.counts, { waiting: 1, downloading: 2, at_source: 3, done: 4, failed: 5 });
  assert.equal(row.since, "1970-01-01T00:00:01.000Z");
  assert.deepEqual([total, silent], [30, [{ scheduler: "s1", reason: "away" }]]);
  await rest.json("GET", "/api/v1/clusters/1/swarms?state=stopped");
  assert.deepEqual(asked, [
    [1, { stopped: false, offset: 20, limit: 10 }],
    [1, { stopped: true, offset: 0, limit: 20 }],
  ]);
  for (const query of ["state=gone", "offset=1001", "limit=101"]) {
    assert.equal((await rest.send("GET", `/api/v1/clusters/1/swarms?${query}`)).status, 422, query);
  }
});

Deno.test("a swarm is told with times since its beginning, and the source is nobody", async () => {
  await using rest = await startRest({ swarms: reader() });
  const { members: [member], places, others, now_ms, begun_at } = await rest.json(
    "GET",
    "/api/v1/clusters/1/swarm?task=t1",
  );
  assert.deepEqual([member.started_ms, member.ended_ms, member.tenths_ms, others, now_ms], [5, null, [7], 2, 8]);
  assert.deepEqual(member.feeds, [{ from: null, since_ms: 1, until_ms: 2, pieces: 3 }]);
  assert.deepEqual([places[0].name, places[0].flows], ["rack1", [{ from: 0, pieces: 4 }]]);
  assert.equal(begun_at, "1970-01-01T00:00:01.000Z");
  assert.equal((await rest.send("GET", "/api/v1/clusters/1/swarm?task=other")).status, 404);
  assert.equal((await rest.send("GET", "/api/v1/clusters/1/swarm")).status, 422);
});

Deno.test("the pulls of a host are told in the order of their starts, the slow part marked and named in a sentence", async () => {
  const asked: unknown[] = [];
  await using rest = await startRest({ swarms: reader(asked) });
  const told = await rest.json("GET", "/api/v1/clusters/1/pulls?host=node-7&name=team/app");
  assert.deepEqual(told.pulls.map(({ task_id }: { task_id: string }) => task_id), ["t1", "t2"]);
  assert.deepEqual([told.slowest, told.sentence, told.hostname], [1, "Content 2 waited 3.0 s.", "node-7"]);
  assert.deepEqual(told.pulls[1].events.map(({ slow }: { slow: boolean }) => slow), [false, true]);
  assert.equal(told.pulls[0].started_at, "1970-01-01T00:00:01Z");
  const newest = await rest.json("GET", "/api/v1/clusters/1/pulls?host=node-7&limit=5");
  assert.deepEqual([newest.pulls[0].task_id, newest.slowest], ["t2", 0]);
  assert.deepEqual(asked, [
    [1, "node-7", { name: "team/app", limit: 200 }],
    [1, "node-7", { name: "", limit: 5 }],
  ]);
  const none = await rest.json("GET", "/api/v1/clusters/1/pulls?host=node-7&name=none");
  assert.deepEqual([none.pulls, none.slowest, none.sentence], [[], -1, ""]);
  assert.equal((await rest.send("GET", "/api/v1/clusters/1/pulls")).status, 422, "a host is named");
});

Deno.test("whoever may read clusters may look into their swarms, and nobody else", async () => {
  await using rest = await startRest({ swarms: reader() });
  const { token } = await rest.guest();
  for (const path of ["swarms", "swarm?task=t1", "pulls?host=h"]) {
    assert.equal((await rest.send("GET", `/api/v1/clusters/1/${path}`, { token })).status, 200, path);
    assert.equal((await rest.send("GET", `/api/v1/clusters/1/${path}`, { token: null })).status, 401, path);
  }
});
