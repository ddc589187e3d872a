import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { chooseMates } from "./mates.ts";
import type { Settings } from "./settings.ts";
import type { HostFacts } from "./state.ts";

/** Peers that wait for one at the source, which begins; all are of our make unless `facts` says otherwise. */
function burst(
  count: number,
  facts: (index: number) => Partial<HostFacts> = () => ({}),
  settings: Partial<Settings> = {},
) {
  const swarm = new Swarm(seededRandom(1), settings);
  swarm.host("root-host", { cutsAsAsked: true });
  swarm.register("root", { needBackToSource: true });
  const ids = Array.from({ length: count }, (_, index) => `p${index}`);
  for (const [index, id] of ids.entries()) swarm.host(`${id}-host`, { cutsAsAsked: true, ...facts(index) });
  for (const id of ids) swarm.register(id);
  swarm.say("root", "back_to_source_started");
  return { swarm, ids };
}

/** The mates that a peer was told of with its last answer. */
function matesOf({ swarm, given }: { swarm: Swarm; given: Map<string, string[]> }, id: string): string[] {
  assert.ok(swarm.state.peers.has(id));
  return given.get(id) ?? [];
}

function given(swarm: Swarm): Map<string, string[]> {
  return new Map(swarm.effects.flatMap((effect) => {
    if (effect.type !== "send" || effect.decision.kind !== "from_parents") return [];
    return [[effect.peer.id, effect.decision.mates.map(({ id }) => id)] as const];
  }));
}

Deno.test("peers of our make that wait together are mates of each other, beside their parents", () => {
  const { swarm, ids } = burst(40);
  const all = { swarm, given: given(swarm) };
  for (const id of ids) {
    const mates = matesOf(all, id);
    const parents = [...swarm.peer(id).parents].map((parent) => parent.id);
    assert.ok(mates.length >= 8 && mates.length <= 16, `${id} has ${mates.length}`);
    assert.equal(new Set([...mates, ...parents, id]).size, mates.length + parents.length + 1);
    for (const mate of mates) assert.ok(swarm.peer(id).assigned.has(mate), "a mate may be accused");
  }
  const isMutual = (id: string) => matesOf(all, id).some((mate) => matesOf(all, mate).includes(id));
  assert.ok(ids.every(isMutual), "nobody only gives");
});

Deno.test("in a burst all have as many mates as others, and nobody more than he can listen to", () => {
  const { swarm, ids } = burst(300);
  const sizes = ids.map((id) => swarm.peer(id).mates.size).sort((a, b) => a - b);
  assert.equal(sizes.at(-1), 16);
  assert.ok(sizes[0] as number >= 12 && sizes[36] === 16, `few have less, and nobody much less: ${sizes.slice(0, 37)}`);
});

Deno.test("stock peers, hosts that do not share, and peers of Dragonfly's algorithm have no mates", () => {
  const { swarm } = burst(10, (index) => index < 5 ? { cutsAsAsked: false } : { isShared: index > 5 });
  const mates = given(swarm);
  for (const id of ["p0", "p1", "p2", "p3", "p4"]) assert.deepEqual(mates.get(id), []);
  for (const id of ["p6", "p7"]) {
    assert.ok((mates.get(id) ?? []).every((mate) => Number(mate.slice(1)) > 5 || mate === "root"));
  }
  assert.ok(
    [...given(burst(10, undefined, { algorithm: "default" }).swarm).values()].every(({ length }) => length === 0),
  );
});

/** Racks of the mates of each peer, where peer `index` is in rack `index % racks`; the gates of racks come first. */
function racksOfMates(count: number, racks: number, location = (rack: number) => `site|rack-${rack}`) {
  const { swarm, ids } = burst(count, (index) => ({ location: location(index % racks) }));
  const mates = given(swarm);
  return ids.map((id) => {
    const others = (mates.get(id) ?? []).filter((mate) => mate !== "root").map((mate) => Number(mate.slice(1)));
    return { others, racks: new Set(others.map((other) => other % racks)) };
  });
}

Deno.test("mates are of the same location where there is anybody, but for one peer of each, the gate", () => {
  for (const [index, { others, racks }] of racksOfMates(40, 4).entries()) {
    if (index >= 4) assert.deepEqual([...racks], [index % 4], `p${index}`);
    else assert.ok(others.every((other) => other % 4 === index || other < 4), `p${index} has gates as far mates only`);
  }
});

