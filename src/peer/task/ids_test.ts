/** One blob under several task ids: stored once, fetched once, and served under each of them. */
import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { settle } from "../../testing/virtual_clock.ts";
import type { Decision } from "../control/control.ts";
import { blob, FakeSource, NEVER, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";
import type { TaskRequest } from "./task.ts";

const CONTENT = blob(5_000);
const { pieceLength: _, ...BY_DIGEST } = requestFor(CONTENT);

function byUrl(repository = "r", changes: Partial<TaskRequest> = {}): TaskRequest {
  const url = `http://registry/v2/${repository}/blobs/${BY_DIGEST.digest?.text}`;
  const source = { ...BY_DIGEST.source, url };
  return { ...BY_DIGEST, source, taskId: taskIdOf({ url }), isBlobDigestTaskId: false, ...changes };
}

const toSource = (): Decision => ({ kind: "back_to_source", description: "" });

async function pullBoth(first: TaskRequest, second: TaskRequest) {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source, decide: toSource });
  await node.pull(first);
  await using handle = await node.tasks.open(second, NEVER);
  assert.deepEqual(await readAll(handle), CONTENT);
  await node.tasks[Symbol.asyncDispose]();
  const warnings = node.runtime.log.lines.filter(({ level }) => level === "warn");
  return {
    taskId: handle.taskId,
    copies: source.reads.length,
    stored: node.storage.list().length,
    sealed: node.storage.find(second.taskId)?.record.isSealed,
    warnings: warnings.map(({ message }) => message),
    announced: node.control.announced.map(({ taskId }) => taskId),
  };
}

Deno.test("a blob that is here by its digest is served by its URL, and the other way round", async () => {
  for (const [first, second] of [[BY_DIGEST, byUrl()], [byUrl(), BY_DIGEST]] as const) {
    const found = await pullBoth(first, { ...second, needBackToSource: true });
    assert.deepEqual([found.taskId, found.copies, found.stored, found.sealed], [second.taskId, 1, 1, true]);
    assert.deepEqual(found.announced, [second.taskId], "whoever triggered this host learns that it has the task");
    assert.equal(found.warnings.length, 1);
    assert.match(found.warnings[0] ?? "", /proxy\.registryMirror\.enableTaskIDBasedBlobDigest/);
  }
});

Deno.test("a blob of two repositories by URL is one copy, and nothing to warn of", async () => {
  const found = await pullBoth(byUrl("a"), byUrl("b"));
  assert.deepEqual([found.copies, found.stored, found.warnings], [1, 1, []]);
});

Deno.test("a blob that is asked for by both ids at once is fetched once, and offered under both at once", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = (position) => position >= 1_000 ? gate.promise : undefined;
  await using node = await SwarmNode.start(new Swarm(), { source, decide: toSource });
  const asked = byUrl("r", { needBackToSource: true });
  const pulls = [node.pull(BY_DIGEST), node.pull(asked)];
  await settle();
  assert.deepEqual(node.control.announced.map(({ taskId }) => taskId), [asked.taskId]);
  assert.equal(node.storage.find(asked.taskId), node.storage.find(BY_DIGEST.taskId));
  gate.resolve();
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, CONTENT);
  assert.deepEqual([source.reads.length, node.control.deleted], [1, []]);
});

Deno.test("requests that give one id to a blob and to a file of any digest never write one copy twice", async () => {
  const taskId = "ab".repeat(32);
  const blobs = byUrl("r", { taskId });
  const file = byUrl("r", { taskId, digest: undefined });
  for (const requests of [[blobs, file], [file, blobs]]) {
    const swarm = new Swarm();
    await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), decide: toSource });
    await parent.pull(file);
    const source = new FakeSource(CONTENT);
    const decide = (): Decision => ({ kind: "from_parents", parents: [swarm.peer(parent)] });
    await using node = await SwarmNode.start(swarm, { source, decide });
    const pulls = requests.map((request) => node.pull(request));
    for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, CONTENT);
    assert.equal(node.control.kinds().filter((kind) => kind === "register").length, 1);
    assert.equal(source.reads.length, 0);
  }
});

Deno.test("a request for another blob by the same id does not take the download away from the first", async () => {
  const other = blob(5_000, 3);
  const taskId = "ab".repeat(32);
  const gate = Promise.withResolvers<void>();
  const source = new FakeSource(CONTENT);
  source.onBlock = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source, decide: toSource });
  const first = node.pull(byUrl("r", { taskId }));
  const { digest } = requestFor(other);
  const url = `http://registry/v2/r/blobs/${digest?.text}`;
  const second = node.pull({ ...byUrl("r", { taskId }), source: { ...BY_DIGEST.source, url }, digest });
  const refused = assert.rejects(second, DamselflyError);
  await settle();
  gate.resolve();
  assert.deepEqual(await first, CONTENT);
  await refused;
});

Deno.test("who joins without being triggered, or by the same id, is no reason to tell the scheduler of anything", async () => {
  const gate = Promise.withResolvers<void>();
  const source = new FakeSource(CONTENT);
  source.onBlock = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source, decide: toSource });
  const pulls = [BY_DIGEST, byUrl(), { ...BY_DIGEST, needBackToSource: true }].map((request) => node.pull(request));
  await settle();
  assert.deepEqual(node.control.announced, []);
  gate.resolve();
  await Promise.all(pulls);
});

