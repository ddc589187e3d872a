import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import { blob, FakeSource, NEVER, PIECE, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";

const MIB = 1024 * 1024;
const CONTENT = blob(20 * PIECE + 500);

function fromParents(...parents: Peer[]): Decision {
  return { kind: "from_parents", parents };
}

function toSource(): Decision {
  return { kind: "back_to_source", description: "" };
}

/** Answers one after the other; then the stream is closed. */
function inTurn(...decisions: (() => Decision)[]): () => Decision | undefined {
  return () => decisions.shift()?.();
}

/** Waits forever, but for the signal. */
function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** A node that has all of the content. */
async function seed(swarm: Swarm, content = CONTENT): Promise<SwarmNode> {
  const node = await SwarmNode.start(swarm, { source: new FakeSource(content) });
  await node.pull(requestFor(content));
  return node;
}

Deno.test("a blob that a parent has costs the source nothing", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(parent)) });
  await using handle = await child.tasks.open(requestFor(CONTENT), NEVER);
  assert.deepEqual(await readAll(handle), CONTENT);
  assert.deepEqual(await handle.sealed, { backToSource: 0, remotePeer: CONTENT.length, localPeer: 0 });
  assert.equal(source.reads.length, 0);
  assert.equal(swarm.fetches, 21);
  await child.tasks[Symbol.asyncDispose]();
  const kinds = child.control.kinds();
  assert.deepEqual(kinds.slice(0, 2), ["register", "started"]);
  assert.equal(kinds.filter((kind) => kind === "piece_finished").length, 21);
  assert.equal(kinds.at(-1), "finished");
  assert.equal(child.control.announced.length, 0);
});

Deno.test("children follow a parent that is still downloading, and the source gives one copy to all", async () => {
  const swarm = new Swarm();
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = (position) => position >= 7 * PIECE ? gate.promise : undefined;
  await using first = await SwarmNode.start(swarm, { source, decide: toSource });
  await using _held = await first.tasks.open(requestFor(CONTENT), NEVER);
  const nodes: SwarmNode[] = [];
  for (let i = 0; i < 3; i++) {
    const before = [first, ...nodes];
    nodes.push(
      await SwarmNode.start(swarm, { source, decide: () => fromParents(...before.map((n) => swarm.peer(n))) }),
    );
  }
  const pulls = nodes.map((node) => node.pull(requestFor(CONTENT)));
  await settle();
  gate.resolve();
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, CONTENT);
  assert.equal(source.reads.length, 1);
  for (const node of nodes) await node[Symbol.asyncDispose]();
});

Deno.test("a host that stops gives up at once what it is fetching, though its parent is silent", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const asked = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  parent.behaviour.onFetch = (_, signal) => {
    asked.resolve();
    signal.addEventListener("abort", () => given.resolve(), { once: true });
    return hang(signal);
  };
  const source = new FakeSource(CONTENT);
  const child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(parent)) });
  const pull = assert.rejects(child.pull(requestFor(CONTENT)), { code: "cancelled" });
  await asked.promise;
  await child[Symbol.asyncDispose]();
  await given.promise;
  await pull;
});

Deno.test("a parent that dies in the middle is replaced by another one", async () => {
  const swarm = new Swarm();
  await using dies = await seed(swarm);
  await using lives = await seed(swarm);
  dies.behaviour.onFetch = (number) => {
    if (number % 3 === 0) throw new DamselflyError("unavailable", "Connection reset");
  };
  const source = new FakeSource(CONTENT);
  const peers = () => fromParents(swarm.peer(dies), swarm.peer(lives));
  await using child = await SwarmNode.start(swarm, { source, decide: peers });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.equal(source.reads.length, 0);
});

Deno.test("when all parents are gone, others are asked for by naming those exactly, and got", async () => {
  const swarm = new Swarm();
  await using dies = await seed(swarm);
  await using lives = await seed(swarm);
  let left = 5;
  dies.behaviour.onFetch = () => {
    if (left-- <= 0) throw new DamselflyError("unavailable", "Connection reset");
  };
  const source = new FakeSource(CONTENT);
  const given = swarm.peer(dies);
  const decide = inTurn(() => fromParents(given), () => fromParents(swarm.peer(lives)));
  await using child = await SwarmNode.start(swarm, { source, decide });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.equal(source.reads.length, 0);
  const reschedule = child.control.events.find((event) => event.kind === "reschedule");
  assert.ok(reschedule?.kind === "reschedule");
  assert.equal(reschedule.parents[0], given);
  assert.ok(child.control.kinds().includes("piece_failed"));
});