Deno.test("gates have other gates as mates, a half of all mates at most, and the rest in their own places", () => {
  for (const [index, { others }] of racksOfMates(400, 20).slice(0, 20).entries()) {
    const gates = others.filter((other) => other < 20);
    assert.ok(gates.length >= 1 && others.length > gates.length, `p${index}: ${others}`);
    assert.ok(others.filter((other) => other >= 20).every((other) => other % 20 === index));
  }
  const some = racksOfMates(400, 20).slice(0, 20).filter(({ others }) =>
    others.filter((other) => other < 20).length >= 4
  );
  assert.ok(some.length >= 18, "most have several");
});

Deno.test("a site is entered by one gate, though it has many racks", () => {
  const siteOf = (rack: number) => rack % 2;
  const all = racksOfMates(200, 10, (rack) => `site-${siteOf(rack)}|rack-${rack}`);
  const crossing = all.flatMap(({ racks }, index) =>
    [...racks].some((rack) => siteOf(rack) !== siteOf(index)) ? [index] : []
  );
  assert.ok(crossing.length > 0 && crossing.every((index) => index < 2), `${crossing}`);
});

Deno.test("the gates of a few sites find each other among very many racks", () => {
  for (const racks of [600, 200]) {
    const all = racksOfMates(600, racks, (rack) => `site-${rack % 10}|rack-${rack}`).slice(0, 10);
    const met = all.map(({ others }) => others.filter((other) => other < 10).length);
    const sum = met.reduce((total, count) => total + count, 0);
    assert.ok(Math.min(...met) >= 1 && sum >= 25, `${met} of nine others with ${racks} racks`);
  }
});

/** A gate chooses its mates anew, twice: what it has counts. */
function choosesAnew({ swarm }: ReturnType<typeof burst>, id: string): number[] {
  const step = { state: swarm.state, nowMs: swarm.nowMs, chance: seededRandom(2), effects: [] };
  const peer = swarm.peer(id);
  for (const other of swarm.state.peers.values()) other.mates.clear();
  chooseMates(step, peer);
  return chooseMates(step, peer).filter((mate) => mate.id !== "root").map((mate) => Number(mate.id.slice(1)));
}

Deno.test("of its mates a gate has eight that are gates, and of these four at most beyond its site", () => {
  const flat = choosesAnew(burst(160, (index) => ({ location: `site|rack-${index % 40}` })), "p0");
  assert.equal(flat.filter((other) => other < 40).length, 8, `${flat}`);
  const far = (sites: number, racks: number) => {
    const location = (index: number) => `site-${index % sites}|rack-${index % (sites * racks)}`;
    const mates = choosesAnew(burst(4 * sites * racks, (index) => ({ location: location(index) })), "p0");
    const gates = mates.filter((other) => other < sites * racks);
    return [gates.filter((other) => other % sites !== 0).length, gates.filter((other) => other % sites === 0).length];
  };
  assert.deepEqual(far(10, 10), [4, 4]);
  const { swarm } = burst(40, (index) => ({ location: `site|rack-${index % 10}` }));
  for (const other of swarm.state.peers.values()) other.mates.clear();
  for (const id of ["p1", "p2", "p3", "p4"]) swarm.peer("p0").mates.add(swarm.peer(id));
  const step = { state: swarm.state, nowMs: swarm.nowMs, chance: seededRandom(2), effects: [] };
  const gates = chooseMates(step, swarm.peer("p0")).filter(({ id }) => id.length === 2);
  assert.equal(gates.length, 8, "those that it has are not counted twice");
  assert.deepEqual(far(2, 10), [1, 7], "what the widest circle leaves is for the next one");
});

