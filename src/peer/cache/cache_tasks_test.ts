import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { pieceRange } from "../../core/piece.ts";
import { Host, Peer, PersistentCacheTask } from "../../rpc/gen/common/v2/common.ts";
import { durationOfMs, msOfDuration, timestampOfMs } from "../../rpc/time.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { type CacheControl, type CacheCopy, isSameImport } from "../control/cache_control.ts";
import type { Decision, PeerEvent, PeerSession } from "../control/control.ts";
import { UNLIMITED } from "../piece/bandwidth_limit.ts";
import type { ParentRpc } from "../piece/parent.ts";
import type { PieceClient } from "../piece/vortex_client.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage } from "../storage/storage.ts";
import type { CacheHandle, ImportRequest } from "./cache_tasks.ts";
import { createCacheTasks } from "./create_cache_tasks.ts";

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;
const PIECE = 4 << 20;
const CONTENT = Uint8Array.from({ length: 2 * PIECE + 77 }, (_, index) => (index * 31 + (index >> 9)) & 0xff);
const ID = createHash("sha256").update(CONTENT).update("PERSISTENT_CACHE").digest("hex");
const PARENT = Peer.create({ id: "parent", host: Host.create({ id: "parent-host", ip: "127.0.0.1", port: 4000 }) });

