import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { Host } from "../rpc/gen/common/v2/common.ts";
import { ListPullsResponse } from "../rpc/gen/damselfly/v1/pulls.ts";
import type {
  FindHostResponse,
  GetSwarmResponse,
  ListPullsOfHostRequest,
  ListSwarmsResponse,
} from "../rpc/gen/damselfly/v1/swarms.ts";
import { LookCounter } from "../testing/look_counter.ts";
import { Swarm } from "../testing/scheduler_swarm.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Answers } from "./answers.ts";
import { swarmsService } from "./swarms_service.ts";

/** A swarm, and what its scheduler tells of it to whoever has a ticket. */
function told({ hasTicket = true } = {}) {
  const swarm = new Swarm(seededRandom(1));
  const clock = new VirtualClock();
  const asked: unknown[] = [];
  const { methods } = swarmsService({
    ...{ state: swarm.state, answers: new Answers(1, clock), clock: { now: () => swarm.nowMs } },
    calls: {
      pulls: ({ ip }, what) => {
        asked.push([ip, what]);
        return Promise.resolve(ListPullsResponse.create({ hostname: "from the host" }));
      },
    },
    gate: {
      check: () => hasTicket ? Promise.resolve() : Promise.reject(new DamselflyError("permission_denied", "no ticket")),
    },
  });
  const call = <A>(path: string, request: unknown): Promise<A> => {
    const method = methods.find(({ definition }) => definition.path.endsWith(`/${path}`));
    return method?.handler(request, { signal: new AbortController().signal } as never);
  };
  return {
    swarm,
    asked,
    list: (stopped: boolean, offset = 0, limit = 10) =>
      call<ListSwarmsResponse>("ListSwarms", { stopped, offset, limit }),
    get: (name: string) => call<GetSwarmResponse>("GetSwarm", { name }),
    find: (name: string) => call<FindHostResponse>("FindHost", { name }),
    pulls: (request: Partial<ListPullsOfHostRequest>) => call<ListPullsResponse>("ListPullsOfHost", request),
  };
}

function announced(id: string) {
  return { announcement: Host.create({ id, hostname: `name of ${id}`, ip: "10.0.0.7", port: 4000 }) };
}

Deno.test("nothing is told without a ticket", async () => {
  const { swarm, list, get, find, pulls, asked } = told({ hasTicket: false });
  swarm.host("h", announced("h"));
  swarm.register("p", {}, { host: "h" });
  for (const call of [list(false), get("task"), find("h"), pulls({ hostId: "h" })]) {
    await assert.rejects(call, { code: "permission_denied" });
  }
  assert.deepEqual(asked, []);
});

Deno.test("tasks that move are listed in pages, and those that stopped with the last one first", async () => {
  const { swarm, list } = told();
  for (const task of ["a", "b", "c", "d"]) {
    swarm.nowMs += 10;
    swarm.register(`p of ${task}`, {}, { task });
  }
  const ids = async (...page: Parameters<typeof list>) => (await list(...page)).swarms.map(({ taskId }) => taskId);
  assert.deepEqual(await ids(false, 1, 2), ["b", "c"]);
  assert.equal((await list(false, 1, 2)).total, 4);
  for (const task of ["c", "a"]) swarm.say(`p of ${task}`, "back_to_source_started", "back_to_source_finished");
  assert.deepEqual([await ids(false), await ids(true), await ids(true, 1)], [["b", "d"], ["a", "c"], ["c"]]);
  const [first] = (await list(true)).swarms;
  assert.deepEqual([first?.counts?.done, first?.contentLength], [1, 400 << 20]);
});

Deno.test("a swarm is told with its peers, who fed whom, its places, and who gave something before it began", async () => {
  const { swarm, get } = told();
  swarm.host("old-host", { ...announced("old-host"), location: "eu|rack1" });
  swarm.register("old", { metadataOnly: true });
  swarm.say("old", "finished");
  swarm.nowMs = 600_000;
  swarm.register("new");
  swarm.say("new", "started");
  swarm.nowMs = 601_000;
  swarm.message("new", {
    type: "piece_finished",
    piece: { number: 0, offset: 0, lengthBytes: 4 << 20, costMs: 1, parentId: "old" },
  });
  swarm.nowMs = 602_000;
  const { members, others, places, nowMs } = await get("task");
  const [elder, member] = members;
  assert.deepEqual([members.length, others, nowMs], [2, 0, 2_000]);
  assert.deepEqual([elder?.peerId, elder?.hostname, elder?.begunMs, elder?.endedMs], ["old", "name of old-host", 0, 0]);
  assert.deepEqual([member?.peerId, member?.begunMs, member?.startedMs, member?.endedMs], ["new", 0, 0, undefined]);
  assert.deepEqual(member?.feeds, [{ from: 0, sinceMs: 0, untilMs: 1_000, pieces: 1 }]);
  assert.deepEqual(places.map(({ name, flows }) => [name, flows]), [["eu|rack1", []], ["", [{ from: 0, pieces: 1 }]]]);
  await assert.rejects(get("unknown"), { code: "not_found" });
  await assert.rejects(get(""), { code: "invalid_argument" });
});

