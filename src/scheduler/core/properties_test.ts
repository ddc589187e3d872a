import assert from "node:assert/strict";
import * as fc from "fast-check";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { hasMore } from "./apply.ts";
import type { Effect } from "./event.ts";
import { misfit, offerOf } from "./fit.ts";
import { WAIT_TIMEOUT_MS } from "./schedule.ts";
import type { Host, Peer, State, Task } from "./state.ts";
import { isRoot } from "./suppliers.ts";

const PEERS = 12;
const LIMITS = {
  ...{ hostsMax: 8, tasksMax: 3, peersMax: 20, peersPerTaskMax: 8 },
  ...{ peersPerHostMax: 5, tasksPerHostMax: 3, streamsPerHostMax: 4 },
};
const CENTERS = ["", "fra", "muc"];
const MESSAGES = [
  "started",
  "back_to_source_started",
  "finished",
  "back_to_source_finished",
  "failed",
  "back_to_source_failed",
  "stream_closed",
] as const;

const peerName = fc.nat(PEERS - 1).map((index) => `p${index}`);
const hostName = fc.nat(LIMITS.hostsMax).map((index) => `h${index}`);
const taskName = fc.constantFrom("task", "t1", "t2", "t3");

type Move = (swarm: Swarm) => void;

/** Peers' own messages, with those that mean progress more often. */
const say: fc.Arbitrary<Move> = fc.record({ peer: peerName, type: fc.constantFrom(...MESSAGES) })
  .map(({ peer, type }) => (swarm) => swarm.say(peer, type));

const begin: fc.Arbitrary<Move> = peerName.map((peer) => (swarm) => {
  const known = swarm.state.peers.get(peer);
  if (known === undefined) return;
  swarm.say(peer, known.task.fetchers.has(known) ? "back_to_source_started" : "started");
});

const register: fc.Arbitrary<Move> = fc.record({
  peer: peerName,
  task: taskName,
  host: hostName,
  flags: fc.nat(40),
}).map(({ peer, task, host, flags }) => (swarm) => {
  const wish = {
    needBackToSource: flags === 1,
    metadataOnly: flags === 2,
    disableBackToSource: flags === 3,
    ...(flags === 4 ? { range: { start: 0, length: 1 } } : {}),
    ...(flags === 5 ? { priority: 2 as const } : {}),
  };
  if (swarm.state.peers.get(peer)?.streamId === undefined) swarm.register(peer, wish, { task, host });
});

const reschedule: fc.Arbitrary<Move> = peerName.map((peer) => (swarm) => {
  const failedParentIds = [...swarm.state.peers.get(peer)?.parents ?? []].map(({ id }) => id);
  swarm.message(peer, { type: "reschedule", failedParentIds });
});

const piece: fc.Arbitrary<Move> = fc.record({
  peer: peerName,
  parent: peerName,
  costMs: fc.nat(5_000),
  ok: fc.boolean(),
})
  .map(({ peer, parent, costMs, ok }) => (swarm) => {
    const report = { number: 1, offset: 1, lengthBytes: 1, costMs, parentId: parent };
    if (ok) swarm.message(peer, { type: "piece_finished", piece: report });
    else swarm.message(peer, { type: "piece_failed", parentId: parent, temporary: true });
  });

const host: fc.Arbitrary<Move> = fc.record({
  host: hostName,
  isSeed: fc.boolean(),
  isShared: fc.boolean(),
  cutsAsAsked: fc.boolean(),
  idc: fc.constantFrom(...CENTERS),
}).map(({ host, ...facts }) => (swarm) => swarm.host(host, facts));

const trigger: fc.Arbitrary<Move> = fc.record({ host: hostName, taskId: taskName, how: fc.nat(2) })
  .map(({ host: hostId, taskId, how }) => (swarm) => {
    const event = { nowMs: swarm.nowMs, hostId, taskId };
    if (how === 0) swarm.apply({ type: "seed_trigger_ended", ...event });
    else {swarm.apply({
        type: "seed_trigger_failed",
        ...event,
        atSource: how === 1,
        isUnreachable: false,
        download: "again",
      });}
  });

const remove: fc.Arbitrary<Move> = fc.record({ hostId: hostName, taskId: taskName, peerId: peerName, how: fc.nat(2) })
  .map(({ hostId, taskId, peerId, how }) => (swarm) => {
    const { nowMs } = swarm;
    if (how === 0) swarm.apply({ type: "host_deleted", nowMs, hostId });
    else if (how === 1) swarm.apply({ type: "delete_task", nowMs, hostId, taskId });
    else swarm.apply({ type: "delete_peer", nowMs, peerId });
  });

const tick: fc.Arbitrary<Move> = fc.integer({ min: 200, max: 20_000 }).map((ms) => (swarm) => {
  swarm.nowMs += ms;
  swarm.apply({ type: "tick", nowMs: swarm.nowMs });
});