/** A scheduler in memory, as one host sees it. */
class FakeControl implements CacheControl {
  readonly hostId = "host";
  readonly said: string[] = [];
  readonly tasks = new Map<string, PersistentCacheTask>();
  decide: (event: PeerEvent) => Decision | undefined = () => ({ kind: "from_parents", parents: [PARENT] });
  onStarted: () => void | Promise<void> = () => {};
  onFinished: () => void = () => {};
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  know(taskId: string, parts: Partial<PersistentCacheTask> = {}): void {
    const lengths = { pieceLength: PIECE, contentLength: CONTENT.length, pieceCount: 3 };
    const times = { createdAt: timestampOfMs(this.#nowMs()), ttl: durationOfMs(HOUR_MS) };
    const task = { id: taskId, state: "Succeeded", persistentReplicaCount: 1, ...lengths, ...times, ...parts };
    this.tasks.set(taskId, PersistentCacheTask.create(task));
  }

  openSession(taskId: string, _peerId: string, isPersistent: boolean): Promise<PeerSession> {
    this.said.push(`session ${taskId.slice(0, 4)} ${isPersistent}`);
    let asked: PeerEvent | undefined;
    return Promise.resolve({
      send: (event) => {
        this.said.push(event.kind);
        asked = event;
        return Promise.resolve();
      },
      isAlive: () => Promise.resolve(true),
      nextDecision: () => Promise.try(() => asked === undefined ? undefined : this.decide(asked)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async uploadStarted({ taskId, retention: { ttlMs, replicaCount } }: CacheCopy): Promise<void> {
    this.said.push(`upload started ${ttlMs} ${replicaCount}`);
    if (this.tasks.has(taskId)) throw new DamselflyError("already_exists", "It is there");
    await this.onStarted();
  }

  uploadFinished({ taskId }: CacheCopy): Promise<PersistentCacheTask> {
    return Promise.try(() => {
      this.said.push("upload finished");
      this.onFinished();
      return PersistentCacheTask.create({ id: taskId, state: "Succeeded" });
    });
  }

  uploadFailed(_copy: CacheCopy, description: string): Promise<void> {
    this.said.push(`upload failed: ${description}`);
    return Promise.resolve();
  }

  stat(taskId: string): Promise<PersistentCacheTask> {
    const task = this.tasks.get(taskId);
    return task === undefined
      ? Promise.reject(new DamselflyError("not_found", "Nobody imported it"))
      : Promise.resolve(task);
  }

  remove(taskId: string): Promise<void> {
    this.tasks.delete(taskId);
    return Promise.resolve();
  }

  isSuperseded: CacheControl["isSuperseded"] = ({ taskId, retention }) => {
    const { createdAt, ttl } = this.tasks.get(taskId) ?? {};
    if (createdAt === undefined || ttl === undefined) return Promise.resolve(false);
    return Promise.resolve(!isSameImport({ expiresAtMs: msOfDuration(createdAt) + msOfDuration(ttl) }, retention));
  };

  copyPresent({ retention: { isPersistent } }: CacheCopy): Promise<void> {
    this.said.push(`present ${isPersistent}`);
    return Promise.resolve();
  }

  copyDeleted(): Promise<void> {
    return Promise.resolve();
  }
}

/** A parent that has all of {@link CONTENT}, unless `behave` fails. */
function parentWith(behave: (number: number, signal: AbortSignal) => void | Promise<void> = () => {}) {
  const fetched: number[] = [];
  const parentRpc: ParentRpc = {
    async *syncPieces(_parent, { interestedPieceNumbers }) {
      for (const number of interestedPieceNumbers) {
        const { start, end } = pieceRange({ contentLength: CONTENT.length, pieceLength: PIECE, pieceCount: 3 }, number);
        yield await Promise.resolve({ number, offset: start, length: end - start, ip: "127.0.0.1", tcpPort: 4005 });
      }
    },
    async *syncHost() {},
  };
  const pieceClient: PieceClient = {
    async fetchPiece(_from, { number, offset, length }, sink, signal) {
      fetched.push(number);
      await behave(number, signal);
      await sink.write(CONTENT.subarray(offset, offset + length));
      return { digest: "" };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { parentRpc, pieceClient, fetched };
}

async function openBench(options: { disk?: Disk; parent?: ReturnType<typeof parentWith>; clock?: VirtualClock } = {}) {
  const { disk = new MemoryDisk(), parent = parentWith(), clock = new VirtualClock() } = options;
  const runtime = testRuntime({ disk, clock });
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(
    await openStorage({
      ...{ dir: "/store", keep: true, taskTtlMs: 1e9, databasePath: MEMORY_DATABASE },
      ...{ family: "persistent-cache-tasks" },
      ...{ diskThresholdBytes: 0, diskHighThresholdPercent: 90, diskLowThresholdPercent: 80 },
    }, runtime),
  );
  await disk.mkdirAll("/data/dir");
  await using file = await disk.openFile("/data/file", { create: true });
  await file.write(CONTENT, 0);
  const control = new FakeControl(() => clock.wallMs());
  const cache = stack.use(createCacheTasks({
    ...{ storage, control, runtime, ...parent, parentsLimit: UNLIMITED, onReceived: () => {} },
    identity: { ip: "127.0.0.1", hostname: "host", isSeed: false },
    options: {
      concurrentPieceCount: 2,
      maxScheduleCount: 3,
      collectedPieceTimeoutMs: 360_000,
      parentStallTimeoutMs: 5_000,
    },
  }));
  const opened = stack.move();
  return { cache, storage, control, clock, runtime, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function importOf(parts: Partial<ImportRequest> = {}): ImportRequest {
  const rest = { contentForTaskId: undefined, tag: undefined, application: undefined, pieceLength: undefined };
  return { path: "/data/file", replicaCount: 2, ttlMs: HOUR_MS, ...rest, ...parts };
}

const wanted = (taskId = ID) => ({ taskId, isPersistent: false, digest: undefined });

async function contentOf(storage: Storage, taskId = ID): Promise<Uint8Array> {
  const bytes = new Uint8Array(CONTENT.length);
  await storage.find(taskId)?.read(bytes, 0);
  return bytes;
}

/** Opens a task and waits for all of it. */
async function sealed(opening: Promise<CacheHandle>): Promise<void> {
  using handle = await opening;
  await handle.sealed;
}

Deno.test("an import copies the file into a task that is to stay, and tells the scheduler before and after", async () => {
  await using bench = await openBench();
  const task = await bench.cache.importFile(importOf(), NEVER);
  assert.equal(task.id, ID);
  assert.deepEqual(bench.control.said, [`upload started ${HOUR_MS} 2`, "upload finished"]);
  assert.deepEqual(await contentOf(bench.storage), CONTENT);
  const { retention, isSealed, plan } = bench.storage.find(ID)?.record ?? {};
  assert.deepEqual([retention?.isPersistent, retention?.ttlMs, isSealed, plan?.pieceLength], [
    true,
    HOUR_MS,
    true,
    PIECE,
  ]);
});

Deno.test("a text decides the id when one is given, and the file is read once", async () => {
  await using bench = await openBench();
  const id = createHash("sha256").update("a text").digest("hex");
  assert.equal((await bench.cache.importFile(importOf({ contentForTaskId: "a text" }), NEVER)).id, id);
  assert.deepEqual(await contentOf(bench.storage, id), CONTENT);
});

Deno.test("what is no file cannot be imported, nor what the swarm has, and nothing is left of it", async () => {
  await using bench = await openBench();
  const wrong = { code: "invalid_argument" };
  await assert.rejects(bench.cache.importFile(importOf({ path: "/data/none" }), NEVER), wrong);
  await assert.rejects(bench.cache.importFile(importOf({ path: "/data/dir" }), NEVER), wrong);
  await assert.rejects(bench.cache.importFile(importOf({ pieceLength: 1 }), NEVER), wrong);
  bench.control.know(ID);
  await assert.rejects(bench.cache.importFile(importOf(), NEVER), { code: "already_exists" });
  assert.deepEqual(bench.storage.list(), []);
});

Deno.test("of two imports of one file at once the second is told so", async () => {
  await using bench = await openBench();
  const [first, second] = await Promise.allSettled([1, 2].map(() => bench.cache.importFile(importOf(), NEVER)));
  assert.equal(first?.status, "fulfilled");
  assert.equal(second?.status === "rejected" && second.reason.code, "already_exists");
});

Deno.test("an import whose file changes, or whose end the scheduler refuses, leaves nothing, and the scheduler knows", async () => {
  const disk = new MemoryDisk();
  await using bench = await openBench({ disk });
  bench.control.onFinished = () => {
    throw new DamselflyError("resource_exhausted", "No room");
  };
  await assert.rejects(bench.cache.importFile(importOf(), NEVER), { code: "resource_exhausted" });
  assert.deepEqual([bench.storage.list(), bench.control.said.at(-1)], [[], "upload failed: No room"]);
  let reads = 0;
  const openFile = disk.openFile.bind(disk);
  disk.openFile = async (path, options) => {
    if (path === "/data/file" && ++reads === 2) {
      await using file = await openFile(path, { write: true });
      await file.write(new Uint8Array([1, 2, 3]), 5);
    }
    return await openFile(path, options);
  };
  await assert.rejects(bench.cache.importFile(importOf(), NEVER), { code: "failed_precondition" });
  assert.deepEqual(bench.storage.list(), []);
  assert.match(bench.control.said.at(-1) ?? "", /upload failed: .* changed/);
});

/** A disk on which a file is other than its size says, as if somebody wrote to it meanwhile. */
function diskWithSize(path: string, size: number): MemoryDisk {
  const disk = new MemoryDisk();
  const stat = disk.stat.bind(disk);
  disk.stat = async (asked) => {
    const known = await stat(asked);
    return known === undefined || asked !== path ? known : { ...known, size };
  };
  return disk;
}

Deno.test("a file that grows or shrinks while it is imported is told to have changed", async () => {
  for (const size of [CONTENT.length - 1, CONTENT.length + 1]) {
    await using bench = await openBench({ disk: diskWithSize("/data/file", size) });
    for (const contentForTaskId of [undefined, "a text"]) {
      const importing = bench.cache.importFile(importOf({ contentForTaskId }), NEVER);
      await assert.rejects(importing, { code: "failed_precondition", message: /changed/ });
    }
    assert.deepEqual(bench.storage.list(), []);
  }
});

Deno.test("a file that somebody goes on writing to is not read without end", async () => {
  await using bench = await openBench({ disk: diskWithSize("/data/file", 10) });
  await assert.rejects(bench.cache.importFile(importOf(), NEVER), { code: "failed_precondition" });
  assert.deepEqual(bench.control.said, [], "it was given up before there was anything to tell");
});

Deno.test("what is left on this host under the id of an import is replaced", async () => {
  await using bench = await openBench();
  const taskId = createHash("sha256").update("a text").digest("hex");
  const plan = { contentLength: CONTENT.length, pieceLength: PIECE, pieceCount: 3 };
  const left = await bench.storage.open({ taskId, url: "", plan, digest: undefined, responseHeaders: {} });
  {
    using writer = left.openPiece(0);
    await writer?.write(new Uint8Array(PIECE));
    await writer?.commit({ parentId: "", trafficType: "remote_peer", costMs: 0 });
  }
  await bench.cache.importFile(importOf({ contentForTaskId: "a text" }), NEVER);
  assert.deepEqual(await contentOf(bench.storage, taskId), CONTENT);
});

Deno.test("there is a limit to what is under way", async () => {
  await using bench = await openBench();
  const proceed = Promise.withResolvers<void>();
  bench.control.onStarted = () => proceed.promise;
  const texts = Array.from({ length: 257 }, (_, index) => `text ${index}`);
  const imports = texts.map((contentForTaskId) => bench.cache.importFile(importOf({ contentForTaskId }), NEVER));
  const settled = Promise.allSettled(imports);
  await assert.rejects(Promise.race(imports), { code: "resource_exhausted" });
  proceed.reject(new DamselflyError("unavailable", "The scheduler is gone"));
  const codes = (await settled).map((result) => result.status === "rejected" && result.reason.code);
  assert.equal(codes.filter((code) => code === "resource_exhausted").length, 1);
});

Deno.test("requests for one task are one download, and the next is a local hit", async () => {
  const parent = parentWith();
  await using bench = await openBench({ parent });
  bench.control.know(ID);
  await Promise.all([sealed(bench.cache.open(wanted(), NEVER)), sealed(bench.cache.open(wanted(), NEVER))]);
  assert.deepEqual(parent.fetched.sort(), [0, 1, 2]);
  assert.deepEqual(await contentOf(bench.storage), CONTENT);
  assert.equal(bench.control.said.filter((what) => what === "piece_finished").length, 3);
  assert.deepEqual([bench.control.said[0], bench.control.said.at(-1)], [`session ${ID.slice(0, 4)} false`, "finished"]);
  using again = await bench.cache.open(wanted(), NEVER);
  assert.equal(again.isLocalHit, true);
});

Deno.test("a task expires at the same moment on all hosts, and an expired copy is not given to anybody", async () => {
  await using bench = await openBench();
  bench.control.know(ID);
  await bench.clock.advance(HOUR_MS / 2);
  await sealed(bench.cache.open(wanted(), NEVER));
  assert.equal(bench.storage.find(ID)?.record.retention?.expiresAtMs, bench.clock.wallMs() + HOUR_MS / 2);
  await bench.clock.advance(HOUR_MS / 2);
  bench.control.tasks.clear();
  await assert.rejects(bench.cache.open(wanted(), NEVER), { code: "not_found" });
  assert.deepEqual(bench.storage.list(), []);
});

Deno.test("what is left of an earlier import under the same id is not mixed with a later one", async () => {
  let isBroken = true;
  const parent = parentWith((number) => {
    if (isBroken && number === 2) throw new DamselflyError("unavailable", "Connection reset");
  });
  await using bench = await openBench({ parent });
  bench.control.know(ID);
  await assert.rejects(sealed(bench.cache.open(wanted(), NEVER)));
  isBroken = false;
  await sealed(bench.cache.open(wanted(), NEVER));
  assert.equal(parent.fetched.filter((number) => number === 0).length, 1, "of the same import it counts");
  await bench.cache.delete(ID);
  isBroken = true;
  bench.control.know(ID, { ttl: durationOfMs(2 * HOUR_MS) });
  await assert.rejects(sealed(bench.cache.open(wanted(), NEVER)));
  isBroken = false;
  bench.control.know(ID, { ttl: durationOfMs(3 * HOUR_MS) });
  await sealed(bench.cache.open(wanted(), NEVER));
  assert.equal(parent.fetched.filter((number) => number === 0).length, 3, "of another one it does not");
});

Deno.test("a complete copy is not taken for a later import that has its id", async () => {
  const parent = parentWith();
  await using bench = await openBench({ parent });
  bench.control.know(ID);
  await sealed(bench.cache.open(wanted(), NEVER));
  const before = bench.storage.find(ID)?.record.retention?.expiresAtMs ?? 0;
  bench.control.know(ID, { ttl: durationOfMs(2 * HOUR_MS) });
  using opened = await bench.cache.open(wanted(), NEVER);
  assert.equal(opened.isLocalHit, false);
  await opened.sealed;
  assert.equal(parent.fetched.length, 6, "all of it comes again");
  assert.equal(bench.storage.find(ID)?.record.retention?.expiresAtMs, before + HOUR_MS);
});

Deno.test("a copy that is here is had without a scheduler, and one that does not answer is not waited for long", async () => {
  await using bench = await openBench();
  bench.control.know(ID);
  await sealed(bench.cache.open(wanted(), NEVER));
  bench.control.isSuperseded = () => Promise.reject(new DamselflyError("unavailable", "Nobody there"));
  using first = await bench.cache.open(wanted(), NEVER);
  assert.equal(first.isLocalHit, true);
  bench.control.isSuperseded = () => new Promise(() => {});
  const slow = bench.cache.open(wanted(), NEVER);
  await bench.clock.advance(2_000);
  using second = await slow;
  assert.equal(second.isLocalHit, true);
  const left = new AbortController();
  const leaving = bench.cache.open(wanted(), left.signal);
  left.abort(new DamselflyError("cancelled", "Left"));
  await assert.rejects(leaving, { code: "cancelled" });
});

Deno.test("another digest fails only who asked for it, whether the task comes or is there", async () => {
  await using bench = await openBench();
  bench.control.know(ID);
  const hex = createHash("sha256").update(CONTENT).digest("hex");
  const right = { ...wanted(), digest: parseDigest(`sha256:${hex}`) };
  const wrong = { ...wanted(), digest: parseDigest(`sha256:${"00".repeat(32)}`) };
  for (let turn = 0; turn < 2; turn++) {
    const [a, b] = await Promise.allSettled([right, wrong].map((request) => sealed(bench.cache.open(request, NEVER))));
    assert.equal(a?.status, "fulfilled");
    assert.equal(b?.status === "rejected" && b.reason.code, "data_loss");
  }
});

Deno.test("an id that is none, an import that is not complete and a task of nobody are told apart", async () => {
  await using bench = await openBench();
  await assert.rejects(bench.cache.open(wanted("../etc"), NEVER), { code: "invalid_argument" });
  await assert.rejects(bench.cache.stat("1111", NEVER), { code: "invalid_argument" });
  await assert.rejects(bench.cache.open(wanted(), NEVER), { code: "not_found" });
  bench.control.know(ID, { state: "Uploading" });
  await assert.rejects(bench.cache.open(wanted(), NEVER), { code: "failed_precondition" });
  bench.control.know(ID, { pieceLength: 1 });
  await assert.rejects(bench.cache.open(wanted(), NEVER), { code: "invalid_argument" });
});

Deno.test("a download without parents, or with parents that fail, fails with the reason, and the next one tries anew", async () => {
  let isBroken = true;
  const parent = parentWith(() => {
    if (isBroken) throw new DamselflyError("unavailable", "Connection refused");
  });
  await using bench = await openBench({ parent });
  bench.control.know(ID);
  await assert.rejects(sealed(bench.cache.open(wanted(), NEVER)), { code: "failed_precondition" });
  assert.equal(bench.control.said.filter((what) => what === "reschedule").length, 2, "at most 3 sets of parents");
  assert.equal(bench.control.said.at(-1), "failed");
  bench.control.decide = () => {
    throw new DamselflyError("unavailable", "The scheduler is gone");
  };
  await assert.rejects(sealed(bench.cache.open(wanted(), NEVER)), /The scheduler is gone/);
  isBroken = false;
  bench.control.decide = () => ({ kind: "from_parents", parents: [PARENT] });
  await sealed(bench.cache.open(wanted(), NEVER));
});

Deno.test("a host does not get pieces from itself, whatever the scheduler knows of an earlier copy", async () => {
  const parent = parentWith();
  await using bench = await openBench({ parent });
  bench.control.know(ID);
  const itself = Peer.create({ id: "earlier", host: Host.create({ id: "host", ip: "127.0.0.1", port: 4000 }) });
  bench.control.decide = () => ({ kind: "from_parents", parents: [itself] });
  await assert.rejects(sealed(bench.cache.open(wanted(), NEVER)), { code: "failed_precondition" });
  assert.deepEqual(parent.fetched, []);
});

Deno.test("a copy that is asked to stay does, and one that is asked for again is told to the scheduler", async () => {
  await using bench = await openBench();
  bench.control.know(ID);
  await assert.rejects(bench.cache.persist(ID), { code: "not_found" });
  await sealed(bench.cache.open(wanted(), NEVER));
  assert.equal(bench.storage.find(ID)?.record.retention?.isPersistent, false);
  await bench.cache.persist(ID);
  assert.equal(bench.storage.find(ID)?.record.retention?.isPersistent, true);
  await sealed(bench.cache.open({ ...wanted(), isPersistent: true }, NEVER));
  assert.equal(bench.control.said.at(-1), "present true");
  await sealed(bench.cache.open(wanted(), NEVER));
  assert.equal(bench.storage.find(ID)?.record.retention?.isPersistent, true, "a request takes no promise back");
});

Deno.test("a copy is deleted, but not while it comes", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using bench = await openBench({ parent: parentWith(() => promise) });
  bench.control.know(ID);
  await assert.rejects(bench.cache.delete(ID), { code: "not_found" });
  using handle = await bench.cache.open(wanted(), NEVER);
  await assert.rejects(bench.cache.delete(ID), { code: "failed_precondition" });
  await assert.rejects(bench.cache.persist(ID), { code: "failed_precondition" });
  resolve();
  await handle.sealed;
  await bench.cache.delete(ID);
  assert.deepEqual(bench.storage.list(), []);
});

Deno.test("stopping ends what is under way at once", async () => {
  const stuck = parentWith((_number, signal) => {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const bench = await openBench({ parent: stuck });
  bench.control.know(ID);
  using handle = await bench.cache.open(wanted(), NEVER);
  const ended = assert.rejects(handle.sealed, { code: "cancelled" });
  await bench[Symbol.asyncDispose]();
  await ended;
});

Deno.test("stopping ends an import, and waits until the scheduler is told", async () => {
  const bench = await openBench();
  const disk = bench.runtime.disk;
  const openFile = disk.openFile.bind(disk);
  let stopped: Promise<void> | undefined;
  disk.openFile = (path, options) => {
    if (path === "/data/file") stopped ??= bench[Symbol.asyncDispose]();
    return openFile(path, options);
  };
  let isTold = false;
  bench.control.uploadFailed = async () => {
    await settle();
    isTold = true;
  };
  const importing = bench.cache.importFile(importOf({ contentForTaskId: "a text" }), NEVER);
  await assert.rejects(importing, { code: "cancelled" });
  await stopped;
  assert.equal(isTold, true);
});
