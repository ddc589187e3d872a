import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

Deno.test("of a task that very many have, seed peers are not among the finished peers that are forgotten", () => {
  const swarm = new Swarm(seededRandom(1));
  swarm.seed();
  for (const name of ["seed", ...Array.from({ length: 310 }, (_, index) => `p${index}`)]) {
    swarm.register(name, { metadataOnly: true });
    swarm.say(name, "finished");
  }
  swarm.wait(11_000);
  assert.equal(swarm.state.peers.size, 300);
  assert.ok(swarm.state.peers.has("seed"));
});

Deno.test("a finished peer that nobody asks for anything is forgotten in the end, though its host lives", () => {
  const swarm = new Swarm(seededRandom(1), { gc: { ...DEFAULT_SETTINGS.gc, peerTtlMs: 60_000 } });
  swarm.register("a", { metadataOnly: true });
  swarm.say("a", "finished");
  swarm.wait(55_000);
  assert.equal(swarm.state.peers.size, 1);
  swarm.wait(20_000);
  assert.deepEqual([swarm.state.peers.size, swarm.state.hosts.size], [0, 1]);
});
