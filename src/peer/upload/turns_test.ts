import assert from "node:assert/strict";
import { LookCounter } from "../../testing/look_counter.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { StoredTask } from "../storage/storage.ts";
import { type Turn, Turns } from "./turns.ts";

/** A task of which the odd pieces from 101 on came from a parent, and all others from the source. */
const TASK = {
  piece: (number: number) => ({ trafficType: number > 100 && number % 2 === 1 ? "remote_peer" : "back_to_source" }),
} as unknown as StoredTask;
/** Pieces that are told and not sent yet. */
const AT_ONCE = 12;
const PIECES = Array.from({ length: 40 }, (_, number) => number);

function stage(children: number, come: readonly number[] = PIECES) {
  const clock = new VirtualClock();
  const turns = new Turns(clock);
  const joined = Array.from({ length: children }, () => turns.join(TASK));
  const first = joined.map((turn) => turn.sort(come));
  return { clock, turns, joined, first, end: () => joined.forEach((turn) => turn[Symbol.dispose]()) };
}

/** What children are told of since they were looked at last. */
function due(joined: readonly Turn[]): number[] {
  return joined.flatMap((turn) => turn.sort([]));
}

type Scene = ReturnType<typeof stage>;

/** Sends what was told, and what is told then, until nobody is told of more; gives all of it. */
function sendAll({ turns, joined }: Scene, first: readonly number[]): number[] {
  const all: number[] = [];
  for (let told = first; told.length > 0; told = due(joined)) {
    all.push(...told);
    const sending = told.map((number) => turns.sending(TASK, number));
    for (const end of sending) end?.[Symbol.dispose]();
  }
  return all;
}

Deno.test("each piece of the source is told to one child, and to the others when it had time to spread", async () => {
  const scene = stage(4);
  const told = sendAll(scene, scene.first.flat());
  assert.deepEqual(told.toSorted((a, b) => a - b), PIECES);
  await scene.clock.advance(450);
  assert.deepEqual(due(scene.joined), []);
  await scene.clock.advance(100);
  assert.equal(due(scene.joined).length, 3 * PIECES.length);
  assert.ok(scene.joined.every(({ isOver }) => isOver));
  scene.end();
});

Deno.test("children take turns, and no more pieces are told than can be sent soon", () => {
  const { turns, joined, first, end } = stage(4);
  assert.deepEqual(first.map(({ length }) => length), [AT_ONCE, 0, 0, 0]);
  const order = first[0]?.slice(0, 6).map((number) => {
    turns.sending(TASK, number)?.[Symbol.dispose]();
    return joined.findIndex((turn) => turn.sort([]).length === 1);
  });
  assert.deepEqual(order, [1, 2, 3, 0, 1, 2]);
  end();
});

Deno.test("nobody is told a second time while somebody may be told of something new", async () => {
  const { clock, turns, joined, first, end } = stage(2);
  const told = first.flat();
  for (const number of told) turns.sending(TASK, number);
  await clock.advance(5_000);
  assert.equal(told.length, AT_ONCE);
  assert.deepEqual(due(joined), []);
  end();
});

Deno.test("what came from a parent is told to all children at once", () => {
  const { first, end } = stage(3, [101, 103]);
  assert.deepEqual(first, [[101, 103], [101, 103], [101, 103]]);
  end();
});

Deno.test("a piece that is being sent counts until it is sent", () => {
  const { turns, joined, first: [told = []], end } = stage(1);
  const sending = told.map((number) => turns.sending(TASK, number));
  assert.deepEqual(due(joined), []);
  assert.equal(turns.sending(TASK, told[0] as number), undefined, "who asks for it besides does not count");
  sending[0]?.[Symbol.dispose]();
  assert.equal(due(joined).length, 1);
  end();
});

Deno.test("a child that does not ask for what it was told holds up nobody for long", async () => {
  const { clock, joined, first: [told = []], end } = stage(1);
  assert.equal(told.length, AT_ONCE);
  await clock.advance(190);
  assert.deepEqual(due(joined), []);
  await clock.advance(20);
  assert.equal(due(joined).length, AT_ONCE);
  end();
});

