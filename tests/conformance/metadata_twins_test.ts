import assert from "node:assert/strict";
import { parseDigest } from "../../src/core/digest.ts";
import { piecePlan } from "../../src/core/piece.ts";
import { Metadata, type TaskMetadata } from "../../src/peer/storage/metadata.ts";
import { MEMORY_DATABASE } from "../../src/peer/storage/open_storage.ts";
import type { PieceRecord, Retention, TaskInit } from "../../src/peer/storage/storage.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { MemoryMetadata } from "../../src/testing/memory_metadata.ts";

function testMetadata(promise: string, run: (metadata: TaskMetadata) => void): void {
  const twins: Record<string, () => TaskMetadata> = {
    real: () => new Metadata(MEMORY_DATABASE, realClock(), (error) => assert.fail(error)),
    memory: () => new MemoryMetadata(),
  };
  for (const [kind, open] of Object.entries(twins)) {
    Deno.test(`${kind} metadata: ${promise}`, () => {
      using metadata = open();
      run(metadata);
    });
  }
}

const RETENTION: Retention = {
  ...{ isPersistent: true, ttlMs: 90, expiresAtMs: 99, peerId: "p", replicaCount: 2, tag: "t", application: "a" },
};

function init(id: string): TaskInit {
  return {
    taskId: id.repeat(64),
    url: "https://registry.example/blob",
    plan: piecePlan(10_000_000, 4_000_000),
    digest: parseDigest(`sha256:${id.repeat(64)}`),
    responseHeaders: { "content-type": "text/plain" },
  };
}

function piece(number: number): PieceRecord {
  return { number, digest: `crc32:${number}`, parentId: "p", trafficType: "remote_peer", costMs: 5, finishedAtMs: 9 };
}

testMetadata("a task is remembered as it was added and changed", (metadata) => {
  const key = metadata.addTask(init("a"), 1);
  metadata.recut(key, 2_000_000, true);
  metadata.touch(key, 2);
  metadata.retain(key, RETENTION);
  metadata.seal(key, 3);
  const [row] = metadata.tasks();
  assert.deepEqual(row, {
    key,
    finishedPieceCount: 0,
    record: {
      ...init("a"),
      ...{ plan: piecePlan(10_000_000, 2_000_000), isOwnCut: true, otherIds: [], isSealed: true },
      retention: RETENTION,
      ...{ createdAtMs: 1, updatedAtMs: 2, finishedAtMs: 3 },
    },
  });
});

testMetadata("pieces come in their order, and those that are removed are gone", (metadata) => {
  const [key, other] = [metadata.addTask(init("a"), 1), metadata.addTask(init("b"), 1)];
  for (const number of [2, 0, 1]) metadata.addPiece(key, piece(number));
  metadata.flush();
  metadata.removePieces(key, [1]);
  assert.deepEqual(metadata.pieces(key), [piece(0), piece(2)]);
  assert.deepEqual([metadata.piece(key, 0), metadata.piece(key, 1), metadata.piece(other, 0)], [
    piece(0),
    undefined,
    undefined,
  ]);
  assert.deepEqual(metadata.tasks().map(({ finishedPieceCount }) => finishedPieceCount), [2, 0]);
});

testMetadata("the last record of a piece counts, and none that comes after it suffers", (metadata) => {
  const key = metadata.addTask(init("a"), 1);
  const last = { ...piece(0), parentId: "q" };
  metadata.addPiece(key, piece(0));
  metadata.flush();
  for (const record of [{ ...last, costMs: 7 }, last, piece(1)]) metadata.addPiece(key, record);
  assert.deepEqual(metadata.piece(key, 0), last);
  metadata.flush();
  assert.deepEqual(metadata.tasks().map(({ finishedPieceCount }) => finishedPieceCount), [2]);
  assert.deepEqual(metadata.pieces(key), [last, piece(1)]);
});

testMetadata("an id names one task, the last that it was given to", (metadata) => {
  const [key, other] = [metadata.addTask(init("a"), 1), metadata.addTask(init("b"), 1)];
  for (const id of ["c1", "c2", "c3"]) metadata.addId(key, id);
  metadata.addId(other, "c1");
  metadata.removeId("c2");
  assert.deepEqual(metadata.tasks().map(({ record }) => record.otherIds), [["c3"], ["c1"]]);
});

testMetadata("a task that is removed takes its pieces with it", (metadata) => {
  const [key, other] = [metadata.addTask(init("a"), 1), metadata.addTask(init("b"), 1)];
  metadata.addPiece(key, piece(0));
  metadata.removeTask(key);
  assert.deepEqual([metadata.pieces(key), metadata.tasks().map((row) => row.key)], [[], [other]]);
  metadata.clear();
  assert.deepEqual(metadata.tasks(), []);
});