const move = fc.oneof(
  { arbitrary: register, weight: 8 },
  { arbitrary: begin, weight: 5 },
  { arbitrary: reschedule, weight: 3 },
  { arbitrary: piece, weight: 3 },
  { arbitrary: say, weight: 3 },
  { arbitrary: host, weight: 2 },
  { arbitrary: trigger, weight: 1 },
  { arbitrary: remove, weight: 1 },
  { arbitrary: tick, weight: 2 },
);

/** All peers below one, found by walking all edges. */
function descendantsOf(peer: Peer): Set<Peer> {
  const found = new Set<Peer>();
  const open = [peer];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const child of next.children) {
      if (!found.has(child)) open.push(child);
      found.add(child);
    }
  }
  return found;
}

/** Whether a root is above a peer, found by walking all edges. */
function isSupplied(peer: Peer): boolean {
  return isRoot(peer) || [...peer.parents].some(isSupplied);
}

/** The roots that could be parents of a peer. */
function rootsFor(peer: Peer): Peer[] {
  const descendants = descendantsOf(peer);
  return [...peer.task.roots].filter((root) => misfit(root, peer) === undefined && !descendants.has(root));
}

/** What the indices of a task hold is what a look at all of its peers finds. */
function checkSuppliers(task: Task): void {
  const peers = [...task.peers.values()];
  const isUnder = (peer: Peer) => peer.parents.size > 0 && ["ReceivedNormal", "Running"].includes(peer.state);
  for (const peer of peers) {
    const { host, isStranded } = peer;
    assert.equal(task.suppliers.has(peer), host.facts.isShared && (isRoot(peer) || (isUnder(peer) && !isStranded)));
    assert.equal(task.roots.has(peer), host.facts.isShared && isRoot(peer));
    assert.equal(task.hopes.has(peer), peer.sentToSourceAtMs !== undefined);
    if (isRoot(peer)) assert.equal(peer.isStranded, false);
    const grouped = task.suppliers.of(peer).find(({ peers }) => peers.has(peer));
    if (task.suppliers.has(peer)) assert.deepEqual(grouped?.offer, offerOf(peer));
    for (const child of peer.children) assert.ok(peer.level < child.level && peer.lowestChild <= child.level);
  }
  for (const idc of CENTERS) {
    const inside = peers.filter((peer) => task.suppliers.has(peer) && peer.host.facts.idc === idc);
    assertSame(task.suppliersByPlace.at(`idc ${idc}`) ?? [], idc === "" ? [] : inside);
  }
  assert.equal(task.suppliers.size, peers.filter((peer) => task.suppliers.has(peer)).length);
  assert.equal(task.roots.size, peers.filter((peer) => task.roots.has(peer)).length);
  assert.equal(task.hopes.size, peers.filter((peer) => task.hopes.has(peer)).length);
}

function checkGraph(state: State): void {
  for (const peer of state.peers.values()) {
    assert.equal(descendantsOf(peer).has(peer), false, `${peer.id} is below itself`);
    for (const parent of peer.parents) {
      assert.ok(parent.children.has(peer) && state.peers.get(parent.id) === parent);
      assert.ok(parent.task === peer.task && parent.host !== peer.host);
    }
    for (const child of peer.children) assert.ok(child.parents.has(peer));
  }
  for (const host of state.hosts.values()) {
    const children = [...host.peers].flatMap((peer) => [...peer.children]);
    const load = (child: Peer) => (child.wish.pieceLength ?? 0) * child.wish.concurrentPieces * 8;
    assert.equal(host.uploads, children.length);
    assert.equal(host.txBitsPerSecond, children.reduce((sum, child) => sum + load(child), 0));
    assert.equal(host.uploadPieces, children.reduce((sum, child) => sum + child.wish.concurrentPieces, 0));
    assert.equal(host.uploadBytes, children.reduce((sum, child) => sum + (child.wish.contentLength ?? 0), 0));
  }
}

/** By identity, for what is compared is full of cycles. */
function assertSame(actual: Iterable<unknown>, expected: Iterable<unknown>): void {
  const [a, b] = [new Set(actual), new Set(expected)];
  assert.ok(a.size === b.size && a.isSubsetOf(b));
}

/** The counts of a task are what a look at all of its peers finds. */
function checkSwarm(task: Task, { swarms }: State): void {
  const peers = [...task.peers.values()];
  const stages = ["waiting", "downloading", "atSource", "done", "failed"] as const;
  for (const stage of stages) {
    const inStage = peers.filter(({ trace }) => trace.stage === stage);
    assert.equal(task.swarm.counts[stage], inStage.length);
    for (const place of task.swarm.places.values()) {
      assert.equal(place.counts[stage], inStage.filter(({ trace }) => trace.place === place).length);
    }
  }
  const moves = peers.some(({ trace: { stage } }) => stage !== "done" && stage !== "failed");
  assert.equal(swarms.moving.has(task), moves);
  assert.ok(!(moves && swarms.stopped.has(task)));
}

