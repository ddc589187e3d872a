import assert from "node:assert/strict";
import { LookCounter } from "../../testing/look_counter.ts";
import { SchedulerScenes } from "../../testing/scheduler_scenes.ts";

const PEERS = 50_000;
/** Looks in a step that decides for one peer at most. */
const ONE_DECISION_LOOKS_MAX = 2_500;
/** Looks in steps that may decide for as many as one step does, or go on with rounds. */
const LOOKS_MAX: Readonly<Record<string, number>> = {
  "root begins": 8_000,
  "fail, others wait": 8_000,
  "carry on": 8_000,
  "register, many stranded": 4_000,
  "delete host of many tasks": 4_000,
  "tick, much to forget": 4_000,
};

Deno.test("no step of a task with 50,000 peers looks at more than a small part of anything", () => {
  using counter = new LookCounter();
  const most = new Map<string, number>();
  const scenes = new SchedulerScenes(PEERS, (kind, run) => {
    const before = counter.looks;
    run();
    most.set(kind, Math.max(most.get(kind) ?? 0, counter.looks - before));
  });
  scenes.play();
  const tooMany = [...most].filter(([kind, looks]) => looks > (LOOKS_MAX[kind] ?? ONE_DECISION_LOOKS_MAX));
  assert.deepEqual(tooMany, []);
  for (const kind of Object.keys(LOOKS_MAX)) assert.ok(most.has(kind), `${kind} did not occur`);
});
