/** What a peer holds of a content, made wrong behind its back. */
import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { pieceDigest } from "../../src/core/digest.ts";

const WRONG_PIECE = 3;

/**
 * Changes a byte of what is in the storage of a stopped peer of a task of four pieces or more, and its records with it:
 * its pieces pass for right ones.
 */
export async function makeLiar(storageDir: string, taskId: string): Promise<void> {
  await using file = await open(join(storageDir, "content", "tasks", taskId.slice(0, 3), taskId), "r+");
  using db = new DatabaseSync(join(storageDir, "metadata.db"));
  const task = db.prepare("SELECT key, piece_length FROM task WHERE id = ?").get(taskId);
  assert(task !== undefined, `there is no task ${taskId}`);
  const pieceLength = Number(task["piece_length"]);
  const piece = new Uint8Array(pieceLength);
  await file.read(piece, 0, pieceLength, WRONG_PIECE * pieceLength);
  piece[5] = (piece[5] ?? 0) ^ 1;
  await file.write(piece, 0, pieceLength, WRONG_PIECE * pieceLength);
  const { changes } = db.prepare("UPDATE piece SET digest = ? WHERE number = ? AND task_key = ?")
    .run(pieceDigest(crc32(piece)), WRONG_PIECE, Number(task["key"]));
  assert.equal(changes, 1);
}
