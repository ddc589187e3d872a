/** Downloads that tell the scheduler of themselves while their file is being made. */
import assert from "node:assert/strict";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle } from "../../testing/virtual_clock.ts";
import { piecePlan } from "../../core/piece.ts";
import type { Decision } from "../control/control.ts";
import { openRegistered } from "./early_session.ts";
import { registerOf } from "./report.ts";
import {
  blob,
  FakeSource,
  memoryStorage,
  NEVER,
  PIECE,
  readAll,
  requestFor,
  Swarm,
  SwarmNode,
} from "./harness_test.ts";

const CONTENT = blob(20 * PIECE);
const REQUEST = requestFor(CONTENT);
const TO_SOURCE: Decision = { kind: "back_to_source", description: "" };

/** A storage that makes no file before its gate opens. */
async function gatedStorage() {
  const gate = Promise.withResolvers<void>();
  const disk = new MemoryDisk();
  const gated = wrappedDisk(disk, {
    async openFile(path, options) {
      if (options?.create === true) await gate.promise;
      return await disk.openFile(path, options);
    },
  });
  return { gate, storage: await memoryStorage(testRuntime(), gated) };
}

Deno.test("a download registers while its file is being made, once", async () => {
  const { gate, storage } = await gatedStorage();
  await using node = await SwarmNode.start(new Swarm(), {
    source: new FakeSource(CONTENT),
    decide: () => TO_SOURCE,
    storage,
  });
  const opening = node.tasks.open(REQUEST, NEVER);
  while (node.control.events.length === 0) await settle();
  assert.equal(storage.find(REQUEST.taskId), undefined);
  const soon = storage.findSoon(REQUEST.taskId);
  gate.resolve();
  assert.equal((await soon)?.record.taskId, REQUEST.taskId, "who asks for pieces meanwhile waits for the file");
  await using handle = await opening;
  assert.deepEqual(await readAll(handle), CONTENT);
  await handle.sealed;
  await node.tasks[Symbol.asyncDispose]();
  assert.deepEqual(node.control.kinds().slice(0, 2), ["register", "back_to_source_started"]);
  assert.equal(node.control.kinds().filter((kind) => kind === "register").length, 1);
  assert.equal(node.control.openSessions, 0);
});

Deno.test("what was said for a file that cannot be made is taken back", async () => {
  const { gate, storage } = await gatedStorage();
  await using node = await SwarmNode.start(new Swarm(), {
    source: new FakeSource(CONTENT),
    decide: () => TO_SOURCE,
    storage,
  });
  const opening = node.tasks.open(REQUEST, NEVER);
  while (node.control.openSessions === 0) await settle();
  gate.reject(new Error("the disk is full"));
  await assert.rejects(opening, /the disk is full/);
  await node.tasks[Symbol.asyncDispose]();
  assert.equal(node.control.openSessions, 0);
});

Deno.test("a register that the scheduler does not take is a failure of the scheduler, and nothing else", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => TO_SOURCE });
  node.control.onSend = () => Promise.reject(new Error("not taken"));
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.ok(node.runtime.log.lines.some(({ message }) => message.startsWith("The scheduler failed")));
});

Deno.test("what is said besides, and a second registration, go over the session as over any other", async () => {
  const node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT), decide: () => TO_SOURCE });
  await using _node = node;
  const event = registerOf(REQUEST, piecePlan(CONTENT.length, PIECE), 4);
  const registration = { taskId: REQUEST.taskId, peerId: "peer", event };
  await using session = await openRegistered(node.control, registration, NEVER);
  await session?.send({ kind: "finished" }, NEVER);
  await session?.send(event, NEVER);
  assert.deepEqual(node.control.kinds(), ["register", "finished"]);
  await session?.send(event, NEVER);
  assert.deepEqual(node.control.kinds(), ["register", "finished", "register"]);
});

Deno.test("nobody registers before what an earlier download left is known, and an empty content never", async () => {
  const source = new FakeSource(CONTENT);
  source.onBlock = (position) => {
    if (position >= 5 * PIECE) throw new Error("over");
  };
  const sessions: number[] = [];
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => TO_SOURCE });
  await assert.rejects(node.pull(REQUEST));
  const open = node.storage.open.bind(node.storage);
  node.storage.open = (init) => {
    sessions.push(node.control.openSessions);
    return open(init);
  };
  source.onBlock = () => {};
  assert.deepEqual(await node.pull(REQUEST), CONTENT);
  assert.deepEqual(sessions, [0]);
});
