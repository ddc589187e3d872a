/** Processes that are killed, told to stop and started again: what they have finished counts, what they have not does not. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFile, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { waitFor } from "../e2e/lib/wait.ts";
import { type PeerMain, startPeerMain } from "./mains.ts";
import { drain, gate, image, layer, layerBytes, REPOSITORY, Stage } from "./stage.ts";

const PIECE_BYTES = 512 * 1024;
const FINISHED_PIECES = 6;
/** Promise P1: the most that one fault may cost (design §2). */
const LOST_MS_MAX = 5_000;
/** A graceful stop lets requests go on for 5 s. */
const STOP_MS_MAX = 8_000;
const STORED_TIMEOUT_MS = 20_000;

function blobOf(peer: PeerMain, stage: Stage): Promise<Response> {
  return fetch(`${peer.mirror}/v2/${REPOSITORY}/blobs/${layer.digest}?ns=${stage.registry.namespace}`);
}

async function assertRight(response: Response): Promise<void> {
  const { bytes, isComplete } = await drain(response);
  assert.equal(isComplete, true);
  assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, layer.digest);
}

/** Reads a body until so many bytes have come, and keeps the rest for later. */
async function readUpTo(response: Response, bytes: number): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = response.body?.getReader();
  assert.ok(reader);
  for (let got = 0; got < bytes;) {
    const { value, done } = await reader.read();
    assert.ok(!done, `the body ended after ${got} bytes`);
    got += value.length;
  }
  return reader;
}

/** Holds the first request for the big layer's content in the middle of a piece, until `until`. */
function holdFirst(stage: Stage, until: Promise<unknown>): void {
  let gets = 0;
  stage.fault = ({ method, path }) => {
    if (method !== "GET" || !path.endsWith(layer.digest) || gets++ > 0) return undefined;
    return { kind: "hold", afterBytes: FINISHED_PIECES * PIECE_BYTES + PIECE_BYTES / 2, until };
  };
}

/** Kills a peer that has finished some pieces and written half of another one. */
async function killInTheMiddle(stage: Stage): Promise<PeerMain> {
  const { opened, open } = gate();
  holdFirst(stage, opened);
  await using peer = await startPeerMain(stage, "peer");
  const reader = await readUpTo(await blobOf(peer, stage), FINISHED_PIECES * PIECE_BYTES);
  await untilStored(peer, FINISHED_PIECES);
  await peer.process.kill();
  open();
  await reader.cancel().catch(() => {});
  return peer;
}

/** Waits until a peer has written the records of so many pieces: they wait for each other a moment. */
async function untilStored({ dir }: PeerMain, count: number): Promise<void> {
  await waitFor(`${count} pieces to be stored`, STORED_TIMEOUT_MS, async () => {
    return await storedPieces(join(dir, "storage")) >= count || undefined;
  });
}

/** How many pieces a copy of the database has: the peer has it locked. */
async function storedPieces(storage: string): Promise<number> {
  const copy = await mkdtemp(join(storage, "copy-"));
  try {
    for (const name of ["metadata.db", "metadata.db-wal"]) await copyFile(join(storage, name), join(copy, name));
    using database = new DatabaseSync(join(copy, "metadata.db"));
    return Number(database.prepare("SELECT COUNT(*) AS count FROM piece").get()?.["count"]);
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** Statuses and bytes of the requests for the big layer's content but the first, sorted by bytes. */
function laterAnswers(stage: Stage): [number, number][] {
  const answers = stage.layerRequests().slice(1).map(({ status, bytes }): [number, number] => [status, bytes]);
  return answers.sort(([, a], [, b]) => a - b);
}

Deno.test("a peer that is killed keeps its finished pieces, and trusts no half-written one", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  await killInTheMiddle(stage);
  await using peer = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(peer, stage));
  assert.deepEqual(laterAnswers(stage), [[206, layer.size - FINISHED_PIECES * PIECE_BYTES]]);
});

