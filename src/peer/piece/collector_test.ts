import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, planByRule } from "../../core/piece.ts";
import { Build, Host, Network, Peer } from "../../rpc/gen/common/v2/common.ts";
import type { SyncPiecesRequest, SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { type CollectOptions, type CollectorEvent, collectPieces } from "./collector.ts";
import { followHostLoads } from "./host_load.ts";
import { type Parent, parentOfPeer, type ParentRpc } from "./parent.ts";

const never = new AbortController().signal;
const PLAN = piecePlan(950, 100);

function parentNamed(peerId: string): Parent {
  const rpc = { hostname: "10.0.0.1", port: 4000 };
  return { peerId, hostId: `host-${peerId}`, rpc, network: undefined, cutsAsAsked: false };
}

function has(number: number, changes: Partial<SyncPiecesResponse> = {}): SyncPiecesResponse {
  const offset = number * 100;
  return { number, offset, length: Math.min(100, 950 - offset), ip: "10.0.0.9", tcpPort: 4005, ...changes };
}

type Script = (request: SyncPiecesRequest, signal: AbortSignal) => AsyncIterable<SyncPiecesResponse>;

function scripted(scripts: Readonly<Record<string, Script>>): ParentRpc {
  return {
    syncPieces: (parent, request, signal) => scripts[parent.peerId]?.(request, signal) ?? assert.fail(parent.peerId),
    syncHost: () => assert.fail("nobody asks for loads"),
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function optionsFor(parents: readonly string[], changes: Partial<CollectOptions> = {}): CollectOptions {
  return {
    ...{ hostId: "me", taskId: "ab".repeat(32), plan: PLAN, silenceTimeoutMs: 1000 },
    ...{ parents: parents.map(parentNamed), wanted: [1, 2, 9] },
    ...changes,
  };
}

function describe(event: CollectorEvent): string {
  if (event.kind === "parent_ended") return `${event.parent.peerId} ended ${event.error?.code ?? "well"}`;
  if (event.kind === "cut_otherwise") return `${event.parent.peerId} cuts ${event.plan.pieceLength}`;
  return `${event.parent.peerId} has ${event.number} at ${event.from.hostname}:${event.from.port}`;
}

async function collect(scripts: Readonly<Record<string, Script>>, changes: Partial<CollectOptions> = {}) {
  const events: string[] = [];
  const onEvent = (event: CollectorEvent) => void events.push(describe(event));
  const deps = { rpc: scripted(scripts), clock: new VirtualClock(), onEvent };
  await collectPieces(optionsFor(Object.keys(scripts), changes), deps, never);
  return events;
}

Deno.test("what parents have is told as it comes, each piece once, and a parent ends with the last wanted piece", async () => {
  const requests: SyncPiecesRequest[] = [];
  const events = await collect({
    async *a(request) {
      requests.push(request);
      yield has(1);
      yield has(1);
      yield has(5);
      yield has(9);
      await settle();
      yield has(2);
      assert.fail("nothing is wanted any more");
    },
    async *b() {
      await Promise.resolve();
      yield has(2);
    },
  });
  assert.deepEqual(events.filter((event) => event.startsWith("a")), [
    "a has 1 at 10.0.0.9:4005",
    "a has 9 at 10.0.0.9:4005",
    "a has 2 at 10.0.0.9:4005",
    "a ended well",
  ]);
  assert.deepEqual(events.filter((event) => event.startsWith("b")), ["b has 2 at 10.0.0.9:4005", "b ended well"]);
  assert.deepEqual(requests, [{ hostId: "me", taskId: "ab".repeat(32), interestedPieceNumbers: [1, 2, 9] }]);
});

Deno.test("a parent that cuts the content otherwise ends with its plan; only our own cut is named to parents", async () => {
  const plan = planByRule(9 << 20, "damselfly");
  const named: (number | undefined)[] = [];
  const rpc: ParentRpc = {
    async *syncPieces(_parent, _request, _signal, { pieceLength } = {}) {
      named.push(pieceLength);
      await Promise.resolve();
      yield { number: 2, offset: 8 << 20, length: 1 << 20, ip: "10.0.0.9", tcpPort: 4005 };
    },
    syncHost: () => assert.fail("nobody asks for loads"),
  };
  const events: string[] = [];
  const deps = {
    rpc,
    clock: new VirtualClock(),
    onEvent: (event: CollectorEvent) => void events.push(describe(event)),
  };
  for (const isOwnCut of [true, false]) await collectPieces(optionsFor(["a"], { plan, isOwnCut }), deps, never);
  assert.deepEqual(events, [1, 2].map(() => `a cuts ${4 << 20}`));
  assert.deepEqual(named, [512 << 10, undefined]);
});

Deno.test("a child waits its turn where it has somebody else to get pieces from", async () => {
  const waits: (boolean | undefined)[] = [];
  const rpc: ParentRpc = {
    // deno-lint-ignore require-yield -- it has nothing
    async *syncPieces(_parent, _request, _signal, { waitsItsTurn } = {}) {
      waits.push(waitsItsTurn);
      await Promise.resolve();
    },
    syncHost: () => assert.fail("nobody asks for loads"),
  };
  const deps = { rpc, clock: new VirtualClock(), onEvent: () => {} };
  for (const parents of [["a"], ["a", "b"]]) await collectPieces(optionsFor(parents), deps, never);
  assert.deepEqual(waits, [false, true, true]);
});

Deno.test("a parent that fails, lies or names no address ends, and the others go on", async () => {
  const lies: Partial<SyncPiecesResponse>[] = [
    { offset: 1 },
    { length: 99 },
    { number: 10, offset: 1000 },
    { ip: "example.com" },
    { tcpPort: undefined },
    { tcpPort: 70_000 },
  ];
  const scripts: Record<string, Script> = Object.fromEntries(lies.map((lie, index): [string, Script] => [
    `liar-${index}`,
    async function* () {
      await Promise.resolve();
      yield has(1, lie);
    },
  ]));
  const events = await collect({
    ...scripts,
    // deno-lint-ignore require-yield -- it fails before
    async *dead() {
      await Promise.resolve();
      throw new DamselflyError("unavailable", "nobody there");
    },
    async *good() {
      await settle();
      for (const number of [1, 2, 9]) yield has(number);
    },
  });
  assert.deepEqual(events.filter((event) => event.includes("ended")).sort(), [
    "dead ended unavailable",
    "good ended well",
    ...lies.map((_, index) => `liar-${index} ended data_loss`),
  ]);
  assert.equal(events.filter((event) => event.includes("has")).length, 3);
});

Deno.test("a parent that says nothing for the limit ends with a timeout; what it says starts the limit anew", async () => {
  const clock = new VirtualClock();
  const rpc = scripted({
    async *a(_request, signal) {
      await clock.sleep(900, signal);
      yield has(1);
      await clock.sleep(900, signal);
      yield has(2);
      await aborted(signal);
    },
  });
  const events: string[] = [];
  const onEvent = (event: CollectorEvent) => void events.push(describe(event));
  const collecting = collectPieces(optionsFor(["a"]), { rpc, clock, onEvent }, never);
  await clock.advance(4000);
  await collecting;
  assert.deepEqual(events.slice(1), ["a has 2 at 10.0.0.9:4005", "a ended timeout"]);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("the signal ends the streams of all parents, and the collecting with its reason", async () => {
  let ended = 0;
  const waiting: Script = async function* (_request, signal) {
    yield has(1);
    await aborted(signal).finally(() => ended += 1);
  };
  const events: string[] = [];
  const deps = {
    ...{ rpc: scripted({ a: waiting, b: waiting }), clock: new VirtualClock() },
    onEvent: (event: CollectorEvent) => void events.push(describe(event)),
  };
  const stop = new AbortController();
  const collecting = collectPieces(optionsFor(["a", "b"]), deps, stop.signal);
  await settle();
  const reason = new DamselflyError("cancelled", "enough");
  stop.abort(reason);
  await assert.rejects(collecting, (error) => error === reason);
  assert.equal(ended, 2);
  assert.equal(deps.clock.pendingTimers, 0);
  assert.deepEqual(events, ["a has 1 at 10.0.0.9:4005", "b has 1 at 10.0.0.9:4005"]);
  await assert.rejects(collectPieces(optionsFor(["a"]), deps, stop.signal), (error) => error === reason);
});

Deno.test("a candidate parent without an address that can be connected to is none", () => {
  const host = Host.create({ id: "h", ip: "10.0.0.1", port: 4000 });
  const peer = Peer.create({ id: "p", host });
  assert.deepEqual(parentOfPeer(peer)?.rpc, { hostname: "10.0.0.1", port: 4000 });
  const wrong = [{ ip: "node-1" }, { ip: "" }, { port: 0 }, { port: 65_536 }];
  for (const changes of wrong) assert.equal(parentOfPeer({ ...peer, host: { ...host, ...changes } }), undefined);
  assert.equal(parentOfPeer({ ...peer, host: undefined }), undefined);
  assert.equal(parentOfPeer({ ...peer, id: "" }), undefined);
});

Deno.test("a candidate parent is known as one of our make by what its host says that it was built for", () => {
  const host = Host.create({ id: "h", ip: "10.0.0.1", port: 4000, build: Build.create({ gitVersion: "1.5.1" }) });
  const isOurs = (build: Partial<Build>) => {
    return parentOfPeer(Peer.create({ id: "p", host: { ...host, build: Build.create(build) } }))?.cutsAsAsked;
  };
  assert.deepEqual([isOurs({ platform: "damselfly" }), isOurs({ platform: "linux" }), isOurs({})], [
    true,
    false,
    false,
  ]);
  assert.equal(parentOfPeer(Peer.create({ id: "p", host }))?.cutsAsAsked, false);
});

Deno.test("the weight of a parent follows what it says of its load, and stays when it says no more", async () => {
  const loads = Promise.withResolvers<void>();
  const log = new MemoryLog();
  const rpc: ParentRpc = {
    syncPieces: () => assert.fail("nobody asks for pieces"),
    async *syncHost(parent, _request, signal) {
      await loads.promise;
      yield Host.create({ network: Network.create({ maxTxBandwidth: 1000, txBandwidth: 300 }) });
      if (parent.peerId === "a") throw new DamselflyError("unavailable", "gone");
      await aborted(signal);
    },
  };
  const clock = new VirtualClock();
  const known = { ...parentNamed("a"), network: Network.create({ maxTxBandwidth: 500 }) };
  await using weights = followHostLoads({ hostId: "me", peerId: "p", parents: [known, parentNamed("b")] }, {
    ...{ rpc, log, clock },
  });
  assert.deepEqual(["a", "b", "c"].map((id) => weights.weightOf(id)), [500, 1e10, 1e10]);
  assert.equal(weights.isHeard("a", 1e9), false);
  loads.resolve();
  await settle();
  assert.deepEqual(["a", "b"].map((id) => weights.weightOf(id)), [700, 700]);
  await clock.advance(999);
  assert.deepEqual([1_000, 999].map((withinMs) => weights.isHeard("b", withinMs)), [true, false]);
});
