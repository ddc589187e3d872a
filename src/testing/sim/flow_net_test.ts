import assert from "node:assert/strict";
import * as fc from "fast-check";
import { VirtualClock } from "../virtual_clock.ts";
import { type Flow, FlowNet, Link } from "./flow_net.ts";
import { settleAll } from "./quiet.ts";

const TURN_MS = 1;

function stage() {
  const clock = new VirtualClock({ grainMs: TURN_MS, settle: settleAll });
  return { clock, net: new FlowNet(clock, TURN_MS) };
}

/** The max-min fair rates, by filling all links at once and freezing the flows of the first that is full. */
function fairRates(flows: readonly Flow[]): Map<Flow, number> {
  const rates = new Map<Flow, number>();
  while (rates.size < flows.length) {
    const links = new Set(flows.filter((flow) => !rates.has(flow)).flatMap(({ links }) => links));
    const shares = [...links].map((link) => {
      const through = flows.filter((flow) => flow.links.includes(link));
      const taken = through.reduce((sum, flow) => sum + (rates.get(flow) ?? 0), 0);
      return { link, share: (link.bytesPerMs - taken) / through.filter((flow) => !rates.has(flow)).length };
    });
    const { link: tightest, share = 0 } = shares.reduce((a, b) => b.share < a.share ? b : a);
    for (const flow of flows) if (!rates.has(flow) && flow.links.includes(tightest)) rates.set(flow, share);
  }
  return rates;
}

const network = fc.record({
  capacities: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 8 }),
  paths: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 20 }),
});

Deno.test("flows share links max-min fair, whatever the network", async () => {
  await fc.assert(
    fc.asyncProperty(network, async ({ capacities, paths }) => {
      const { clock, net } = stage();
      using _net = net;
      const links = capacities.map((capacity, index) => new Link(`link ${index}`, capacity));
      const flows = paths.map((path) => {
        const own = new Set(path.map((at) => links[at % links.length] as Link));
        return net.start([...own], 1e12);
      });
      await clock.advance(50);
      for (const [flow, rate] of fairRates(flows)) assert.ok(Math.abs(flow.rate - rate) <= 0.05 * rate, `${flow.rate}`);
    }),
    { seed: 7, numRuns: 200 },
  );
});

Deno.test("a transfer is there when its bytes have gone through, and others get what it leaves", async () => {
  const { clock, net } = stage();
  using _net = net;
  const [up, a, b] = [new Link("up", 100), new Link("a", 100), new Link("b", 100)];
  const first = net.start([up, a], 1_000);
  const second = net.start([up, b], 2_000);
  const ends: number[] = [];
  for (const flow of [first, second]) {
    net.until(flow, flow.total).then(() => {
      ends.push(clock.now());
      net.end(flow);
    });
  }
  await clock.advance(100);
  // Half of the line each for 20 ms, and all of it for the rest.
  assert.deepEqual(ends.map((ms) => Math.abs(ms - [20, 30][ends.indexOf(ms)]!) <= 4), [true, true]);
  assert.equal(Math.round(net.bytesOf(up)), 3_000);
});

Deno.test("what is cut does not move, and goes on where it was", async () => {
  const { clock, net } = stage();
  using _net = net;
  const flow = net.start([new Link("up", 10), new Link("down", 10)], 1_000);
  await clock.advance(20);
  const before = flow.movedBy(clock.now());
  net.cut(flow, true);
  await clock.advance(50);
  assert.ok(flow.movedBy(clock.now()) - before <= 20);
  net.cut(flow, false);
  let isThere = false;
  net.until(flow, 1_000).then(() => isThere = true);
  await clock.advance(100);
  assert.ok(isThere);
});

Deno.test("who waits for a transfer that is ended is told why", async () => {
  const { net } = stage();
  using _net = net;
  const flow = net.start([new Link("up", 10)], 1_000);
  const waiting = net.until(flow, 1_000);
  net.end(flow, new Error("gone"));
  await assert.rejects(waiting, /gone/);
});

Deno.test("who waits for a transfer no longer than so long is told when that is over, though nothing moves", async () => {
  for (const isCut of [false, true]) {
    const { clock, net } = stage();
    using _net = net;
    const flow = net.start([new Link("up", 10)], 10_000);
    net.cut(flow, isCut);
    let toldMs: number | undefined;
    net.until(flow, 10_000, 30).then(() => toldMs = clock.now());
    await clock.advance(100);
    assert.ok(toldMs !== undefined && toldMs >= 30 && toldMs <= 34, `cut: ${isCut}, told after ${toldMs} ms`);
  }
});