Deno.test("a child that leaves makes room, and the last one leaves no timer and nothing told", () => {
  const { clock, turns, joined: [first, second] } = stage(2) as Scene & { joined: [Turn, Turn] };
  first[Symbol.dispose]();
  assert.equal(second.sort([]).length, AT_ONCE);
  second[Symbol.dispose]();
  assert.equal(clock.pendingTimers, 0);
  const next = turns.join(TASK);
  assert.deepEqual(next.sort(PIECES), PIECES.slice(0, AT_ONCE), "nothing counts as told");
  assert.equal(clock.pendingTimers, 1);
  next[Symbol.dispose]();
});

Deno.test("whoever waits for a turn is woken by it", async () => {
  const { turns, joined: [turn], first: [told = []] } = stage(1) as Scene & { joined: [Turn] };
  const woken = turn.next();
  turns.sending(TASK, told[0] as number)?.[Symbol.dispose]();
  await woken;
  assert.equal(turn.sort([]).length, 1);
  turn[Symbol.dispose]();
});

Deno.test("a child to which a piece comes late is told of it when the others were, as one that joins later is", async () => {
  const scene = stage(2, [0]);
  const { clock, turns, joined: [first] } = scene as Scene & { joined: [Turn] };
  assert.deepEqual(sendAll(scene, scene.first.flat()), [0]);
  await clock.advance(600);
  assert.deepEqual(due(scene.joined), [0]);
  sendAll(scene, first.sort([1]));
  await clock.advance(600);
  const later = turns.join(TASK);
  const [slow] = scene.joined.slice(1) as [Turn];
  assert.deepEqual([slow.sort([1]), later.sort([0, 1])], [[1], [0, 1]]);
  assert.ok(slow.isOver && later.isOver);
  later[Symbol.dispose]();
  scene.end();
});

Deno.test("who was told longest ago is told next, though others have heard of the new piece before him", () => {
  const { turns, joined, end } = stage(3, []);
  const [blocker] = joined as [Turn];
  for (const number of PIECES.slice(-AT_ONCE)) blocker.sort([number]);
  for (const turn of joined.toReversed()) turn.sort([1, 2, 3]);
  const order = PIECES.slice(-3).map((number) => {
    turns.sending(TASK, number)?.[Symbol.dispose]();
    return joined.findIndex((turn) => turn.sort([]).length === 1);
  });
  assert.deepEqual(order, [1, 2, 0]);
  end();
});

Deno.test("a piece costs a look or a few for each of 10,000 children, and none where nothing is to be told", async () => {
  const children = 10_000;
  const { clock, turns, joined, end } = stage(children, []);
  using counter = new LookCounter();
  const looksOf = async (run: () => void | Promise<void>) => {
    const before = counter.looks;
    await run();
    return counter.looks - before;
  };
  const coming = await looksOf(() => {
    for (const turn of joined) turn.sort([0, 1, 2, 3]);
  });
  const waiting = await looksOf(() => clock.advance(400));
  const sent = await looksOf(() => [0, 1, 2, 3].forEach((number) => turns.sending(TASK, number)?.[Symbol.dispose]()));
  const spreading = await looksOf(() => clock.advance(200));
  assert.ok(joined.slice(1).every((turn) => turn.sort([]).length === 4), "all were told");
  assert.ok(coming <= 40 * children, `${coming} looks for pieces that come`);
  assert.ok(waiting <= 2_000 && sent <= 2_000, `${waiting} and ${sent} looks for nothing`);
  assert.ok(spreading <= 4 * children, `${spreading} looks for telling all`);
  end();
});

Deno.test("what takes long to send has as much more time to spread, but not without end", async () => {
  for (const [sendMs, notBeforeMs, byMs] of [[10, 450, 550], [250, 3_000, 4_100], [2_500, 9_900, 10_100]] as const) {
    const scene = stage(2, PIECES.slice(0, AT_ONCE));
    const { clock, turns, joined } = scene;
    const sending = scene.first.flat().map((number) => turns.sending(TASK, number));
    await clock.advance(sendMs);
    for (const end of sending) end?.[Symbol.dispose]();
    await clock.advance(notBeforeMs - sendMs);
    assert.deepEqual(due(joined), [], `sent in ${sendMs} ms`);
    await clock.advance(byMs - notBeforeMs);
    assert.equal(due(joined).length, AT_ONCE, `sent in ${sendMs} ms`);
    scene.end();
  }
});

