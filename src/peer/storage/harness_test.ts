/** Storages for the tests of this folder, in memory and on a real disk. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import type { Disk } from "../../runtime/disk.ts";
import { realRandom } from "../../runtime/random.ts";
import { realDisk } from "../../runtime/real_disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { MEMORY_DATABASE, openStorage, type StorageOptions } from "./open_storage.ts";
import type { PieceRecord, Storage, StoredTask, TaskInit } from "./storage.ts";

export const never = new AbortController().signal;
export const TASK_ID = "ab".repeat(32);
export const FROM_SOURCE = { parentId: "", trafficType: "back_to_source", costMs: 1 } as const;

export function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff);
}

export function initOf(content: Uint8Array, pieceLength: number, changes: Partial<TaskInit> = {}): TaskInit {
  const hex = createHash("sha256").update(content).digest("hex");
  return {
    taskId: TASK_ID,
    url: "https://registry.example/blob",
    plan: piecePlan(content.length, pieceLength),
    digest: parseDigest(`sha256:${hex}`),
    responseHeaders: { "content-type": "application/octet-stream" },
    ...changes,
  };
}

export async function writePiece(
  task: StoredTask,
  content: Uint8Array,
  number: number,
  parentId = "",
): Promise<PieceRecord> {
  using writer = task.openPiece(number);
  assert(writer !== undefined);
  const { start, end } = pieceRange(task.record.plan, number);
  const middle = start + ((end - start) >> 1);
  await writer.write(content.subarray(start, middle));
  await writer.write(content.subarray(middle, end));
  return await writer.commit({ ...FROM_SOURCE, parentId });
}

export async function writeAll(task: StoredTask, content: Uint8Array): Promise<void> {
  for (let number = 0; number < task.record.plan.pieceCount; number++) await writePiece(task, content, number);
}

export async function store(
  storage: Storage,
  content: Uint8Array,
  changes: Partial<TaskInit> = {},
): Promise<StoredTask> {
  const task = await storage.open(initOf(content, 100, changes));
  await writeAll(task, content);
  await task.seal(never);
  return task;
}

export interface Bench {
  readonly disk: Disk;
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly options: StorageOptions;
  open(changes?: Partial<StorageOptions>): Promise<Storage>;
}

export function benchOf(disk: Disk, dir: string, databasePath: string): Bench {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  const options = {
    dir,
    keep: true,
    taskTtlMs: 1_000_000,
    diskThresholdBytes: 0,
    diskHighThresholdPercent: 80,
    diskLowThresholdPercent: 60,
    databasePath,
  };
  return {
    disk,
    clock,
    log,
    options,
    open: (changes) => openStorage({ ...options, ...changes }, { disk, clock, log }),
  };
}

export function memoryBench(disk: Disk = new MemoryDisk()): Bench {
  return benchOf(disk, "/store", MEMORY_DATABASE);
}

export async function onDisk(run: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(benchOf(realDisk(realRandom()), dir, join(dir, "metadata.db")));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

export function fileOf({ options }: Bench, taskId = TASK_ID): string {
  return join(options.dir, "content/tasks", taskId.slice(0, 3), taskId);
}

export function hasCode(code: DamselflyError["code"]): (error: unknown) => boolean {
  return (error) => error instanceof DamselflyError && error.code === code;
}
