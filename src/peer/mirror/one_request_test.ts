/** What is asked of a task for a request, and where the answer to its download tells whether the requester may have it. */
import assert from "node:assert/strict";
import { settle } from "../../testing/virtual_clock.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { blob, FakeSource, readAll, requestFor, sourceError, Swarm, SwarmNode } from "../task/harness_test.ts";
import type { TaskRequest, Tasks } from "../task/task.ts";
import { ContentEndpoint, type ContentRequest } from "./content.ts";

const BLOB = blob(20_000);
const TO_SOURCE = { kind: "back_to_source", description: "" } as const;

function endpoint(source: FakeSource, tasks: Tasks, prefetch = false): ContentEndpoint {
  const { clock, log } = testRuntime();
  const stored = () => undefined;
  const parts = { tasks, source, clock, log, accessLeaseTtlMs: 60_000, stored, serverIp: "127.0.0.1" };
  return new ContentEndpoint({ ...parts, prefetch });
}

function contentFor(headers: Record<string, string>, asked: RequestInit = {}): ContentRequest {
  const request = new Request("http://mirror/", asked);
  const task = requestFor(BLOB, { source: { url: requestFor(BLOB).source.url, headers } });
  return {
    ...{ request, source: task.source, digest: task.digest, name: {}, signal: new AbortController().signal },
    task: (stat) => ({ ...task, ...(stat !== undefined && { stat }) }),
    headers: (stored) => new Headers({ ...stored }),
  };
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return await response.bytes();
}

Deno.test("a peer without a scheduler asks for a blob once, and has the requester's right with the bytes", async () => {
  const source = new FakeSource(BLOB);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const contents = endpoint(source, node.tasks);
  const mine = contentFor({ authorization: "Bearer mine" });
  assert.deepEqual(await bytesOf(await contents.serve(mine)), BLOB);
  assert.deepEqual([source.stats.length, source.reads.length], [0, 1]);
  assert.deepEqual(await bytesOf(await contents.serve(mine)), BLOB);
  assert.equal(source.stats.length, 0, "the right is remembered");
  assert.deepEqual(await bytesOf(await contents.serve(contentFor({ authorization: "Bearer other" }))), BLOB);
  assert.deepEqual(source.stats.map(({ headers }) => headers["authorization"]), ["Bearer other"]);
});

Deno.test("where a scheduler says who fetches, and where not all is wanted, the right is asked for first", async () => {
  const shared = new FakeSource(BLOB);
  await using node = await SwarmNode.start(new Swarm(), { source: shared, decide: () => TO_SOURCE });
  assert.deepEqual(await bytesOf(await endpoint(shared, node.tasks).serve(contentFor({}))), BLOB);
  assert.deepEqual([shared.stats.length, shared.reads.length], [1, 1]);
  const lone = new FakeSource(BLOB);
  await using alone = await SwarmNode.start(new Swarm(), { source: lone });
  const part = contentFor({}, { headers: { range: "bytes=100-199" } });
  assert.deepEqual(await bytesOf(await endpoint(lone, alone.tasks).serve(part)), BLOB.subarray(100, 200));
  assert.equal(lone.stats.length, 1);
});

