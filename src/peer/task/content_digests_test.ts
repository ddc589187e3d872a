import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseDigest } from "../../core/digest.ts";
import { blob, digestOf, FakeSource, NEVER, PIECE, requestFor, Swarm, SwarmNode } from "./harness_test.ts";
import type { TaskRequest } from "./task.ts";

const CONTENT = blob(10 * PIECE + 123);
const RIGHT = digestOf(CONTENT);
const WRONG = digestOf(blob(10));
const RIGHT_SHA512 = parseDigest(`sha512:${createHash("sha512").update(CONTENT).digest("hex")}`);

/** A request for a file by its URL, whose id says nothing of the content. */
function fileRequest(digest?: TaskRequest["digest"]): TaskRequest {
  return { ...requestFor(CONTENT), taskId: "f1".repeat(32), isBlobDigestTaskId: false, digest };
}

Deno.test("a digest that a complete task does not have is refused to who names it, and the task stays", async () => {
  for (const first of [undefined, RIGHT]) {
    const source = new FakeSource(CONTENT);
    await using node = await SwarmNode.start(new Swarm(), { source });
    await node.pull(fileRequest(first));
    await assert.rejects(node.tasks.open(fileRequest(WRONG), NEVER), {
      code: "data_loss",
      message: `Cannot use task ${fileRequest().taskId}: its content has digest ${RIGHT.text}, not ${WRONG.text}`,
    });
    assert.deepEqual(await node.pull(fileRequest(first)), CONTENT);
    assert.equal(source.reads.length, 1);
    await node.tasks.delete(fileRequest().taskId, NEVER);
  }
});

Deno.test("a digest that a complete task has makes it a hit, whatever it was fetched with", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await node.pull(fileRequest());
  for (const digest of [RIGHT, RIGHT_SHA512, undefined]) {
    assert.deepEqual(await node.pull(fileRequest(digest)), CONTENT);
  }
  assert.equal(source.reads.length, 1);
});

Deno.test("a content is read once for its digest, however many ask", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await node.pull(fileRequest());
  const stored = node.storage.find(fileRequest().taskId);
  assert.ok(stored);
  let reads = 0;
  const read = stored.read.bind(stored);
  stored.read = (buffer, position) => (reads++, read(buffer, position));
  const open = async () => await (await node.tasks.open(fileRequest(RIGHT), NEVER))[Symbol.asyncDispose]();
  await Promise.all([open(), open()]);
  await open();
  assert.equal(reads, 1);
});

Deno.test("who names a digest while a download without one runs is answered by what came of it", async () => {
  const source = new FakeSource(CONTENT);
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  source.onBlock = () => (begun.resolve(), go.promise);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const first = node.pull(fileRequest());
  await begun.promise;
  const [right, wrong] = [RIGHT, WRONG].map((digest) => node.pull(fileRequest(digest)));
  go.resolve();
  await assert.rejects(wrong ?? first, { code: "data_loss" });
  assert.deepEqual([await first, await right], [CONTENT, CONTENT]);
  assert.equal(source.reads.length, 1);
});