Deno.test("when the fetch that both ids hang on fails, the second is taken back", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = async () => {
    await gate.promise;
    throw sourceError({ status: 404 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source, decide: toSource });
  const asked = byUrl("r", { needBackToSource: true });
  const pulls = [node.pull(BY_DIGEST), node.pull(asked)];
  const failed = Promise.allSettled(pulls);
  await settle();
  gate.resolve();
  assert.deepEqual((await failed).map(({ status }) => status), ["rejected", "rejected"]);
  await settle();
  assert.deepEqual(node.control.deleted, [asked.taskId]);
});

Deno.test("what an earlier download under another id left is taken up, and told to the swarm by the id that is asked for", async () => {
  for (const isClosed of [false, true]) {
    const source = new FakeSource(CONTENT);
    source.onBlock = (position) => {
      if (position >= 4_000) throw sourceError({ status: 404 });
    };
    const sessions: string[] = [];
    await using node = await SwarmNode.start(new Swarm(), {
      source,
      decide: (_event, { taskId }) => {
        sessions.push(taskId);
        return isClosed ? undefined : toSource();
      },
    });
    await assert.rejects(node.pull(BY_DIGEST));
    source.onBlock = () => {};
    assert.deepEqual(await node.pull(byUrl()), CONTENT);
    await node.tasks[Symbol.asyncDispose]();
    assert.deepEqual(sessions, [BY_DIGEST.taskId, byUrl().taskId]);
    assert.equal(node.storage.list().length, 1);
    assert.deepEqual(node.control.announced.map(({ taskId }) => taskId), isClosed ? [byUrl().taskId] : []);
  }
});

Deno.test("only a digest that is in the URL makes two tasks one", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await node.pull(BY_DIGEST);
  const url = "http://registry/files/latest";
  await node.pull({ ...byUrl(), source: { ...BY_DIGEST.source, url }, taskId: taskIdOf({ url }) });
  await node.pull(byUrl("r", { pieceLength: 1_000, taskId: taskIdOf({ url: "http://cut", pieceLength: 1_000 }) }));
  assert.deepEqual([source.reads.length, node.storage.list().length], [3, 3]);
});

Deno.test("deleting a task by any of its ids deletes it, and every scheduler of its ids is told", async () => {
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT) });
  await node.pull(BY_DIGEST);
  {
    await using _held = await node.tasks.open(byUrl(), NEVER);
    await assert.rejects(node.tasks.delete(byUrl().taskId, NEVER), /in use/);
    await assert.rejects(node.tasks.delete(BY_DIGEST.taskId, NEVER), /in use/);
  }
  await node.tasks.delete(byUrl().taskId, NEVER);
  assert.deepEqual(node.storage.list(), []);
  assert.deepEqual(node.control.deleted, [BY_DIGEST.taskId, byUrl().taskId]);
});

Deno.test("a content that had to be fetched anew keeps its ids", async () => {
  const swarm = new Swarm();
  await using liar = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await liar.pull(BY_DIGEST);
  liar.behaviour.lie = (_, bytes) => bytes.map((byte) => byte ^ 1);
  const gate = Promise.withResolvers<void>();
  liar.behaviour.onSync = () => gate.promise;
  const decide = (): Decision => ({ kind: "from_parents", parents: [swarm.peer(liar)] });
  await using node = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), decide });
  await using first = await node.tasks.open(BY_DIGEST, NEVER);
  await using _second = await node.tasks.open(byUrl(), NEVER);
  gate.resolve();
  await first.sealed;
  assert.equal(node.storage.find(byUrl().taskId)?.record.taskId, BY_DIGEST.taskId);
});

function fileRequest(url: string, tag?: string): TaskRequest {
  const { digest: _, ...rest } = BY_DIGEST;
  const taskId = taskIdOf({ url, tag });
  const source = { url, headers: {} };
  return { ...rest, digest: undefined, source, taskId, ...(tag !== undefined && { tag }), isBlobDigestTaskId: false };
}

/** Requests with one id for two contents; the second pair differs in what nobody may see of a URL, its query. */
const SAME_IDS = [
  [fileRequest("http://h/file"), fileRequest("http://h/fi", "le")],
  [fileRequest("http://h/f?a=12"), fileRequest("http://h/f?a=1", "2")],
] as const;

for (const [file, trick] of SAME_IDS) {
  Deno.test(`${file.source.url} is not taken for another content with its id by the URL rule`, async () => {
    assert.equal(file.taskId, trick.taskId);
    const source = new FakeSource(CONTENT);
    await using node = await SwarmNode.start(new Swarm(), { source });
    assert.deepEqual(await node.pull(file), CONTENT);
    source.content = blob(5_000, 2);
    assert.deepEqual(await node.pull(trick), source.content);
    source.content = CONTENT;
    assert.deepEqual(await node.pull(file), CONTENT);
    assert.equal(source.reads.length, 3);
    await node.pull(file);
    assert.equal(source.reads.length, 3);
  });
}

Deno.test("a running download of another URL with the same id is not joined", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source });
  const pull = node.pull(fileRequest("http://h/file"));
  await settle();
  await assert.rejects(node.tasks.open(fileRequest("http://h/fi", "le"), NEVER), { code: "failed_precondition" });
  gate.resolve();
  assert.deepEqual(await pull, CONTENT);
});
