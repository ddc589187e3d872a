import assert from "node:assert/strict";
import type { State, Task } from "./core/state.ts";
import { tasksNamed } from "./tasks_named.ts";

const HEX = "ab".repeat(32);
const DIGEST = `sha256:${HEX}`;

function named(facts: Partial<Task["facts"]>[], name: string): string[] {
  const all = facts.map((one) => ({ facts: { id: "", url: "", ...one } }) as Task);
  const state = { tasks: new Map(all.map((task) => [task.facts.id, task])) } as Pick<State, "tasks">;
  return tasksNamed(state, name).map(({ facts: { id } }) => id);
}

Deno.test("a task is named by its id, and by the digest that is its id", () => {
  const tasks = [{ id: HEX }, { id: "other", digest: DIGEST }];
  assert.deepEqual([named(tasks, HEX), named(tasks, DIGEST), named(tasks, "other")], [[HEX], [HEX], ["other"]]);
  assert.deepEqual(named(tasks, "unknown"), []);
});

Deno.test("a blob that peers name by its URLs is all tasks of its digest, ten at most", () => {
  const tasks = [{ id: "a", digest: DIGEST }, { id: "b", url: `https://r.io/v2/x/blobs/${DIGEST}` }, { id: "c" }];
  assert.deepEqual(named(tasks, DIGEST), ["a", "b"]);
  const many = Array.from({ length: 20 }, (_, at) => ({ id: `t${at}`, digest: DIGEST }));
  assert.equal(named(many, DIGEST).length, 10);
});
