import assert from "node:assert/strict";
import { derOfPem } from "../../core/certificates.ts";
import { DamselflyError } from "../../core/error.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { SMALL_BYTES } from "../control/control.ts";
import type { TaskHandle } from "./task.ts";
import { blob, FakeSource, NEVER, PIECE, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(10 * PIECE + 123);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => "no error", (error: DamselflyError) => error.code);
}

Deno.test("a cold blob is one request to the source, and every byte of it is right", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual(source.reads.map(({ range }) => range), [{ start: 0, end: CONTENT.length }]);
  assert.equal(source.openBodies, 0);
});

Deno.test("a task that is complete needs neither scheduler nor source", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), {
    source,
    decide: () => ({ kind: "back_to_source", description: "" }),
  });
  await node.pull(requestFor(CONTENT));
  const events = node.control.events.length;
  await using again = await node.tasks.open(requestFor(CONTENT), NEVER);
  assert.equal(again.isLocalHit, true);
  assert.deepEqual(await readAll(again, { start: 1_500, end: 2_500 }), CONTENT.slice(1_500, 2_500));
  assert.deepEqual(await again.sealed, { backToSource: 0, remotePeer: 0, localPeer: CONTENT.length });
  assert.equal(node.control.events.length, events);
  assert.equal(source.stats.length + source.reads.length, 2);
});

Deno.test("a download tells the scheduler its shape, each piece and its end", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), {
    source,
    decide: () => ({ kind: "back_to_source", description: "" }),
  });
  const { source: plain, ...others } = requestFor(CONTENT, { tag: "t", needBackToSource: true });
  const authority = await Deno.readTextFile(testCertificates("a").caCert);
  const taskRequest = { ...others, source: { ...plain, authorities: [authority] } };
  await node.pull(taskRequest);
  await node.tasks[Symbol.asyncDispose]();
  const [register, ...rest] = node.control.events;
  assert.ok(register?.kind === "register");
  const { download } = register;
  assert.deepEqual(
    [download.actualContentLength, download.actualPieceLength, download.actualPieceCount, download.needBackToSource],
    [CONTENT.length, PIECE, 11, true],
  );
  assert.deepEqual([download.digest, download.tag], [taskRequest.digest?.text, "t"]);
  assert.equal(download.requestHeader["authorization"], "Bearer t");
  assert.deepEqual(download.certificateChain, [derOfPem(authority)], "so that a seed peer can fetch it");
  assert.deepEqual(rest.map(({ kind }) => kind), [
    "back_to_source_started",
    ...Array<string>(11).fill("piece_back_to_source_finished"),
    "back_to_source_finished",
  ]);
  const last = rest[11];
  assert.ok(last?.kind === "piece_back_to_source_finished");
  assert.deepEqual([last.piece.number, last.piece.offset, last.piece.length], [10, 10_000, 123]);
  assert.match(last.piece.digest, /^crc32:\d+$/);
  assert.ok(last.piece.cost !== undefined && last.piece.createdAt !== undefined);
  assert.equal(node.control.openSessions, 0);
});

Deno.test("the first byte is read before the last one has come", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = (position) => position >= 5 * PIECE ? gate.promise : undefined;
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const reader = handle.read({ start: 0, end: CONTENT.length }).getReader();
  const first = await reader.read();
  assert.equal(first.value?.[0], CONTENT[0]);
  gate.resolve();
  await reader.cancel();
  await handle.sealed;
});

Deno.test("the last byte is only given once the digest is known to be right", async () => {
  const source = new FakeSource(CONTENT);
  const wrong = CONTENT.slice();
  wrong[3] = (wrong[3] ?? 0) ^ 1;
  source.content = wrong;
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const reader = handle.read({ start: 0, end: CONTENT.length }).getReader();
  let given = 0;
  const failure = await (async () => {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      given += value.length;
    }
  })().catch((error) => error);
  assert.ok(failure instanceof DamselflyError);
  assert.equal(failure.code, "data_loss");
  assert.ok(given < CONTENT.length);
  assert.equal(await codeOf(handle.sealed), "data_loss");
  assert.equal(node.storage.find(handle.taskId), undefined);
});