Deno.test("what the parents cannot give comes from the source, and only that", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.onFetch = (number) => {
    if (number >= 15) throw new DamselflyError("not_found", "No such piece");
  };
  const source = new FakeSource(CONTENT);
  const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual(source.reads.map(({ range }) => range), [{ start: 15 * PIECE, end: CONTENT.length }]);
});

Deno.test("when the scheduler's rounds are used up, the rest comes from the source without it", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.onFetch = (number) => {
    if (number === 4) throw new DamselflyError("not_found", "No such piece");
  };
  const source = new FakeSource(CONTENT);
  const decide = () => fromParents(swarm.peer(parent));
  await using child = await SwarmNode.start(swarm, { source, decide, options: { maxScheduleCount: 3 } });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  await child.tasks[Symbol.asyncDispose]();
  assert.deepEqual(source.reads.map(({ range }) => range), [{ start: 4 * PIECE, end: 5 * PIECE }]);
  const kinds = child.control.kinds();
  assert.equal(kinds.filter((kind) => kind === "reschedule").length, 2);
  assert.equal(kinds.at(-1), "failed");
  assert.equal(child.control.announced.length, 1);
});

Deno.test("a mute parent costs the stall limit, not the pull", async () => {
  for (const at of ["onSync", "onFetch"] as const) {
    const clock = new VirtualClock();
    const swarm = new Swarm();
    await using parent = await seed(swarm);
    if (at === "onSync") parent.behaviour.onSync = hang;
    else parent.behaviour.onFetch = (_, signal) => hang(signal);
    const source = new FakeSource(CONTENT);
    const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
    await using child = await SwarmNode.start(swarm, { source, decide, clock });
    const pull = child.pull(requestFor(CONTENT));
    let isDone = false;
    pull.then(() => isDone = true);
    while (!isDone && clock.now() < 10_000) await clock.advance(250);
    assert.deepEqual(await pull, CONTENT);
    assert.ok(clock.now() <= 6_500, `${at}: ${clock.now()} ms`);
  }
});

Deno.test("a parent that lives and waits for its own first piece is waited for, but not without end", async () => {
  for (const [beginsMs, reads] of [[15_000, 0], [60_000, 1]] as const) {
    const clock = new VirtualClock();
    const swarm = new Swarm();
    const late = new FakeSource(CONTENT);
    late.onBlock = (_, signal) => clock.now() < beginsMs ? clock.sleep(beginsMs - clock.now(), signal) : undefined;
    await using parent = await SwarmNode.start(swarm, { source: late, decide: toSource, clock });
    parent.behaviour.tellsLoad = true;
    await using _held = await parent.tasks.open(requestFor(CONTENT), NEVER);
    const source = new FakeSource(CONTENT);
    const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
    await using child = await SwarmNode.start(swarm, { source, clock, decide });
    const pull = child.pull(requestFor(CONTENT));
    let isDone = false;
    pull.then(() => isDone = true);
    while (!isDone && clock.now() < 30_000) await clock.advance(250);
    assert.deepEqual(await pull, CONTENT);
    assert.equal(source.reads.length, reads);
    assert.ok(clock.now() >= Math.min(beginsMs, 20_000) && clock.now() < 22_000, `${clock.now()} ms`);
  }
});

Deno.test("a parent that is fed slowly is not given up while it moves", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const slow = new FakeSource(CONTENT);
  slow.onBlock = (position, signal) => clock.sleep(1_000 + position / 20, signal);
  await using parent = await SwarmNode.start(swarm, { source: slow, decide: toSource, clock });
  await using _held = await parent.tasks.open(requestFor(CONTENT), NEVER);
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, clock, decide: () => fromParents(swarm.peer(parent)) });
  const pull = child.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 200_000) await clock.advance(500);
  assert.deepEqual(await pull, CONTENT);
  assert.equal(source.reads.length, 0);
});

Deno.test("a piece that takes far longer than the others is fetched from another parent", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using trickles = await seed(swarm);
  await using good = await seed(swarm);
  let slowFetches = 0;
  trickles.behaviour.onFetch = (number, signal) => {
    if (number !== 20) return;
    slowFetches++;
    return hang(signal);
  };
  good.behaviour.onFetch = (number) => {
    if (number === 20 && slowFetches === 0) throw new DamselflyError("timeout", "Busy");
  };
  const source = new FakeSource(CONTENT);
  const decide = inTurn(() => fromParents(swarm.peer(trickles), swarm.peer(good)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide, clock });
  const pull = child.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 20_000) await clock.advance(250);
  assert.deepEqual(await pull, CONTENT);
  assert.ok(clock.now() <= 8_000, `${clock.now()} ms`);
});