Deno.test("a gate is no mate of gates that have as many mates as they may, or are not open to it", () => {
  const scene = burst(40, (index) => ({ location: `site|rack-${index % 10}` }));
  const { swarm } = scene;
  const peer = swarm.peer("p0");
  for (const other of swarm.state.peers.values()) other.mates.clear();
  const fill = (id: string, count: number) => {
    for (let index = 0; index < count; index++) swarm.peer(id).mates.add(swarm.peer(`p${20 + index}`));
  };
  fill("p1", 16);
  fill("p2", 15);
  swarm.peer("p3").blocked.add("p0");
  const step = { state: swarm.state, nowMs: swarm.nowMs, chance: seededRandom(2), effects: [] };
  const gates = chooseMates(step, peer).map(({ id }) => id).filter((id) => id.length === 2).toSorted();
  assert.deepEqual(gates, ["p2", "p4", "p5", "p6", "p7", "p8", "p9"]);
});

Deno.test("who comes when all have as many mates as they may is given twelve of them", () => {
  const { swarm } = burst(100);
  for (const peer of swarm.state.peers.values()) {
    for (let index = 0; peer.mates.size < 16; index++) peer.mates.add(swarm.peer(`p${index}`));
  }
  swarm.host("late-host", { cutsAsAsked: true });
  swarm.register("late");
  assert.equal(swarm.peer("late").mates.size, 12);
});

Deno.test("others of a place leave a gate room for eight gates", () => {
  const { swarm } = burst(60, (index) => ({ location: `site|rack-${index % 4}` }));
  const step = { state: swarm.state, nowMs: swarm.nowMs, chance: seededRandom(2), effects: [] };
  for (const other of swarm.state.peers.values()) other.mates.clear();
  swarm.peer("p0").task.waiters.add(swarm.peer("p0"));
  for (let index = 4; index < 60; index += 4) chooseMates(step, swarm.peer(`p${index}`));
  assert.equal(swarm.peer("p0").mates.size, 8);
});

Deno.test("when a gate has ended another peer of its place is the gate", () => {
  const { swarm } = burst(40, (index) => ({ location: `site|rack-${index % 4}` }));
  const { gates } = swarm.peer("p0").task;
  const gateOf = () => [...swarm.state.peers.values()].filter((peer) => gates.isGateOf(peer, "location site|rack-0"));
  assert.deepEqual(gateOf().map(({ id }) => id), ["p0"]);
  swarm.say("p0", "started");
  swarm.say("p0", "failed");
  const [next, ...others] = gateOf();
  assert.ok(next !== undefined && next.id !== "p0" && Number(next.id.slice(1)) % 4 === 0 && others.length === 0);
  const met = gates.circlesOf(next).flatMap((circle) => [...circle]);
  assert.ok(met.includes(next), "it is found by other gates");
  assert.ok(!met.includes(swarm.peer("p0")));
});

Deno.test("a host that moves is no gate of the place that it leaves, and the site of a gate that ended has a gate of a rack", () => {
  const { swarm } = burst(8, (index) => ({ location: `site|rack-${index % 4}` }));
  const { gates, matesByPlace } = swarm.peer("p0").task;
  const gateOf = (place: string) => {
    return [...swarm.state.peers.values()].filter((peer) => gates.isGateOf(peer, place)).map(({ id }) => id);
  };
  for (const id of ["p4", "p0"]) {
    matesByPlace.delete(swarm.peer(id));
    gates.delete(swarm.peer(id), matesByPlace);
  }
  assert.ok(["p1", "p2", "p3"].includes(gateOf("location site")[0] ?? ""));
  assert.deepEqual(gateOf("location site|rack-0"), []);
  const moved = swarm.peer("p1");
  moved.host.places = ["location site|rack-9", "location site"];
  gates.put(moved);
  assert.deepEqual([gateOf("location site|rack-1"), gateOf("location site|rack-9")], [[], ["p1"]]);
  gates.put(swarm.peer("p5"));
  assert.deepEqual(gateOf("location site|rack-1"), ["p5"]);
  const meets = () => gates.circlesOf(swarm.peer("p5")).some((circle) => circle.has(moved));
  assert.equal(meets(), true);
  moved.host.places = ["location site|rack-2", "location site"];
  gates.put(moved);
  assert.equal(meets(), false, "it is no gate any more");
  assert.deepEqual(gateOf("location site|rack-1"), ["p5"], "which is another one's now");
});

