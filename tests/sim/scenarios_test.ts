import assert from "node:assert/strict";
import { runScenario } from "../../src/testing/sim/run.ts";
import { SCENARIOS } from "../../src/testing/sim/scenario.ts";
import { PLAIN_SETUP, type SimSetup } from "../../src/testing/sim/sim_cluster.ts";

const SETUP: SimSetup = { ...PLAIN_SETUP, peers: 6, sizes: [16 << 20] };

function run(name: string, setup: Partial<SimSetup> = {}) {
  const scenario = SCENARIOS[name]?.({ ...SETUP, ...setup });
  assert.ok(scenario !== undefined, name);
  return runScenario(scenario, { name, wallMs: () => 0 });
}

Deno.test("in every named scenario every pull ends well", async () => {
  for (const name of Object.keys(SCENARIOS)) {
    const { wrong, figures } = await run(name);
    assert.equal(wrong, undefined, name);
    assert.equal(figures.failed_pulls, 0, name);
  }
});

Deno.test("a cold burst costs the origin one request and one copy", async () => {
  for (const algorithm of ["swarm", "default"] as const) {
    const { figures } = await run("cold", { algorithm, peers: 20 });
    assert.deepEqual([figures.origin_copies, figures.origin_requests], [1, 1], algorithm);
  }
});

Deno.test("nobody is faster than the bound", async () => {
  for (const name of ["cold", "mixed", "fast_seed", "racks", "images", "no_seed", "stagger"]) {
    const { figures } = await run(name);
    assert.ok(figures.efficiency > 0.05 && figures.efficiency <= 1, `${name}: ${figures.efficiency}`);
  }
});

Deno.test("in a cold burst every line is at work: the seed sends each piece about once, and its peers the rest", async () => {
  const { figures } = await run("cold", { peers: 12, sizes: [64 << 20] });
  assert.ok(figures.seed_copies <= 1.1, `the seed sent ${figures.seed_copies} copies`);
  assert.ok(figures.efficiency >= 0.7, `the efficiency is ${figures.efficiency}`);
});

Deno.test("peers that come one after the other do not wait for turns that help nobody", async () => {
  const { figures } = await run("stagger", { peers: 12, sizes: [64 << 20] });
  assert.ok(figures.efficiency >= 0.6, `the efficiency is ${figures.efficiency}`);
});

Deno.test("when the seed peer dies, the rest comes at the pace of the lines", async () => {
  const { figures } = await run("seed_dies", { peers: 12, sizes: [64 << 20] });
  assert.ok(figures.last_s <= 2.2, `the last one took ${figures.last_s} s`);
});

Deno.test("one peer that is slow, or stalls, holds up the others for a second or so", async () => {
  for (const name of ["peer_is_slow", "peer_stalls"]) {
    const { figures } = await run(name, { peers: 12, sizes: [64 << 20] });
    assert.ok(figures.last_s <= 2.4, `${name}: the last one took ${figures.last_s} s`);
  }
});

Deno.test("a content crosses into each of twenty locations about once", async () => {
  const { figures } = await run("racks", { peers: 60, sizes: [16 << 20] });
  assert.ok(figures.cross_location_copies_mean <= 1.2, `${figures.cross_location_copies_mean} copies in the mean`);
  assert.ok(figures.cross_location_copies <= 1.8, `${figures.cross_location_copies} copies into one`);
});