Deno.test("a parent that trickles is given up, though it never falls silent", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.onByte = (signal) => clock.sleep(1_000, signal);
  const source = new FakeSource(CONTENT);
  const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide, clock });
  const pull = child.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 300_000) await clock.advance(1_000);
  assert.deepEqual(await pull, CONTENT);
  assert.ok(clock.now() < 60_000, `${clock.now()} ms`);
});

Deno.test("a piece that takes longer than the others is not given up while its only parent still sends it", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const content = blob(40 * MIB);
  const request = requestFor(content, { pieceLength: 4 * MIB });
  const source = new FakeSource(content);
  source.blockBytes = MIB;
  await using parent = await SwarmNode.start(swarm, { source });
  await parent.pull(request);
  source.reads.length = 0;
  parent.behaviour.onSlice = (number, signal) => clock.sleep(number === 9 ? 3_000 : 1, signal);
  const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide, clock });
  const pull = child.pull(request);
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 60_000) await clock.advance(250);
  assert.deepEqual(await pull, content);
  assert.deepEqual([source.reads.length, clock.now() >= 12_000], [0, true]);
});

Deno.test("a parent that lies is found, reported and banned, and the pull gets the right bytes", async () => {
  const swarm = new Swarm();
  await using liar = await seed(swarm);
  await using honest = await seed(swarm);
  liar.behaviour.lie = (_, bytes) => bytes.map((byte) => byte ^ 1);
  const source = new FakeSource(CONTENT);
  const decide = () => fromParents(swarm.peer(liar), swarm.peer(honest));
  await using child = await SwarmNode.start(swarm, { source, decide });
  await using handle = await child.tasks.open(requestFor(CONTENT), NEVER);
  await handle.sealed;
  assert.deepEqual(await readAll(handle), CONTENT);
  assert.equal(source.reads.length, 1);
  const warned = child.runtime.log.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(warned.map(({ fields }) => fields["hostId"]), [liar.control.hostId]);
  const failed = child.control.events.filter((event) => event.kind === "piece_failed");
  assert.deepEqual(failed.map((event) => event.kind === "piece_failed" && event.parentId), [swarm.peer(liar).id]);
  assert.equal(child.runtime.metrics.value("dragonfly_client_parent_banned_total"), 1);

  // The next task does not touch the liar, though the scheduler proposes it again.
  const other = blob(5 * PIECE, 9);
  for (const node of [liar, honest]) await fill(node, other);
  liar.behaviour.onFetch = () => assert.fail("the liar was asked");
  assert.deepEqual(await child.pull(requestFor(other, { stat: stat(other) })), other);
});

Deno.test("a parent whose bytes are not what it says itself is given up with the first piece", async () => {
  const swarm = new Swarm();
  await using garbling = await seed(swarm);
  garbling.behaviour.garble = (bytes) => bytes.map((byte) => byte ^ 1);
  const source = new FakeSource(CONTENT);
  const options = { concurrentPieceCount: 1 };
  const decide = inTurn(() => fromParents(swarm.peer(garbling)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide, options });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual([swarm.fetches, source.reads.length], [1, 1]);
});

Deno.test("a reader who was given wrong bytes is told so, one who was not goes on", async () => {
  const swarm = new Swarm();
  await using liar = await seed(swarm);
  liar.behaviour.lie = (number, bytes) => number === 3 ? bytes.map((byte) => byte ^ 1) : bytes;
  const gate = Promise.withResolvers<void>();
  liar.behaviour.onFetch = (number) => number === 20 ? gate.promise : undefined;
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(liar)) });
  await using handle = await child.tasks.open(requestFor(CONTENT), NEVER);
  const fooled = handle.read({ start: 0, end: CONTENT.length }).getReader({ mode: "byob" });
  const lucky = handle.read({ start: 5 * PIECE, end: CONTENT.length }).getReader({ mode: "byob" });
  let given = 0;
  while (given < 4 * PIECE) given += (await fooled.read(new Uint8Array(4 * PIECE - given))).value?.length ?? 0;
  const start = await lucky.read(new Uint8Array(PIECE));
  assert.deepEqual(start.value, CONTENT.slice(5 * PIECE, 5 * PIECE + (start.value?.length ?? 0)));
  gate.resolve();
  await assert.rejects(
    (async () => {
      while (!(await fooled.read(new Uint8Array(64 * 1024))).done);
    })(),
    { code: "data_loss" },
  );
  let rest = start.value?.length ?? 0;
  for (
    let step = await lucky.read(new Uint8Array(65_536));
    !step.done;
    step = await lucky.read(new Uint8Array(65_536))
  ) {
    assert.deepEqual(step.value, CONTENT.slice(5 * PIECE + rest, 5 * PIECE + rest + step.value.length));
    rest += step.value.length;
  }
  assert.equal(rest, CONTENT.length - 5 * PIECE);
});

