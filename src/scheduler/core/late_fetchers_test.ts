import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { Swarm } from "../../testing/scheduler_swarm.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

Deno.test("fetchers that are late count as failures: twice as many go after the second", () => {
  const swarm = new Swarm(seededRandom(1));
  for (let index = 0; index < 20; index++) swarm.register(`p${index}`);
  const counts = [swarm.told("back_to_source").length];
  for (let round = 0; round < 3; round++) {
    swarm.wait(DEFAULT_SETTINGS.sourceStartTimeoutMs);
    counts.push(swarm.told("back_to_source").length);
  }
  assert.deepEqual(counts.slice(0, 2), [1, 2]);
  assert.ok((counts[2] ?? 0) - (counts[1] ?? 0) === 2, `at the source after each wait: ${counts}`);
});