Deno.test("requests for one task at the same time are one download", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const pulls = Array.from({ length: 5 }, () => node.pull(requestFor(CONTENT)));
  for (const bytes of await Promise.all(pulls)) assert.deepEqual(bytes, CONTENT);
  assert.deepEqual([source.stats.length, source.reads.length], [1, 1]);
});

Deno.test("a requester who leaves stops nobody, and the download goes on to its end", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onBlock = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source });
  const first = await node.tasks.open(requestFor(CONTENT), NEVER);
  await using second = await node.tasks.open(requestFor(CONTENT), NEVER);
  const { sealed } = first;
  await first[Symbol.asyncDispose]();
  gate.resolve();
  assert.deepEqual(await readAll(second), CONTENT);
  await sealed;
});

Deno.test("a requester who gives up while the source is asked does not stop the one who joined", async () => {
  const source = new FakeSource(CONTENT);
  const gate = Promise.withResolvers<void>();
  source.onStat = () => gate.promise;
  await using node = await SwarmNode.start(new Swarm(), { source });
  const leave = new AbortController();
  const first = codeOf(node.tasks.open(requestFor(CONTENT), leave.signal));
  const second = node.pull(requestFor(CONTENT));
  leave.abort(new DamselflyError("cancelled", "Left"));
  assert.equal(await first, "cancelled");
  gate.resolve();
  assert.deepEqual(await second, CONTENT);
});