Deno.test("when the source itself has other bytes, nobody is banned and nothing is kept", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.lie = (_, bytes) => bytes.map((byte) => byte ^ 1);
  const source = new FakeSource(CONTENT.map((byte) => byte ^ 2));
  await using child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(parent)) });
  await assert.rejects(child.pull(requestFor(CONTENT)), { code: "data_loss", message: /source's own bytes/ });
  assert.equal(child.storage.find(requestFor(CONTENT).taskId), undefined);
  assert.equal(child.runtime.metrics.value("dragonfly_client_parent_banned_total"), 0);
});

Deno.test("a parent whose bytes do not have the checksum it states is not asked again in the round", async () => {
  const swarm = new Swarm();
  await using broken = await seed(swarm);
  await using good = await seed(swarm);
  broken.behaviour.onFetch = () => {
    throw new DamselflyError("data_loss", "Digest mismatch");
  };
  const source = new FakeSource(CONTENT);
  const decide = () => fromParents(swarm.peer(broken), swarm.peer(good));
  await using child = await SwarmNode.start(swarm, { source, decide });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.equal(source.reads.length, 0);
});

Deno.test("a parent that calls our requests wrong is one more that fails, and the pull goes on without it", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.onFetch = () => {
    throw new DamselflyError("invalid_argument", "Cannot get the piece: the parent says no");
  };
  const source = new FakeSource(CONTENT);
  const decide = inTurn(() => fromParents(swarm.peer(parent)), toSource);
  await using child = await SwarmNode.start(swarm, { source, decide });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
});

Deno.test("a task that is deleted while parents give pieces fails the download, and nothing else", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(parent)) });
  const request = requestFor(CONTENT);
  let fetches = 0;
  parent.behaviour.onFetch = async () => {
    if (++fetches === 1) await child.storage.delete(request.taskId);
  };
  await assert.rejects(child.pull(request), { code: "not_found" });
  assert.equal(source.reads.length, 0);
  parent.behaviour.onFetch = () => {};
  assert.deepEqual(await child.pull(request), CONTENT);
});

Deno.test("a full disk fails the download and is not blamed on a parent", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  parent.behaviour.onFetch = () => {
    throw new DamselflyError("no_space", "Cannot write: ENOSPC");
  };
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, decide: () => fromParents(swarm.peer(parent)) });
  await assert.rejects(child.pull(requestFor(CONTENT)), { code: "no_space" });
  assert.ok(!child.control.kinds().includes("piece_failed"));
});

Deno.test("a peer that names no address, or is this host itself, is no parent", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source });
  const nameless = { ...swarm.peer(parent), host: undefined };
  child.control.decide = inTurn(() => fromParents(nameless, swarm.peer(child)), toSource);
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.equal(swarm.fetches, 0);
});

Deno.test("the first piece of a parent has its line to itself, until it is there", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const [underWay, most] = [new Set<number>(), [] as number[]];
  parent.behaviour.onFetch = async (number) => {
    underWay.add(number);
    most.push(underWay.size);
    await settle();
    underWay.delete(number);
  };
  const clock = new VirtualClock(); // in which no time passes
  const decide = () => fromParents(swarm.peer(parent));
  await using child = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), decide, clock });
  assert.deepEqual(await child.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual([most[0], most[1], Math.max(...most)], [1, 1, 4]);
});

Deno.test("a parent whose first piece is slow to come is asked for others after 50 ms", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const first = Promise.withResolvers<void>();
  const asked: number[] = [];
  parent.behaviour.onFetch = (number) => {
    asked.push(number);
    return asked.length === 1 ? first.promise : undefined;
  };
  const clock = new VirtualClock();
  const decide = () => fromParents(swarm.peer(parent));
  await using child = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), decide, clock });
  await using handle = await child.tasks.open(requestFor(CONTENT), NEVER);
  for (let turn = 0; turn < 20; turn++) await settle();
  await clock.advance(49);
  assert.equal(asked.length, 1);
  await clock.advance(1);
  assert.equal(asked.length, 21); // all of them
  first.resolve();
  assert.deepEqual(await readAll(handle), CONTENT);
});

