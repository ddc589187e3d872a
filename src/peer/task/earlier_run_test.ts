/** Downloads that go on with what an earlier run left. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { piecePlan } from "../../core/piece.ts";
import type { Disk } from "../../runtime/disk.ts";
import { GatedDisk } from "../../testing/gated_disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { openStorage } from "../storage/open_storage.ts";
import type { Storage } from "../storage/storage.ts";
import { blob, FakeSource, NEVER, PIECE, readAll, requestFor, Swarm, SwarmNode } from "./harness_test.ts";

const CONTENT = blob(10 * PIECE);
const REQUEST = requestFor(CONTENT);

/** Writes the first pieces, and seals nothing. */
async function leavePieces(opened: Storage, pieceCount: number): Promise<void> {
  await using storage = opened;
  const { taskId, digest } = REQUEST;
  const plan = piecePlan(CONTENT.length, PIECE);
  const task = await storage.open({ taskId, digest, plan, url: "http://registry/v2/r/blobs/x", responseHeaders: {} });
  for (let number = 0; number < pieceCount; number++) {
    using writer = task.openPiece(number);
    await writer?.write(CONTENT.subarray(number * PIECE, (number + 1) * PIECE));
    await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1 });
  }
}

/** Runs `run` with what an earlier run left of the content: a way to open it. */
async function afterRun(
  pieceCount: number,
  run: (open: (wrap: (disk: Disk) => Disk) => ReturnType<typeof openStorage>) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const memory = new MemoryDisk();
  const open = (wrap: (disk: Disk) => Disk) => {
    const limits = { diskThresholdBytes: 0, diskHighThresholdPercent: 80, diskLowThresholdPercent: 60 };
    const options = { dir: "/store", keep: true, taskTtlMs: 3_600_000, databasePath: join(dir, "metadata.db") };
    return openStorage({ ...options, ...limits }, { ...testRuntime(), disk: wrap(memory) });
  };
  try {
    await leavePieces(await open((disk) => disk), pieceCount);
    await run(open);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("what an earlier run left is not fetched again, and is given before all of it is checked", () =>
  afterRun(7, async (open) => {
    const gated = new GatedDisk();
    const source = new FakeSource(CONTENT);
    const storage = await open((disk) => gated.wrap(disk));
    await using node = await SwarmNode.start(new Swarm(), { source, storage });
    await using handle = await node.tasks.open(REQUEST, NEVER);
    const reader = handle.read({ start: 5 * PIECE, end: 6 * PIECE }).getReader();
    const first = reader.read();
    // The piece that was begun with, then the one that the reader waits for, and the reader itself.
    for (const position of [0, 5 * PIECE, 5 * PIECE]) await gated.letThrough(position);
    const { value } = await first;
    assert.deepEqual(value, CONTENT.subarray(5 * PIECE, 5 * PIECE + (value?.length ?? 0)));
    gated.open();
    await reader.cancel();
    assert.deepEqual(await readAll(handle), CONTENT);
    assert.deepEqual(source.reads.map(({ range }) => range), [{ start: 7 * PIECE, end: 10 * PIECE }]);
    assert.equal((await handle.sealed).localPeer, 7 * PIECE);
  }));

Deno.test("parents are asked for nothing but what an earlier run did not leave, also before that is checked", () =>
  afterRun(7, async (open) => {
    const swarm = new Swarm();
    await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
    await parent.pull(REQUEST);
    const gated = new GatedDisk();
    const storage = await open((disk) => gated.wrap(disk));
    const decide = () => ({ kind: "from_parents", parents: [swarm.peer(parent)] }) as const;
    await using node = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT), storage, decide });
    const handle = await node.tasks.open(REQUEST, NEVER);
    const stored = storage.find(REQUEST.taskId);
    while ((stored?.finishedPieceCount ?? 0) < 3) await stored?.nextChange(NEVER);
    assert.deepEqual([stored?.finishedPieces(), swarm.fetches], [[7, 8, 9], 3]);
    gated.open();
    await handle.sealed;
    await handle[Symbol.asyncDispose]();
    assert.equal(swarm.fetches, 3);
  }));

Deno.test("a piece that turns out to be wrong is fetched once the rest is, and no other", () =>
  afterRun(7, async (open) => {
    const source = new FakeSource(CONTENT);
    const spoiled = async (disk: Disk) => {
      await using file = await disk.openFile(`/store/content/tasks/${REQUEST.taskId.slice(0, 3)}/${REQUEST.taskId}`, {
        write: true,
      });
      await file.write(Uint8Array.of((CONTENT[3_500] ?? 0) ^ 1), 3_500);
    };
    let spoiling = Promise.resolve();
    const storage = await open((disk) => (spoiling = spoiled(disk), disk));
    await spoiling;
    await using node = await SwarmNode.start(new Swarm(), { source, storage });
    assert.deepEqual(await node.pull(REQUEST), CONTENT);
    const ranges = source.reads.map(({ range }) => range).sort((a, b) => a.start - b.start);
    assert.deepEqual(ranges.map(({ start }) => start), [3 * PIECE, 7 * PIECE]);
    assert.equal(ranges.reduce((sum, { start, end }) => sum + end - start, 0), 4 * PIECE);
  }));

Deno.test("of what is complete and was not sealed yet neither scheduler nor source is asked", () =>
  afterRun(10, async (open) => {
    const storage = await open((disk) => disk);
    const source = new FakeSource(CONTENT);
    const decide = () => ({ kind: "back_to_source", description: "" }) as const;
    await using node = await SwarmNode.start(new Swarm(), { source, storage, decide });
    assert.deepEqual(await node.pull(REQUEST), CONTENT);
    assert.deepEqual([source.reads.length, node.control.kinds()], [0, []]);
  }));
