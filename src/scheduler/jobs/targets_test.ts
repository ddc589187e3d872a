import assert from "node:assert/strict";
import { chooseHosts, rankSeeds, type Targets } from "./targets.ts";

const hosts = Array.from({ length: 10 }, (_, n) => ({ id: `h${9 - n}`, ip: `10.0.0.${9 - n}`, type: n < 3 ? 1 : 0 }));
const all: Targets = { scope: "all_peers", ips: [], count: undefined, percentage: undefined };
const idsOf = (targets: Partial<Targets>) => chooseHosts(hosts, { ...all, ...targets }).hosts.map(({ id }) => id);

Deno.test("a scope of seed peers has no other peers, and one of all peers has both", () => {
  assert.deepEqual(idsOf({ scope: "all_seed_peers" }), ["h7", "h8", "h9"]);
  assert.deepEqual(idsOf({ scope: "single_seed_peer" }), ["h7", "h8", "h9"]);
  assert.equal(idsOf({}).length, 10);
});

Deno.test("addresses come before a count, and a count before a percentage", () => {
  assert.deepEqual(idsOf({ ips: ["10.0.0.4", "10.0.0.1"], count: 5, percentage: 90 }), ["h1", "h4"]);
  assert.deepEqual(idsOf({ count: 2, percentage: 90 }), ["h0", "h1"]);
  assert.equal(idsOf({ count: 200 }).length, 10);
});

Deno.test("a percentage is rounded down, and is one host at least", () => {
  assert.deepEqual([29, 1, 100].map((percentage) => idsOf({ percentage }).length), [2, 1, 10]);
  assert.deepEqual(chooseHosts([], { ...all, percentage: 50 }).hosts, []);
});

Deno.test("an address that no host of the scope has is told once", () => {
  const ips = ["10.0.0.8", "10.0.0.1", "10.9.9.9", "10.9.9.9"];
  const chosen = chooseHosts(hosts, { ...all, scope: "all_seed_peers", ips });
  assert.deepEqual([chosen.hosts.map(({ id }) => id), chosen.unknownIps], [["h8"], ["10.0.0.1", "10.9.9.9"]]);
});

Deno.test("tasks are spread over seed peers, and one that leaves moves only its own", () => {
  const seeds = ["a", "b", "c", "d"].map((id) => ({ id }));
  const first = (task: number, from = seeds) => rankSeeds(from, `task-${task}`)[0]?.id;
  const tasks = Array.from({ length: 200 }, (_, task) => task);
  for (const { id } of seeds) assert.ok(tasks.filter((task) => first(task) === id).length > 25);
  const rest = seeds.slice(0, 3);
  for (const task of tasks) if (first(task) !== "d") assert.equal(first(task, rest), first(task));
  assert.equal(rankSeeds(seeds, "x").length, 3);
});