Deno.test("a refusal of the only request is the answer, and no right", async () => {
  const source = new FakeSource(BLOB);
  source.onRead = ({ headers }) => {
    if (headers["authorization"] === undefined) throw sourceError({ status: 401 });
  };
  source.onStat = ({ headers }) => {
    if (headers["authorization"] === undefined) throw sourceError({ status: 401 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  const contents = endpoint(source, node.tasks);
  await assert.rejects(contents.serve(contentFor({})), { code: "source_error" });
  assert.deepEqual(await bytesOf(await contents.serve(contentFor({ authorization: "Bearer mine" }))), BLOB);
  await assert.rejects(contents.serve(contentFor({})), { code: "source_error" });
});

Deno.test("who joins a download that somebody else has begun meanwhile must have a right of his own", async () => {
  const source = new FakeSource(BLOB);
  source.onStat = ({ headers }) => {
    if (headers["authorization"] === undefined) throw sourceError({ status: 401 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  const faster: Tasks = {
    asksSourceAtOnce: () => true,
    async open(request, signal) {
      const mine = requestFor(BLOB, { source: { ...request.source, headers: { authorization: "Bearer mine" } } });
      await using handle = await node.tasks.open(mine, signal);
      assert.equal((await readAll(handle)).length, BLOB.length);
      return await node.tasks.open(request, signal);
    },
    delete: (taskId, signal) => node.tasks.delete(taskId, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const contents = endpoint(source, faster);
  await assert.rejects(contents.serve(contentFor({})), { code: "source_error" });
  assert.deepEqual(source.stats.map(({ headers }) => headers["authorization"]), ["Bearer mine", undefined]);
});

Deno.test("who begins a download is given the content by the source, who joins it is not, and only the first asks at once", async () => {
  const source = new FakeSource(BLOB);
  const gate = Promise.withResolvers<void>();
  source.onBlock = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source });
  const request = requestFor(BLOB, { rest: "none" });
  const { signal } = new AbortController();
  assert.equal(node.tasks.asksSourceAtOnce(request), true);
  const opening = node.tasks.open(request, signal);
  assert.equal(node.tasks.asksSourceAtOnce(request), false, "it is running");
  await using first = await opening;
  await using second = await node.tasks.open(request, signal);
  assert.deepEqual([first.isGranted, second.isGranted], [true, false]);
  gate.resolve();
  await first.sealed;
  while (node.storage.find(request.taskId)?.record.isSealed !== true) await settle();
  await node.tasks[Symbol.asyncDispose]();
  assert.equal(node.tasks.asksSourceAtOnce(request), false, "it is here");
});

Deno.test("the rest of a content is prefetched or left where a range is asked for, as the header says, else as configured", async () => {
  const range = { range: "bytes=10-19" };
  const header = "x-dragonfly-prefetch";
  const cases = [
    [true, {}, "none"],
    [true, { [header]: "false" }, "none"],
    [true, range, "prefetched"],
    [false, range, "left"],
    [true, { ...range, [header]: "False" }, "left"],
    [false, { ...range, [header]: "true" }, "prefetched"],
    [false, { ...range, [header]: "?" }, "left"],
  ] as const;
  for (const [prefetch, headers, rest] of cases) {
    const source = new FakeSource(BLOB);
    await using node = await SwarmNode.start(new Swarm(), { source });
    const { tasks } = node;
    const asked: TaskRequest["rest"][] = [];
    const noting: Tasks = {
      asksSourceAtOnce: (request) => tasks.asksSourceAtOnce(request),
      open: (request, signal) => (asked.push(request.rest), tasks.open(request, signal)),
      delete: (taskId, signal) => tasks.delete(taskId, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const response = await endpoint(source, noting, prefetch).serve(contentFor({}, { headers }));
    assert.equal((await bytesOf(response)).length, "range" in headers ? 10 : BLOB.length);
    assert.deepEqual(asked, [rest], JSON.stringify({ prefetch, headers }));
  }
});

Deno.test("a peer that may not go to the source asks it for nobody's bytes", async () => {
  const source = new FakeSource(BLOB);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const content = contentFor({});
  const refused = { ...content, task: () => ({ ...content.task(undefined), disableBackToSource: true }) };
  await assert.rejects(endpoint(source, node.tasks).serve(refused), { code: "failed_precondition" });
  assert.equal(source.reads.length, 0);
});

Deno.test("where a file of the content is wanted besides, all of it is fetched, whatever range is read", async () => {
  const source = new FakeSource(BLOB);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const delivered: string[] = [];
  const content = contentFor({}, { headers: { range: "bytes=100-199" } });
  const deliver = (taskId: string) => Promise.resolve(void delivered.push(taskId));
  const response = await endpoint(source, node.tasks).serve({ ...content, deliver });
  assert.deepEqual(await bytesOf(response), BLOB.subarray(100, 200));
  assert.deepEqual(delivered, [requestFor(BLOB).taskId]);
  assert.equal(node.storage.find(requestFor(BLOB).taskId)?.record.isSealed, true);
});
