/** Readers of parts of a content that is still being fetched from its source. */
import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { settle } from "../../testing/virtual_clock.ts";
import type { TaskHandle } from "./task.ts";
import { blob, FakeSource, NEVER, readAll, requestFor, sourceError, Swarm, SwarmNode } from "./harness_test.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 64 * KIB;
const CONTENT = blob(64 * MIB + 1_000);
/** As our own rule cuts a content of this length. */
const REQUEST = requestFor(CONTENT, { pieceLength: 512 * KIB });

function slowly(source: FakeSource): FakeSource {
  source.blockBytes = BLOCK;
  return source;
}

/** Bytes that the source gave, of all transfers together. */
function counting(source: FakeSource): { bytes: number } {
  const given = { bytes: 0 };
  source.onBlock = () => {
    given.bytes += BLOCK;
  };
  return given;
}

/** The transfer of everything has begun: whoever reads now comes after it. */
async function begun({ tasks }: SwarmNode, source: FakeSource): Promise<TaskHandle> {
  const handle = await tasks.open(REQUEST, NEVER);
  while (source.reads.length === 0) await settle();
  return handle;
}

async function assertRead(handle: TaskHandle, start: number, end: number): Promise<void> {
  const bytes = await readAll(handle, { start, end });
  assert.equal(Buffer.compare(bytes, CONTENT.subarray(start, end)), 0, `${start} to ${end}`);
}

/** A source whose one transfer of everything stops after its first block, until the test opens the gate. */
function heldSource() {
  const gate = Promise.withResolvers<void>();
  const source = slowly(new FakeSource(CONTENT));
  source.onBlock = async (position, signal) => {
    signal.throwIfAborted();
    if (position < BLOCK || position >= 30 * MIB) return;
    const left = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => left.reject(signal.reason), { once: true });
    await Promise.race([gate.promise, left.promise]);
  };
  return { source, gate };
}

Deno.test("a reader of a far part does not wait for what is before it", async () => {
  const { source, gate } = heldSource();
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  await assertRead(handle, 40 * MIB + 5, 40 * MIB + 300);
  assert.deepEqual(source.reads.map(({ range }) => range), [
    { start: 0, end: CONTENT.length },
    { start: 40 * MIB, end: 40 * MIB + 512 * KIB },
  ]);
  gate.resolve();
  await assertRead(handle, 0, CONTENT.length);
  await handle.sealed;
  assert.equal(source.openBodies, 0);
});

Deno.test("parallel readers of open ends who leave in the middle share one copy, each with its own transfer", async () => {
  const { source, gate } = heldSource();
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  await Promise.all([32, 40, 48].map(async (start) => {
    const reader = handle.read({ start: start * MIB, end: CONTENT.length }).getReader();
    for (let position = start * MIB; position < (start + 2) * MIB;) {
      const { value } = await reader.read();
      assert.ok(value !== undefined);
      assert.equal(Buffer.compare(value, CONTENT.subarray(position, position + value.length)), 0);
      position += value.length;
    }
    await reader.cancel();
  }));
  const given = counting(source);
  gate.resolve();
  await assertRead(handle, 0, CONTENT.length);
  assert.ok(given.bytes <= CONTENT.length + BLOCK, `${given.bytes} bytes`);
  assert.ok(source.reads.length <= 8, `${source.reads.length} requests`);
});

Deno.test("two thousand small parts of a cold content are right, and cost about one copy", async () => {
  const source = slowly(new FakeSource(CONTENT));
  const given = counting(source);
  const random = seededRandom(5);
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  const readers = Array.from({ length: 8 }, async () => {
    for (let count = 0; count < 250; count++) {
      const start = random.below(CONTENT.length - 10_000);
      await assertRead(handle, start, start + 1 + random.below(10_000));
    }
  });
  await Promise.all(readers);
  await handle.sealed;
  assert.ok(given.bytes <= 1.5 * CONTENT.length, `${given.bytes} bytes`);
  assert.ok(source.reads.length <= 140, `${source.reads.length} requests`);
});

Deno.test("a transfer that comes to where another one is leaves the rest to it", async () => {
  const source = slowly(new FakeSource(CONTENT));
  const [first, far] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let firstBytes = 0;
  source.onBlock = async (position) => {
    if (source.reads.length > 1 && position >= 40 * MIB + BLOCK && position < 41 * MIB) await far.promise;
    if (position === BLOCK) await first.promise;
    if (position < 40 * MIB) firstBytes += BLOCK;
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  const read = assertRead(handle, 40 * MIB, 56 * MIB);
  while (source.reads.length < 2) await settle();
  first.resolve();
  // The first transfer is at its end when it is gone: only the one of the reader is left.
  while (firstBytes < 40 * MIB || source.openBodies > 1) await settle();
  assert.equal(node.storage.find(handle.taskId)?.piece(80), undefined);
  far.resolve();
  await read;
  await handle.sealed;
});

Deno.test("a source that turns out to know no ranges still gives everything, to readers elsewhere too", async () => {
  const { source, gate } = heldSource();
  source.ignoresRanges = true;
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  const far = assertRead(handle, 40 * MIB, 40 * MIB + 300);
  while (source.reads.length < 2) await settle();
  gate.resolve();
  await far;
  await handle.sealed;
  assert.deepEqual(source.reads.map(({ range }) => range.start), [0, 40 * MIB]);
});

Deno.test("a range that the source ignores does not hide what else it refuses", async () => {
  const { source, gate } = heldSource();
  source.ignoresRanges = true;
  const read = source.read.bind(source);
  source.read = async (request, range, ...rest) => {
    const body = await read(request, range, ...rest);
    await gate.promise;
    await body[Symbol.asyncDispose]();
    throw sourceError({ status: 410 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  const far = readAll(handle, { start: 40 * MIB, end: 40 * MIB + 300 });
  while (source.reads.length < 2) await settle();
  gate.resolve();
  await assert.rejects(far, { code: "source_error" });
  await assert.rejects(handle.sealed, { code: "source_error" });
  assert.equal(source.reads.length, 2);
});

Deno.test("a transfer for a reader elsewhere that fails for good fails the download, and ends the others", async () => {
  const { source } = heldSource();
  source.onRead = (_request, count) => {
    if (count > 1) throw sourceError({ status: 410 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  await assert.rejects(readAll(handle, { start: 40 * MIB, end: 40 * MIB + 300 }), { code: "source_error" });
  await assert.rejects(handle.sealed, { code: "source_error" });
  assert.equal(source.openBodies, 0);
});

Deno.test("transfers that one requester is refused for at the same time cost only him, not those who come after", async () => {
  const { source, gate } = heldSource();
  const both = Promise.withResolvers<void>();
  let refused = 0;
  const read = source.read.bind(source);
  source.read = async (request, range, ...rest) => {
    if (range.start === 0 || request.headers["authorization"] === "Bearer new") {
      return await read(request, range, ...rest);
    }
    if (++refused === 2) both.resolve();
    await both.promise;
    throw sourceError({ status: 401 });
  };
  await using node = await SwarmNode.start(new Swarm(), { source });
  await using handle = await begun(node, source);
  const renewed = { ...REQUEST.source, headers: { authorization: "Bearer new" } };
  await using _other = await node.tasks.open({ ...REQUEST, source: renewed }, NEVER);
  const reads = [40 * MIB, 50 * MIB].map((start) => assertRead(handle, start, start + 300));
  await Promise.all(reads);
  gate.resolve();
  await handle.sealed;
  assert.equal(refused, 2);
});