Deno.test("the pieces that a reader waits for come first", async () => {
  const swarm = new Swarm();
  await using parent = await seed(swarm);
  const order: number[] = [];
  parent.behaviour.onFetch = async (number) => {
    order.push(number);
    await settle();
  };
  const source = new FakeSource(CONTENT);
  const registered = Promise.withResolvers<void>();
  const decide = () => registered.promise.then(() => fromParents(swarm.peer(parent)));
  await using child = await SwarmNode.start(swarm, { source, decide, options: { concurrentPieceCount: 1 } });
  await using handle = await child.tasks.open(requestFor(CONTENT), NEVER);
  const reader = handle.read({ start: 12 * PIECE, end: CONTENT.length }).getReader();
  const first = reader.read();
  registered.resolve();
  await first;
  await reader.cancel();
  await handle.sealed;
  assert.ok(order.indexOf(12) <= 1, `order: ${order}`);
});

Deno.test("a source that fails while parents are gone too is the requester's answer", async () => {
  const swarm = new Swarm();
  const source = new FakeSource(CONTENT);
  source.onRead = () => {
    throw sourceError({ status: 429, headers: { "retry-after": "7" } });
  };
  await using child = await SwarmNode.start(swarm, { source, decide: toSource });
  const error = await child.pull(requestFor(CONTENT)).catch((error) => error);
  assert.deepEqual([error.code, error.details.headers], ["source_error", { "retry-after": "7" }]);
  await child.tasks[Symbol.asyncDispose]();
  assert.equal(child.control.kinds().at(-1), "back_to_source_failed");
});

function stat(content: Uint8Array) {
  return { contentLength: content.length, acceptsRanges: true, responseHeaders: {} };
}

/** Puts a content into a node's storage, as an earlier run would have left it. */
async function fill(node: SwarmNode, content: Uint8Array): Promise<void> {
  const { taskId, digest } = requestFor(content);
  if (digest === undefined) return;
  const pieceCount = Math.ceil(content.length / PIECE);
  const plan = { contentLength: content.length, pieceLength: PIECE, pieceCount };
  const stored = await node.storage.open({ taskId, url: "http://registry/b", plan, digest, responseHeaders: {} });
  for (let number = 0; number < pieceCount; number++) {
    using writer = stored.openPiece(number);
    await writer?.write(content.slice(number * PIECE, (number + 1) * PIECE));
    await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1 });
  }
  await stored.seal(NEVER);
}

Deno.test("mates that have nothing to give are no reason to wait, though they live", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const late = new FakeSource(CONTENT);
  late.onBlock = (_, signal) => clock.sleep(60_000, signal);
  await using mate = await SwarmNode.start(swarm, { source: late, decide: toSource, clock });
  mate.behaviour.tellsLoad = true;
  await using _held = await mate.tasks.open(requestFor(CONTENT), NEVER);
  const source = new FakeSource(CONTENT);
  const decide = inTurn(() => fromParents({ ...swarm.peer(mate), task: undefined }), toSource);
  await using child = await SwarmNode.start(swarm, { source, clock, decide });
  const pull = child.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone && clock.now() < 30_000) await clock.advance(250);
  assert.deepEqual(await pull, CONTENT);
  assert.ok(clock.now() < 10_000, `${clock.now()} ms`);
});

Deno.test("when a parent dies, others that only wait for it are not waited for, nor blamed", async () => {
  const clock = new VirtualClock();
  const swarm = new Swarm();
  const hangsFrom = (bytes: number) => {
    const source = new FakeSource(CONTENT);
    source.onBlock = (position, signal) => position >= bytes ? clock.sleep(60_000, signal) : undefined;
    return source;
  };
  await using dies = await SwarmNode.start(swarm, { source: hangsFrom(3 * PIECE), decide: toSource, clock });
  await using waits = await SwarmNode.start(swarm, { source: hangsFrom(0), decide: toSource, clock });
  await using lives = await seed(swarm);
  for (const node of [dies, waits]) {
    node.behaviour.tellsLoad = true;
    void node.tasks.open(requestFor(CONTENT), NEVER);
  }
  const [first, second] = [swarm.peer(dies), swarm.peer(waits)];
  const decide = inTurn(() => fromParents(first, second), () => fromParents(swarm.peer(lives)));
  const source = new FakeSource(CONTENT);
  await using child = await SwarmNode.start(swarm, { source, clock, decide });
  const pull = child.pull(requestFor(CONTENT));
  await clock.advance(1_000);
  assert.equal(child.control.kinds().filter((kind) => kind === "piece_finished").length, 3);
  await dies[Symbol.asyncDispose]();
  await clock.advance(1_500);
  assert.deepEqual(await pull, CONTENT);
  const reschedule = child.control.events.find((event) => event.kind === "reschedule");
  assert.deepEqual(reschedule?.kind === "reschedule" && reschedule.parents.map(({ id }) => id), [first.id]);
  assert.equal(source.reads.length, 0);
});
