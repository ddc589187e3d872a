import assert from "node:assert/strict";
import { join } from "node:path";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import { realClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { realRandom } from "../../runtime/random.ts";
import { realDisk } from "../../runtime/real_disk.ts";
import { openStorage } from "./open_storage.ts";
import type { Storage } from "./storage.ts";
import { ROWS_WAIT_MS } from "./waiting_rows.ts";

const TASK_ID = "ef".repeat(32);
const PLAN = piecePlan(64 * 1024 * 40, 64 * 1024);

function open(dir: string): Promise<Storage> {
  return openStorage({
    dir,
    keep: true,
    taskTtlMs: 1e9,
    diskThresholdBytes: 0,
    diskHighThresholdPercent: 99,
    diskLowThresholdPercent: 98,
  }, { disk: realDisk(realRandom()), clock: realClock(), log: silentLog() });
}

function init() {
  return { taskId: TASK_ID, url: "https://example.com/x", plan: PLAN, digest: undefined, responseHeaders: {} };
}

/** In the child: finishes piece after piece, says so a moment later, and is killed while it writes another one. */
async function writeUntilKilled(dir: string): Promise<void> {
  const storage = await open(dir);
  const task = await storage.open(init());
  for (let number = 0; number < PLAN.pieceCount; number += 2) {
    const half = task.openPiece(number + 1);
    await half?.write(new Uint8Array(1000).fill(0xee));
    using writer = task.openPiece(number);
    await writer?.write(new Uint8Array(PLAN.pieceLength).fill(number));
    await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1 });
    if (number % 8 === 0) await realClock().sleep(2 * ROWS_WAIT_MS, new AbortController().signal);
    if (number % 8 === 0) console.log(Array.from({ length: number / 2 + 1 }, (_, index) => 2 * index).join("\n"));
  }
  await new Promise(() => setInterval(() => undefined, 1000));
}

if (Deno.args[0] === "write-until-killed") await writeUntilKilled(Deno.args[1] ?? "");

Deno.test("after a kill every piece is there that was finished a moment before, and no half-written one", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", import.meta.filename ?? "", "write-until-killed", dir],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const finished: number[] = [];
    const lines = child.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of lines) {
      finished.push(...text.split("\n").filter((line) => line !== "").map(Number));
      if (finished.length >= 8) break;
    }
    child.kill("SIGKILL");
    await child.status;
    await using storage = await open(dir);
    const task = await storage.open(init());
    await task.checked(new AbortController().signal);
    const restored = task.finishedPieces();
    for (const number of finished) assert(restored.includes(number), `piece ${number} was finished`);
    assert(restored.every((number) => number % 2 === 0), "the odd ones were half-written");
    for (const number of restored) {
      const { start, end } = pieceRange(PLAN, number);
      const buffer = new Uint8Array(end - start);
      await task.read(buffer, start);
      assert(buffer.every((byte) => byte === number));
    }
    assert((await Deno.stat(join(dir, "metadata.db"))).isFile);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