Deno.test("what a slow child was told of another one hears of too, and the slow one of nothing new until it has that", async () => {
  const come = Array.from({ length: 100 }, (_, number) => number);
  const { clock, turns, joined, first, end } = stage(3, come);
  const [slow = -1, ...others] = first[0] as number[];
  const sending = turns.sending(TASK, slow);
  const sends = others.map((number) => turns.sending(TASK, number));
  await clock.advance(10);
  for (const sent of sends) sent?.[Symbol.dispose]();
  const toldOf = (child: number) => joined[child]?.sort([]) ?? [];
  assert.ok(toldOf(0).length > 0, "10 ms are no long time");
  await clock.advance(150);
  assert.ok(![...toldOf(1), ...toldOf(2)].includes(slow));
  await clock.advance(90);
  const [one, two] = [toldOf(1), toldOf(2)];
  assert.equal([...one, ...two].filter((number) => number === slow).length, 1);
  const again = turns.sending(TASK, slow);
  toldOf(0);
  await clock.advance(250);
  assert.deepEqual(toldOf(0), []);
  assert.ok(toldOf(1).length > 0);
  assert.ok(![...toldOf(1), ...toldOf(2)].includes(slow), "once is enough");
  await clock.advance(4_500);
  again?.[Symbol.dispose]();
  sending?.[Symbol.dispose]();
  await clock.advance(250);
  assert.ok(toldOf(0).length > 0);
  end();
});

Deno.test("a child that was slow has its turn as soon as it has what it was told of", async () => {
  const { clock, turns, joined, first, end } = stage(2, Array.from({ length: 100 }, (_, number) => number));
  const toldOf = (child: number) => joined[child]?.sort([]) ?? [];
  const send = (numbers: readonly number[]) => {
    for (const number of numbers) turns.sending(TASK, number)?.[Symbol.dispose]();
  };
  const [slow = -1, ...others] = first[0] as number[];
  const sending = turns.sending(TASK, slow);
  await clock.advance(10);
  send(others);
  await clock.advance(250);
  send([...toldOf(0), ...toldOf(1)]);
  send(toldOf(1));
  assert.deepEqual(toldOf(0), []);
  sending?.[Symbol.dispose]();
  send(toldOf(1).slice(0, 1));
  assert.equal(toldOf(0).length, 1);
  end();
});

Deno.test("what a slow child was told of is not passed on to another slow one", async () => {
  const { clock, turns, joined, first, end } = stage(3, Array.from({ length: 100 }, (_, number) => number));
  const toldOf = (child: number) => joined[child]?.sort([]) ?? [];
  const [slow = -1, ...others] = first[0] as number[];
  turns.sending(TASK, slow);
  const sends = others.map((number) => turns.sending(TASK, number));
  await clock.advance(10);
  for (const sent of sends) sent?.[Symbol.dispose]();
  const [slower = -1] = toldOf(1);
  turns.sending(TASK, slower);
  await clock.advance(260);
  const [zero, one, two] = [toldOf(0), toldOf(1), toldOf(2)];
  assert.ok(two.includes(slow) || one.includes(slow));
  assert.ok(!zero.includes(slower) && two.includes(slower), "the first one was slow before");
  end();
});

Deno.test("what others fetch soon has no more time to spread because one child is slow", async () => {
  const scene = stage(2, PIECES.slice(0, AT_ONCE));
  const { clock, turns, joined, first, end } = scene;
  const sends = first.flat().map((number) => turns.sending(TASK, number));
  await clock.advance(10);
  for (const sent of sends.slice(1)) sent?.[Symbol.dispose]();
  await clock.advance(450);
  sends[0]?.[Symbol.dispose]();
  due(joined);
  await clock.advance(250);
  assert.equal(due(joined).length, AT_ONCE - 1);
  end();
});

Deno.test("when sending takes longer to all, nobody counts as slow for long", async () => {
  const { clock, turns, joined, first, end } = stage(2);
  const send = async (numbers: readonly number[], ms: number) => {
    const sends = numbers.map((number) => turns.sending(TASK, number));
    await clock.advance(ms);
    for (const sent of sends) sent?.[Symbol.dispose]();
    return due(joined);
  };
  let told = await send(first.flat(), 50);
  const all = [...told];
  for (let round = 0; round < 8; round++) all.push(...told = await send(told, 1_000));
  assert.ok(new Set(all).size >= all.length - AT_ONCE, "only what was under way when it began was passed on");
  end();
});