function checkHost(host: Host, { tasks }: State): void {
  const peers = [...host.peers];
  assert.ok(host.peers.size <= LIMITS.peersPerHostMax && host.peersByTask.size <= LIMITS.tasksPerHostMax);
  assert.ok(host.streams <= LIMITS.streamsPerHostMax);
  assert.equal(host.streams, peers.filter(({ streamId }) => streamId !== undefined).length);
  assertSame([...host.peersByTask.values()].flat(), peers);
  for (const [task, ofTask] of host.peersByTask) assert.ok(ofTask.every((peer) => peer.task === task));
  assertSame(host.triggers, [...tasks.values()].filter(({ trigger }) => trigger?.host === host));
}

function checkSets(state: State): void {
  const { hosts, tasks, peers, limits, waitingTasks } = state;
  assert.equal(hasMore(state), false);
  assert.equal(state.waiters, [...tasks.values()].reduce((sum, task) => sum + task.waiters.size, 0));
  assertSame(state.seeds, [...hosts.values()].filter(({ facts }) => facts.isSeed));
  for (const host of hosts.values()) checkHost(host, state);
  assert.ok(hosts.size <= limits.hostsMax && tasks.size <= limits.tasksMax && peers.size <= limits.peersMax);
  assert.equal([...tasks.values()].reduce((sum, task) => sum + task.peers.size, 0), peers.size);
  assert.equal([...hosts.values()].reduce((sum, host) => sum + host.peers.size, 0), peers.size);
  for (const task of tasks.values()) {
    assert.ok(task.peers.size <= limits.peersPerTaskMax);
    assert.equal(waitingTasks.has(task), task.waiters.size > 0);
    checkSuppliers(task);
    checkSwarm(task, state);
    for (const peer of [...task.waiters, ...task.fetchers]) assert.equal(peers.get(peer.id), peer);
    for (const peer of task.waiters) {
      assert.ok(peer.streamId !== undefined && peer.parents.size === 0);
      assert.equal(rootsFor(peer).length, 0, `${peer.id} waits for nothing`);
    }
  }
}

function checkAnswers(effects: readonly Effect[], { settings }: State, rootsBefore: ReadonlySet<Peer>): void {
  for (const effect of effects) {
    if (effect.type !== "send") continue;
    const { peer, decision } = effect;
    if (decision.kind === "back_to_source" && !peer.wish.needBackToSource) {
      const others = rootsFor(peer).filter((root) => rootsBefore.has(root));
      assert.equal(others.length, 0, `${peer.id} was sent to the source although a root could serve it`);
    }
    if (decision.kind !== "from_parents") continue;
    const { parents } = decision;
    assert.ok(parents.length >= 1 && parents.length <= settings.candidateParentsMax);
    assert.equal(new Set(parents).size, parents.length);
    for (const parent of parents) {
      assert.ok(parent.host !== peer.host && !peer.blocked.has(parent.id));
      assert.ok(parent.wish.range === undefined || peer.wish.range !== undefined);
      assert.ok(isSupplied(parent), `${parent.id} has nothing for ${peer.id} and gets nothing`);
    }
  }
}

Deno.test("whatever happens, the graph has no cycle, its counters are right, and answers keep the rules", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 150, size: "max" }), fc.nat(), (moves, seed) => {
      const swarm = new Swarm(seededRandom(seed), { candidateParentsMax: 3, filterParentsMax: 4 }, LIMITS);
      for (const step of moves) {
        const roots = new Set([...swarm.state.tasks.values()].flatMap((task) => [...task.roots]));
        step(swarm);
        checkGraph(swarm.state);
        checkSets(swarm.state);
        checkAnswers(swarm.effects, swarm.state, roots);
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("whatever happened, everybody who waits is answered when time goes on", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 150, size: "max" }), fc.nat(), (moves, seed) => {
      const swarm = new Swarm(seededRandom(seed), {}, LIMITS);
      for (const step of moves) step(swarm);
      swarm.wait(WAIT_TIMEOUT_MS);
      assert.equal(swarm.state.waitingTasks.size, 0);
      for (const peer of swarm.state.peers.values()) {
        if (peer.state === "ReceivedNormal" && peer.streamId !== undefined) {
          assert.ok(peer.answers > 0, `${peer.id} heard nothing`);
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("as long as a fetcher begins, a burst costs the source one copy, whatever the order of messages", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(Array.from({ length: 30 }, (_, i) => i), { minLength: 2 }),
      fc.nat(),
      (order, seed) => {
        const swarm = new Swarm(seededRandom(seed));
        const chance = seededRandom(seed + 1);
        for (const index of order) {
          swarm.register(`p${index}`);
          const fetcher = swarm.told("back_to_source")[0] ?? "";
          if (chance.below(10) === 0 && swarm.peer(fetcher).state !== "BackToSource") {
            swarm.say(fetcher, "back_to_source_started");
          }
          swarm.nowMs += chance.below(60);
          swarm.apply({ type: "tick", nowMs: swarm.nowMs });
        }
        assert.equal(swarm.told("back_to_source").length, 1);
      },
    ),
  );
});