Deno.test("a mate that failed a peer is not given to it again, and one that is gone is nobody's mate", () => {
  const { swarm } = burst(20);
  const [bad, gone] = given(swarm).get("p0") as [string, string];
  swarm.say("p0", "started");
  swarm.message("p0", { type: "piece_failed", parentId: bad, temporary: true });
  swarm.say(gone, "failed");
  for (const { mates } of swarm.state.peers.values()) assert.ok(!mates.has(swarm.peer(gone)));
  swarm.message("p0", { type: "reschedule", failedParentIds: [] });
  const mates = given(swarm).get("p0") as string[];
  assert.ok(mates.length > 0 && !mates.includes(bad) && !mates.includes(gone));
});

Deno.test("who asks again blocks parents that it names, also those that are mates, and no other mates", () => {
  const { swarm } = burst(20);
  const mates = given(swarm).get("p0") as string[];
  const parents = [...swarm.peer("p0").parents].map(({ id }) => id);
  assert.ok(parents.some((id) => [...swarm.peer("p0").mates].some((mate) => mate.id === id)));
  swarm.say("p0", "started");
  swarm.message("p0", { type: "reschedule", failedParentIds: [...parents, ...mates] });
  assert.deepEqual([...swarm.peer("p0").blocked].toSorted(), parents.toSorted());
});

Deno.test("who comes when the others have their answers is given them, and they go on with those that they have", () => {
  const { swarm } = burst(20);
  swarm.host("late-host", { cutsAsAsked: true });
  swarm.register("late");
  const mates = given(swarm).get("late") ?? [];
  assert.ok(mates.length >= 8);
  for (const mate of mates) assert.ok(!swarm.peer(mate).mates.has(swarm.peer("late")));
  const gone = mates.find((id) =>
    id !== "root" && ![...swarm.peer("late").parents].some((parent) => parent.id === id)
  ) as string;
  swarm.say(gone, "failed");
  swarm.message("late", { type: "reschedule", failedParentIds: [] });
  const again = given(swarm).get("late") ?? [];
  assert.ok(again.length > 0 && !again.includes(gone));
  swarm.say("late", "started");
  swarm.say("late", "finished");
  assert.equal(swarm.peer("late").mates.size, 0);
});

Deno.test("who waits while very many choose it has so many mates and no more", () => {
  const { swarm, ids: [patient = "", ...ids] } = burst(60);
  const { task, mates } = swarm.peer(patient);
  task.waiters.add(swarm.peer(patient));
  const step = { state: swarm.state, nowMs: swarm.nowMs, chance: seededRandom(2), effects: [] };
  for (let times = 0; times < 10; times++) {
    for (const id of ids) {
      swarm.peer(id).mates.clear();
      chooseMates(step, swarm.peer(id));
    }
  }
  assert.equal(mates.size, 16);
});

Deno.test("hosts that are alone in their racks exchange pieces, and those that are not give theirs nothing from afar", () => {
  const rackOf = (index: number) => index < 6 ? "shared" : `${index}`;
  const { swarm, ids } = burst(20, (index) => ({
    location: `site|rack-${index === 6 ? 7 : rackOf(index)}`,
    isShared: index !== 6,
  }));
  const mates = given(swarm);
  for (const [index, id] of ids.entries()) {
    if (index === 6) continue;
    const others = (mates.get(id) ?? []).filter((mate) => mate !== "root").map((mate) => Number(mate.slice(1)));
    assert.ok(others.length > 0, id);
    assert.ok(others.every((other) => (other < 6) === (index < 6) && other !== 6), id);
  }
});

Deno.test("a host with several peers of a content is as alone in its rack as one with one", () => {
  const swarm = new Swarm(seededRandom(1));
  for (const id of ["root", "twin", "other"]) swarm.host(`${id}-host`, { cutsAsAsked: true, location: `site|${id}` });
  swarm.register("root", { needBackToSource: true });
  swarm.register("other");
  for (const id of ["twin-1", "twin-2"]) swarm.register(id, {}, { host: "twin-host" });
  swarm.say("root", "back_to_source_started");
  const mates = given(swarm);
  assert.ok(mates.get("twin-1")?.includes("other") || mates.get("other")?.includes("twin-1"));
  swarm.say("other", "failed");
  swarm.say("root", "failed");
  assert.equal(swarm.peer("twin-1").task.matesByPlace.hostsAt("location site"), 1);
});