Deno.test("a source is told as one, and peers that are not told of are counted", async () => {
  const { swarm, get } = told();
  swarm.register("root");
  swarm.say("root", "back_to_source_started");
  const piece = { number: 0, offset: 0, lengthBytes: 4 << 20, costMs: 1, parentId: undefined };
  swarm.message("root", { type: "piece_finished", piece });
  const { members: [root], places } = await get("task");
  assert.deepEqual(root?.feeds, [{ from: undefined, sinceMs: 0, untilMs: 0, pieces: 1 }]);
  assert.deepEqual(places[0]?.flows, [{ from: undefined, pieces: 1 }]);
  for (let index = 0; index < 502; index++) swarm.register(`p${index}`);
  const { members, others } = await get("task");
  assert.deepEqual([members.length, others], [500, 3]);
});

Deno.test("an answer is bounded: 1,000 tasks of a list, and 100 peers from before a burst", async () => {
  const { swarm, list, get } = told();
  for (let index = 0; index < 1_001; index++) swarm.register(`p${index}`, {}, { task: `t${index}`, host: "h" });
  assert.equal((await list(false, 0, 5_000)).swarms.length, 1_000);
  for (let index = 0; index < 110; index++) swarm.register(`old ${index}`, { metadataOnly: true });
  swarm.nowMs += 600_000;
  for (let index = 0; index < 11; index++) {
    swarm.register(`new ${index}`);
    for (let number = 0; number < 10; number++) {
      const parentId = `old ${10 * index + number}`;
      swarm.peer(`new ${index}`).assigned.add(parentId);
      const piece = { number, offset: number * (4 << 20), lengthBytes: 4 << 20, costMs: 1, parentId };
      swarm.message(`new ${index}`, { type: "piece_finished", piece });
    }
  }
  const { members } = await get("task");
  assert.equal(members.length, 111);
  assert.ok(members.every(({ feeds }) => feeds.every(({ from = 0 }) => from < members.length)));
});

Deno.test("to tell of a task takes no walk over its peers, nor to list tasks one over all of them", async () => {
  const { swarm, get, list } = told();
  for (let index = 0; index < 10_000; index++) {
    swarm.register(`p${index}`, { metadataOnly: true });
    if (index % 5 === 0) swarm.register(`other ${index}`, {}, { task: `t${index}`, host: "h" });
  }
  using counter = new LookCounter();
  assert.equal((await get("task")).members.length, 500);
  assert.equal((await list(false)).swarms.length, 10);
  assert.ok(counter.looks < 8_000, `${counter.looks} looks`);
});

Deno.test("who registers again under the same id is told of once, and who is forgotten gives nothing that is drawn", async () => {
  const { swarm, get } = told();
  swarm.register("gone", { metadataOnly: true });
  swarm.nowMs = 600_000;
  swarm.register("again");
  swarm.say("again", "started");
  swarm.peer("again").assigned.add("gone");
  const piece = { number: 0, offset: 0, lengthBytes: 4 << 20, costMs: 1, parentId: "gone" };
  swarm.message("again", { type: "piece_finished", piece });
  assert.equal((await get("task")).members.find(({ peerId }) => peerId === "again")?.feeds.length, 1);
  swarm.apply({ type: "delete_peer", nowMs: swarm.nowMs, peerId: "gone" });
  const [alone] = (await get("task")).members;
  assert.deepEqual([alone?.peerId, alone?.feeds], ["again", []]);
  swarm.say("again", "failed");
  swarm.nowMs += 1_000;
  swarm.register("again");
  const { members } = await get("task");
  assert.deepEqual(members.map(({ peerId, begunMs, isFailed }) => [peerId, begunMs, isFailed]), [[
    "again",
    1_000,
    false,
  ]]);
});

Deno.test("a host is found by its id, name and address, and asked for its pulls with the ticket that came along", async () => {
  const { swarm, asked, find, pulls } = told();
  swarm.host("id", announced("id"));
  for (const name of ["id", "name of id", "10.0.0.7"]) assert.equal((await find(name)).hostId, "id");
  await assert.rejects(find("nobody"), { code: "not_found" });
  const request = { name: "team/app", limit: 5 };
  assert.equal((await pulls({ hostId: "id", ticket: "t", pulls: request })).hostname, "from the host");
  assert.deepEqual(asked, [["10.0.0.7", { ticket: "t", request }]]);
  await assert.rejects(pulls({ hostId: "nobody" }), { code: "not_found" });
});

Deno.test("those who are told of anyway take no place from who gave something before", async () => {
  const { swarm, get } = told();
  for (let index = 0; index < 30; index++) swarm.register(`old ${index}`, { metadataOnly: true });
  swarm.nowMs = 600_000;
  for (let index = 0; index < 113; index++) swarm.register(`p${index}`);
  const gives = (child: string, number: number, parentId: string) => {
    swarm.peer(child).assigned.add(parentId);
    const piece = { number, offset: number * (4 << 20), lengthBytes: 4 << 20, costMs: 1, parentId };
    swarm.message(child, { type: "piece_finished", piece });
  };
  for (let index = 0; index < 130; index++) {
    const giver = index < 100 ? `p${index}` : `old ${index - 100}`;
    gives(`p${100 + Math.floor(index / 10)}`, index % 10, giver);
  }
  assert.equal((await get("task")).members.filter(({ peerId }) => peerId.startsWith("old ")).length, 30);
});