Deno.test("a finished piece that is not what it was before the crash is fetched again", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const { dir } = await killInTheMiddle(stage);
  const taskId = layer.digest.replace("sha256:", "");
  await using file = await open(join(dir, "storage", "content", "tasks", taskId.slice(0, 3), taskId), "r+");
  await file.write(new Uint8Array(100), 0, 100, 2 * PIECE_BYTES + 7);
  await using peer = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(peer, stage));
  assert.deepEqual(laterAnswers(stage), [[206, PIECE_BYTES], [206, layer.size - FINISHED_PIECES * PIECE_BYTES]]);
});

Deno.test("a complete blob outlives a crash and needs no byte of the registry", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const first = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(first, stage));
  await first.process.kill();
  await using second = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(second, stage));
  assert.equal(stage.layerBytesSent(), layer.size);
});

Deno.test("SIGTERM ends a peer within seconds, in the middle of a download too, and leaves nothing behind", async () => {
  await using stage = await Stage.open({ nodes: [] });
  const { opened, open } = gate();
  holdFirst(stage, opened);
  const peer = await startPeerMain(stage, "peer");
  await stage.untilHosts(1);
  const reader = await readUpTo(await blobOf(peer, stage), FINISHED_PIECES * PIECE_BYTES);
  const startedAt = performance.now();
  await peer.process.stop();
  const ms = performance.now() - startedAt;
  open();
  await reader.cancel().catch(() => {});
  assert.ok(ms < STOP_MS_MAX, `the stop took ${Math.round(ms)} ms`);
  await stage.untilHosts(0);
  await assert.rejects(stat(join(peer.dir, "dfdaemon.sock")), { code: "ENOENT" });
  assert.doesNotMatch(peer.process.log(), /"level":"error"|^\s+at /m);
});

Deno.test("SIGHUP has a peer read its configuration anew, in the middle of a download too", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const { opened, open } = gate();
  holdFirst(stage, opened);
  await using peer = await startPeerMain(stage, "peer");
  const reader = await readUpTo(await blobOf(peer, stage), FINISHED_PIECES * PIECE_BYTES);
  const file = join(peer.dir, "dfdaemon.yaml");
  await writeFile(file, `${await readFile(file, "utf8")}log: { level: debug }\ngc: { interval: 5m }\n`);
  process.kill(peer.process.pid, "SIGHUP");
  await peer.process.ready("word of the new configuration", LOST_MS_MAX, () => {
    return peer.process.log().includes("The configuration was read anew") || undefined;
  });
  assert.match(peer.process.log(), /"changed":\["log\.level"\],"needRestart":\["gc\.interval"\]/);
  open();
  await reader.cancel();
  await assertRight(await blobOf(peer, stage));
});

Deno.test("an idle peer ends at once on SIGTERM, and what it had is there when it starts again", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const first = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(first, stage));
  const startedAt = performance.now();
  await first.process.stop();
  const ms = performance.now() - startedAt;
  assert.ok(ms < LOST_MS_MAX / 2, `the stop took ${Math.round(ms)} ms`);
  await using second = await startPeerMain(stage, "peer");
  await assertRight(await blobOf(second, stage));
  assert.equal(stage.layerBytesSent(), layer.size);
});

Deno.test("a seed peer that crashes in the middle of a pull costs no more than what it had not passed on", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1", "peer-2"] });
  const { opened, open } = gate();
  holdFirst(stage, opened);
  const seed = await startPeerMain(stage, "seed", { isSeed: true });
  await stage.untilHosts(3);
  const node = stage.node("peer-1");
  const pulling = node.blob();
  await node.untilTraffic(({ remotePeer }) => remotePeer >= FINISHED_PIECES * PIECE_BYTES);
  await seed.process.kill();
  open();
  await assertRight(await pulling);
  assert.deepEqual(laterAnswers(stage), [[206, layer.size - FINISHED_PIECES * PIECE_BYTES]]);

  // The scheduler has not been told that the seed peer is gone.
  const pulls = await Promise.all(["peer-1", "peer-2"].map((name) => stage.node(name).pull()));
  for (const { ms, digest } of pulls) {
    assert.equal(digest, image.index.digest);
    assert.ok(ms < LOST_MS_MAX, `a pull took ${Math.round(ms)} ms`);
  }
  const others = layerBytes - layer.size;
  const rest = stage.layerRequests().filter(({ path }) => !path.endsWith(layer.digest));
  assert.equal(rest.reduce((sum, { bytes }) => sum + bytes, 0), others);
});