Deno.test("a refusal of the first requester's credentials is not the others' problem", async () => {
  const source = new FakeSource(CONTENT);
  source.onStat = ({ headers }) => {
    if (headers["authorization"] !== "Bearer good") throw sourceError({ status: 401 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  const good = { url: "http://registry/b", headers: { authorization: "Bearer good" } };
  const bad = codeOf(node.tasks.open(requestFor(CONTENT), NEVER));
  const joined = node.pull(requestFor(CONTENT, { source: good }));
  assert.equal(await bad, "source_error");
  assert.deepEqual(await joined, CONTENT);
});

Deno.test("credentials that run out half-way are replaced by those of another requester", async () => {
  const source = new FakeSource(CONTENT);
  const joined = Promise.withResolvers<void>();
  source.onBlock = async (position) => {
    await joined.promise;
    if (position >= 3_300 && source.reads.length === 1) throw sourceError({});
  };
  source.onRead = ({ headers }, count) => {
    if (count > 1 && headers["authorization"] !== "Bearer good") throw sourceError({ status: 401 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using _first = await node.tasks.open(requestFor(CONTENT), NEVER);
  const good = { url: "http://registry/b", headers: { authorization: "Bearer good" } };
  await using second = await node.tasks.open(requestFor(CONTENT, { source: good }), NEVER);
  joined.resolve();
  assert.deepEqual(await readAll(second), CONTENT);
});

Deno.test("a source that hangs up is asked for the rest only, from the byte where it stopped", async () => {
  const source = new FakeSource(CONTENT);
  let hangUps = 3;
  source.onBlock = (position) => {
    if (position >= 3_300 && hangUps-- > 0) throw sourceError({});
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual(source.reads.map(({ range }) => range.start), [0, 3_300, 3_300, 3_300]);
});

Deno.test("a source that hangs up again and again is read to its end as long as it moves", async () => {
  const source = new FakeSource(CONTENT);
  const brokenAt = new Set<number>();
  source.onBlock = (position) => {
    if (brokenAt.has(position) || position % 600 !== 0) return;
    brokenAt.add(position);
    throw sourceError({});
  };
  const clock = new VirtualClock();
  await using node = await SwarmNode.start(new Swarm(), { source, clock });
  const pull = node.pull(requestFor(CONTENT));
  let isDone = false;
  pull.then(() => isDone = true, () => isDone = true);
  while (!isDone) await clock.advance(100);
  assert.deepEqual(await pull, CONTENT);
  assert.ok(source.reads.length > 15);
});

Deno.test("a source that pauses in the last piece makes nobody a bad parent by the rule of stock schedulers", async () => {
  const clock = new VirtualClock();
  const content = blob(10 * PIECE);
  const source = new FakeSource(content);
  source.onBlock = (position, signal) => position > 9.5 * PIECE ? clock.sleep(60, signal) : undefined;
  await using node = await SwarmNode.start(new Swarm(), { source, clock });
  const pull = node.pull(requestFor(content));
  let isDone = false;
  pull.then(() => isDone = true);
  while (!isDone) await clock.advance(20);
  const stored = node.storage.find(requestFor(content).taskId);
  const costs = stored?.finishedPieces().map((number) => stored.piece(number)?.costMs ?? 0) ?? [];
  const last = costs.pop() ?? 0;
  assert.equal(costs.length, 9);
  const mean = costs.reduce((a, b) => a + b, 0) / costs.length;
  assert.ok(mean >= 1 && last > mean && last <= 20 * mean, `${last} ms after ${costs}`);
});

Deno.test("a source that goes on answering 5xx fails the download after three requests, with its answer", async () => {
  const source = new FakeSource(CONTENT);
  source.onRead = () => {
    throw sourceError({ status: 503 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const error = await handle.sealed.catch((error) => error);
  assert.equal(error.details.status, 503);
  assert.equal(source.reads.length, 3);
  assert.equal(await codeOf(readAll(handle)), "source_error");
});

Deno.test("a failed task is forgotten at once: the next request starts afresh with what was finished", async () => {
  const source = new FakeSource(CONTENT);
  source.onBlock = (position) => {
    if (position >= 5 * PIECE) throw sourceError({ status: 403 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.equal(await codeOf(node.pull(requestFor(CONTENT))), "source_error");
  source.onBlock = () => {};
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
  assert.deepEqual(source.reads.at(-1)?.range, { start: 5 * PIECE, end: CONTENT.length });
});

Deno.test("a source without ranges is read from its first byte again", async () => {
  for (const isHonest of [true, false]) {
    const source = new FakeSource(CONTENT);
    source.acceptsRanges = !isHonest;
    source.ignoresRanges = true;
    let hangUps = 1;
    source.onBlock = (position) => {
      if (position >= 3_300 && hangUps-- > 0) throw sourceError({});
    };
    await using node = await SwarmNode.start(new Swarm(), { source });
    assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
    assert.equal(source.reads.at(-1)?.range.start, 0);
  }
});

Deno.test("an empty content is complete without any transfer", async () => {
  const empty = new Uint8Array(0);
  const source = new FakeSource(empty);
  await using node = await SwarmNode.start(new Swarm(), { source, decide: () => ({ kind: "empty_task" }) });
  assert.deepEqual(await node.pull(requestFor(empty)), empty);
  assert.deepEqual([source.reads.length, node.control.events.length], [0, 0]);
});

Deno.test("a scheduler that fails costs nothing but its help, and is told of the task afterwards", async () => {
  const source = new FakeSource(CONTENT);
  const decide = () => Promise.reject(new DamselflyError("timeout", "No answer"));
  await using node = await SwarmNode.start(new Swarm(), { source, decide });
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
  await node.tasks[Symbol.asyncDispose]();
  assert.deepEqual(node.control.announced.map(({ taskId }) => taskId), [requestFor(CONTENT).taskId]);
  assert.ok(node.runtime.log.lines.some(({ message }) => message.startsWith("The scheduler failed")));
});

Deno.test("a download that goes to the source says why", async () => {
  const reasons = {
    "no scheduler is reachable": undefined,
    "the scheduler gave no decision": () => Promise.reject(new DamselflyError("timeout", "No answer")),
    "nobody has it": () => ({ kind: "back_to_source", description: "nobody has it" }) as const,
    "no parent has all of it": () => ({ kind: "from_parents", parents: [] }) as const,
  };
  for (const [why, decide] of Object.entries(reasons)) {
    const options = { source: new FakeSource(CONTENT), ...(decide === undefined ? {} : { decide }) };
    await using node = await SwarmNode.start(new Swarm(), options);
    await node.pull(requestFor(CONTENT));
    const told = node.runtime.log.lines.filter(({ message }) => message === "A task is fetched from its source");
    assert.deepEqual(told.map(({ fields }) => fields?.["why"]), [why]);
  }
});

Deno.test("a small content is not asked of a scheduler that has none shared, unless the source is forbidden", async () => {
  const small = blob(SMALL_BYTES);
  const cases = [
    { bytes: small, changes: {}, asks: false },
    { bytes: blob(SMALL_BYTES + 1), changes: {}, asks: true },
    { bytes: small, changes: { disableBackToSource: true }, asks: true },
  ];
  for (const { bytes, changes, asks } of cases) {
    const decide = () => ({ kind: "back_to_source", description: "" }) as const;
    const source = new FakeSource(bytes);
    source.blockBytes = SMALL_BYTES;
    await using node = await SwarmNode.start(new Swarm(), { source, decide });
    node.control.isSmallShared = false;
    const request = requestFor(bytes, { pieceLength: SMALL_BYTES, ...changes });
    await using handle = await node.tasks.open(request, NEVER);
    await handle.sealed.catch(() => {});
    assert.equal(node.control.kinds().includes("register"), asks);
    const why = node.runtime.log.lines.find(({ message }) => message === "A task is fetched from its source")?.fields
      ?.["why"];
    assert.equal(why === "a stock scheduler does not have so small a content shared", !asks);
  }
});

Deno.test("without back-to-source a task that no parent has fails, and says why", async () => {
  const source = new FakeSource(CONTENT);
  const decide = () => ({ kind: "back_to_source", description: "no parent" }) as const;
  await using node = await SwarmNode.start(new Swarm(), { source, decide });
  const pull = node.pull(requestFor(CONTENT, { disableBackToSource: true }));
  assert.equal(await codeOf(pull), "failed_precondition");
  assert.equal(source.reads.length, 0);
});

Deno.test("a seed that is triggered for what it has tells the scheduler so", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await node.pull(requestFor(CONTENT));
  await node.tasks.open(requestFor(CONTENT, { needBackToSource: true }), NEVER).then((h) => h[Symbol.asyncDispose]());
  await node.tasks[Symbol.asyncDispose]();
  assert.equal(node.control.announced.at(-1)?.taskId, requestFor(CONTENT).taskId);
});

Deno.test("a stop in the middle keeps the finished pieces and fails the readers", async () => {
  const source = new FakeSource(CONTENT);
  const reached = Promise.withResolvers<void>();
  source.onBlock = (position, signal) => {
    if (position < 5 * PIECE) return;
    reached.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const decide = () => ({ kind: "back_to_source", description: "" }) as const;
  await using node = await SwarmNode.start(new Swarm(), { source, decide });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const read = codeOf(readAll(handle));
  await reached.promise;
  await node.tasks[Symbol.asyncDispose]();
  assert.equal(await read, "cancelled");
  assert.equal(await codeOf(handle.sealed), "cancelled");
  assert.deepEqual(node.storage.find(handle.taskId)?.finishedPieces(), [0, 1, 2, 3, 4]);
  assert.equal(await codeOf(node.tasks.open(requestFor(CONTENT), NEVER)), "cancelled");
  assert.equal(node.control.openSessions, 0);
});

Deno.test("a reader who does not read holds up nobody, and nothing is buffered for him", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const idle = handle.read({ start: 0, end: CONTENT.length });
  await handle.sealed;
  assert.deepEqual(await readAll(handle), CONTENT);
  await idle.cancel();
});

Deno.test("ranges are read exactly, however they cut the pieces", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await node.tasks.open(requestFor(CONTENT), NEVER);
  const ends = [0, 1, PIECE - 1, PIECE, PIECE + 1, CONTENT.length - 1, CONTENT.length];
  for (const start of ends) {
    for (const end of ends.filter((end) => end >= start)) {
      assert.deepEqual(await readAll(handle, { start, end }), CONTENT.slice(start, end), `${start}-${end}`);
    }
  }
});

Deno.test("what an earlier version of a content left is not mixed with the new one", async () => {
  const old = new FakeSource(blob(CONTENT.length, 2));
  old.onBlock = (position) => {
    if (position >= 5 * PIECE) throw sourceError({ status: 403 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source: old });
  const { digest: _, ...request } = requestFor(CONTENT);
  assert.equal(await codeOf(node.pull({ ...request, digest: undefined })), "source_error");
  old.content = CONTENT;
  old.responseHeaders = { etag: '"v2"' };
  old.onBlock = () => {};
  assert.deepEqual(await node.pull({ ...request, digest: undefined }), CONTENT);
});

/** A source whose content becomes another version, and the connection breaks, once `pieces` have come. */
function changingSource(pieces: number): FakeSource {
  const source = new FakeSource(blob(CONTENT.length, 2));
  source.onBlock = (position) => {
    if (position < pieces * PIECE || source.content === CONTENT) return;
    source.content = CONTENT;
    source.responseHeaders = { etag: '"v2"' };
    throw sourceError({ status: undefined });
  };
  return source;
}

Deno.test("a content that changes while it comes is not spliced: the download fails once, and the next is of one version", async () => {
  const source = changingSource(5);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const request = { ...requestFor(CONTENT), digest: undefined };
  assert.equal(await codeOf(node.pull(request)), "source_error");
  assert.equal(source.reads.length, 2);
  assert.equal(node.storage.find(request.taskId), undefined);
  assert.deepEqual(await node.pull(request), CONTENT);
});

Deno.test("a content with a digest goes on at a source that names its versions differently", async () => {
  const source = new FakeSource(CONTENT);
  source.onRead = (_, count) => void (source.responseHeaders = { etag: `"${count}"` });
  source.onBlock = (position) => {
    if (position >= 5 * PIECE && source.reads.length === 1) throw sourceError({ status: undefined });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
  assert.equal(source.reads.length, 2);
});

Deno.test("a server that names another version to HEAD than to GET can be downloaded from, interrupted or not", async () => {
  const source = new FakeSource(CONTENT);
  source.contentHeaders = { etag: '"v1-gzip"' };
  source.onBlock = (position) => {
    if (position >= 5 * PIECE && source.reads.length === 1) throw sourceError({ status: undefined });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.deepEqual(await node.pull({ ...requestFor(CONTENT), digest: undefined }), CONTENT);
  assert.equal(source.reads.length, 2);
});

Deno.test("a task in use cannot be deleted; one that is not goes, and the scheduler is told", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const handle: TaskHandle = await node.tasks.open(requestFor(CONTENT), NEVER);
  await handle.sealed;
  const { taskId } = handle;
  assert.equal(await codeOf(node.tasks.delete(taskId, NEVER)), "failed_precondition");
  await handle[Symbol.asyncDispose]();
  await node.tasks.delete(taskId, NEVER);
  assert.deepEqual(node.control.deleted, [taskId]);
  assert.equal(await codeOf(node.tasks.delete(taskId, NEVER)), "not_found");
});

Deno.test("nothing that is logged holds credentials or queries", async () => {
  const source = new FakeSource(CONTENT);
  source.onRead = () => {
    throw sourceError({ status: 500 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  assert.equal(await codeOf(node.pull(requestFor(CONTENT))), "source_error");
  assert.doesNotMatch(JSON.stringify(node.runtime.log.lines), /secret|Bearer/);
});

Deno.test("traffic is counted by where it came from", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await node.pull(requestFor(CONTENT, { tag: "t" }));
  await node.pull(requestFor(CONTENT));
  const { metrics } = node.runtime;
  assert.equal(metrics.value("dragonfly_client_download_traffic", { type: "BACK_TO_SOURCE" }), CONTENT.length);
  assert.equal(metrics.value("dragonfly_client_download_traffic", { type: "LOCAL_PEER" }), CONTENT.length);
  assert.equal(node.receivedBytes, CONTENT.length);
  const labels = { type: "STANDARD", tag: "t", app: "", priority: "6" };
  assert.equal(metrics.value("dragonfly_client_download_task_total", labels), 1);
  assert.equal(metrics.value("dragonfly_client_concurrent_download_task_total", labels), 0);
});

Deno.test("a scheduler that takes no reports does not hold up the bytes", async () => {
  const source = new FakeSource(CONTENT);
  const decide = () => ({ kind: "back_to_source", description: "" }) as const;
  await using node = await SwarmNode.start(new Swarm(), { source, decide });
  node.control.onSend = ({ kind }, signal) =>
    kind === "register" ? undefined : new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  assert.deepEqual(await node.pull(requestFor(CONTENT)), CONTENT);
});

Deno.test("a URL that no source has is the requester's mistake", async () => {
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(CONTENT) });
  for (const [url, code] of [["hf://owner/file", "unimplemented"], ["nonsense", "invalid_argument"]] as const) {
    const open = node.tasks.open(requestFor(CONTENT, { source: { url, headers: {} } }), NEVER);
    assert.equal(await codeOf(open), code);
  }
});

Deno.test("labels that requesters choose do not make metrics grow without end", async () => {
  await using node = await SwarmNode.start(new Swarm(), { source: new FakeSource(new Uint8Array(0)) });
  for (let i = 0; i < 70; i++) {
    await node.pull({ ...requestFor(new Uint8Array(0), { tag: `tag-${i}` }), taskId: `${i}`.padStart(64, "0") });
  }
  const labels = { type: "STANDARD", tag: "other", app: "", priority: "6" };
  assert.equal(node.runtime.metrics.value("dragonfly_client_download_task_total", labels), 6);
});

Deno.test("too many pieces are refused", async () => {
  const source = new FakeSource(CONTENT);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const stat = { contentLength: 2_000_000, acceptsRanges: true, responseHeaders: {} };
  assert.equal(await codeOf(node.tasks.open(requestFor(CONTENT, { pieceLength: 1, stat }), NEVER)), "invalid_argument");
});

Deno.test("a task kept under an id for other content is no hit for those who name a digest", async () => {
  const other = blob(5 * PIECE, 2);
  const source = new FakeSource(other);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const wanted = requestFor(CONTENT);
  await node.pull({ ...requestFor(other), taskId: wanted.taskId });
  source.content = CONTENT;
  assert.deepEqual(await node.pull(wanted), CONTENT);
  assert.deepEqual(await node.pull(wanted), CONTENT);
  assert.equal(source.reads.length, 2);
});

Deno.test("nobody joins a running download of the same id for a content with another digest", async () => {
  const other = blob(5 * PIECE, 2);
  const source = new FakeSource(other);
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  source.onBlock = () => (begun.resolve(), go.promise);
  await using node = await SwarmNode.start(new Swarm(), { source });
  const wanted = requestFor(CONTENT);
  await using first = await node.tasks.open({ ...requestFor(other), taskId: wanted.taskId }, NEVER);
  await begun.promise;
  assert.equal(await codeOf(node.tasks.open(wanted, NEVER)), "failed_precondition");
  go.resolve();
  await first.sealed;
});
