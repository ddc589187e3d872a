import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import type { ExplainTaskRequest, ExplainTaskResponse } from "../rpc/gen/damselfly/v1/explanations.ts";
import { msOfTimestamp } from "../rpc/time.ts";
import { Swarm } from "../testing/scheduler_swarm.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Answers } from "./answers.ts";
import { explanationsService } from "./explanations_service.ts";

const HEX = "ab".repeat(32);

/** A swarm in which `root` has some tasks, and how it explains them. */
function swarmWith(...taskIds: string[]) {
  const swarm = new Swarm(seededRandom(1));
  for (const task of taskIds) {
    swarm.register(`root of ${task}`, { metadataOnly: true }, { task });
    swarm.register(`child of ${task}`, {}, { task });
  }
  const { methods } = explanationsService(swarm.state, new Answers(1, new VirtualClock()));
  const explain = (name: string): Promise<ExplainTaskResponse> => {
    return methods[0]?.handler({ name } satisfies ExplainTaskRequest, {} as never);
  };
  return { swarm, explain };
}

Deno.test("a task is explained by its id, and a blob by its digest", async () => {
  const { swarm, explain } = swarmWith(HEX);
  swarm.peer(`root of ${HEX}`).host.bytesPerMs = 1.5;
  swarm.register("second", {}, { task: HEX });
  for (const name of [HEX, `sha256:${HEX}`]) {
    const { tasks: [task, ...others] } = await explain(name);
    assert.ok(task);
    assert.deepEqual(others, []);
    assert.deepEqual([task.taskId, task.peerCount, task.rootCount, task.state], [HEX, 3, 1, "Running"]);
    const [first, second] = task.answers;
    assert.deepEqual([first?.peerId, first?.outcome], [`child of ${HEX}`, "from_parents"]);
    assert.ok(first?.at && msOfTimestamp(first.at) >= 0);
    const parent = second?.considered.find(({ peerId }) => peerId === `root of ${HEX}`);
    assert.deepEqual([parent?.rejection, parent?.uploadCount, parent?.bytesPerSecond], ["", 1, 1_500]);
  }
});

Deno.test("a blob that peers name by its URLs is all those tasks, up to ten", async () => {
  const { explain } = swarmWith(`a/sha256:${HEX}`, `b/sha256:${HEX}`, "c");
  const { tasks } = await explain(`sha256:${HEX}`);
  assert.deepEqual(tasks.map(({ taskId }) => taskId), [`a/sha256:${HEX}`, `b/sha256:${HEX}`]);
  const many = Array.from({ length: 12 }, (_, index) => `${index}/sha256:${HEX}`);
  assert.equal((await swarmWith(...many).explain(`sha256:${HEX}`)).tasks.length, 10);
});

Deno.test("a task that nobody knows is not found, and a name that can be none is refused", async () => {
  const { explain } = swarmWith("known");
  const codeOf = (name: string) => explain(name).catch((error) => error instanceof DamselflyError ? error.code : error);
  assert.equal(await codeOf("unknown"), "not_found");
  assert.equal(await codeOf(`sha256:${HEX}`), "not_found");
  assert.equal(await codeOf(""), "invalid_argument");
  assert.equal(await codeOf("x".repeat(600)), "invalid_argument");
});
