/**
 * How fast pieces go from one peer's store to another's, over loopback, two processes. Prints ratios to a bare copy over
 * a TCP connection in the same run, since absolute numbers are the machine's; the second line is the least that a
 * receiver has to do.
 *
 *     deno run -A tests/bench/piece_transfer.ts [MiB]
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { cpuUsage } from "node:process";
import { type Digest, parseDigest } from "../../src/core/digest.ts";
import { piecePlan, pieceRange } from "../../src/core/piece.ts";
import { createPieceClient, type PieceClientLimits } from "../../src/peer/piece/vortex_client.ts";
import { openStorage } from "../../src/peer/storage/open_storage.ts";
import type { Storage } from "../../src/peer/storage/storage.ts";
import { startPieceServer } from "../../src/peer/upload/vortex_server.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realMetrics } from "../../src/runtime/metrics.ts";
import type { Endpoint } from "../../src/runtime/net.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realNet } from "../../src/runtime/real_net.ts";

const MIB = 1024 * 1024;
const CONTENT_BYTES = Number(Deno.args.find((arg) => /^\d+$/.test(arg)) ?? 1024) * MIB;
const IN_FLIGHT = 8;
const ROUNDS = 3;
const LOOPBACK = { hostname: "127.0.0.1", port: 0 };
const never = new AbortController().signal;
const clock = realClock();
const net = realNet();
const disk = realDisk(realRandom());

/** The piece lengths of the two rules for a content of some hundred MiB. */
const PIECE_LENGTHS = [512 * 1024, 4 * MIB];

function open(dir: string): Promise<Storage> {
  const options = { dir, keep: false, taskTtlMs: 1e12, diskThresholdBytes: 0 };
  return openStorage({ ...options, diskHighThresholdPercent: 99, diskLowThresholdPercent: 98 }, {
    disk,
    clock,
    log: silentLog(),
  });
}

function taskId(pieceLength: number): string {
  return pieceLength.toString(16).padStart(64, "0");
}

function initOf(pieceLength: number, digest: Digest | undefined) {
  const plan = piecePlan(CONTENT_BYTES, pieceLength);
  return { taskId: taskId(pieceLength), url: "https://example.com/", plan, digest, responseHeaders: {} };
}

/** The parent's process: a store with the content under both piece lengths, a piece server, and a bare TCP server. */
async function serve(dir: string): Promise<void> {
  await using storage = await open(dir);
  const block = realRandom().bytes(512 * 1024);
  const hash = createHash("sha256");
  for (let done = 0; done < CONTENT_BYTES; done += block.length) hash.update(block);
  for (const pieceLength of PIECE_LENGTHS) {
    const task = await storage.open(initOf(pieceLength, undefined));
    for (let number = 0; number < task.record.plan.pieceCount; number++) {
      const { start, end } = pieceRange(task.record.plan, number);
      using writer = task.openPiece(number);
      for (let position = start; position < end; position += block.length) await writer?.write(block);
      await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 0 });
    }
    await task.seal(never);
  }
  const server = startPieceServer({
    ...{ listen: LOOPBACK, storage, net, clock, log: silentLog(), metrics: realMetrics() },
    onSent: () => {},
  });
  const bare = net.listen(LOOPBACK);
  console.log(JSON.stringify({ piecePort: server.port, barePort: bare.port, digest: `sha256:${hash.digest("hex")}` }));
  for await (const conn of bare) {
    for (let sent = 0; sent < CONTENT_BYTES; sent += block.length) await conn.write(block);
    conn.close();
  }
}

async function readBare(from: Endpoint): Promise<void> {
  using conn = await net.connect(from, never);
  const buffer = new Uint8Array(512 * 1024);
  while (await conn.read(buffer) !== null);
}

/** The least that a receiver has to do: take the bytes, hash them, write them to a new file. */
async function readToFile(from: Endpoint, path: string): Promise<void> {
  await disk.remove(path);
  await using file = await disk.openFile(path, { create: true, truncateTo: CONTENT_BYTES });
  using conn = await net.connect(from, never);
  const buffer = new Uint8Array(512 * 1024);
  const hash = createHash("sha256");
  for (let position = 0; position < CONTENT_BYTES;) {
    let filled = 0;
    while (filled < buffer.length) {
      const count = await conn.read(buffer.subarray(filled));
      if (count === null) throw new Error("The connection ended early");
      filled += count;
    }
    hash.update(buffer);
    await file.write(buffer, position);
    position += filled;
  }
}

interface Fetch {
  readonly pieceLength: number;
  readonly digest: Digest | undefined;
  readonly limits: Partial<PieceClientLimits>;
}

async function fetchAll(from: Endpoint, dir: string, { pieceLength, digest, limits }: Fetch): Promise<void> {
  await using storage = await open(dir);
  await using client = createPieceClient({ net, clock }, limits);
  const task = await storage.open(initOf(pieceLength, digest));
  let next = 0;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (next < task.record.plan.pieceCount) {
      const number = next++;
      const { start, end } = pieceRange(task.record.plan, number);
      using writer = task.openPiece(number);
      if (writer === undefined) throw new Error(`Piece ${number} cannot be written`);
      const wanted = { taskId: taskId(pieceLength), number, offset: start, length: end - start };
      const fetched = await client.fetchPiece(from, wanted, writer, never);
      await writer.commit({ parentId: "p", trafficType: "remote_peer", costMs: 0, expectedDigest: fetched.digest });
    }
  }));
  await task.seal(never);
  sealedAt = clock.now();
}

/** Disposal of the store brings the content to stable storage, which no download waits for. */
let sealedAt = 0;

/** Megabytes per second, and the receiver's processor time: the latter says more on a busy machine. */
interface Cost {
  readonly speed: number;
  readonly cpuSecondsPerGib: number;
}

async function costOf(run: () => Promise<void>): Promise<Cost> {
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [startedAt, cpuBefore] = [clock.now(), cpuUsage()];
    sealedAt = 0;
    await run();
    const { user, system } = cpuUsage(cpuBefore);
    const speed = CONTENT_BYTES / 1e3 / ((sealedAt === 0 ? clock.now() : sealedAt) - startedAt);
    costs.push({ speed, cpuSecondsPerGib: (user + system) / 1e6 / (CONTENT_BYTES / 1024 ** 3) });
  }
  return costs.sort((a, b) => a.speed - b.speed)[ROUNDS >> 1] ?? { speed: 0, cpuSecondsPerGib: 0 };
}

function print(title: string, { speed, cpuSecondsPerGib }: Cost, bare: Cost): void {
  const ratio = (speed / bare.speed).toFixed(2);
  console.log(`${title}: ${speed.toFixed(0)} MB/s, ratio ${ratio}, ${cpuSecondsPerGib.toFixed(2)} CPU s/GiB`);
}

async function main(): Promise<void> {
  const dir = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename ?? "", "serve", join(dir, "parent"), String(CONTENT_BYTES / MIB)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const ready = JSON.parse((await reader.read()).value ?? "") as {
      piecePort: number;
      barePort: number;
      digest: string;
    };
    const from = { hostname: "127.0.0.1", port: ready.piecePort };
    const bareFrom = { hostname: "127.0.0.1", port: ready.barePort };
    const bare = await costOf(() => readBare(bareFrom));
    print("bare copy over TCP", bare, bare);
    print("copy over TCP, sha256, into a new file", await costOf(() => readToFile(bareFrom, join(dir, "copy"))), bare);
    const digest = parseDigest(ready.digest);
    for (const pieceLength of PIECE_LENGTHS) {
      const cases: readonly [string, Partial<Fetch>][] = [
        ["no content hash", {}],
        ["sha256 of the content", { digest }],
        ["sha256, a connection per piece", { digest, limits: { idleMax: 0 } }],
      ];
      for (const [title, changes] of cases) {
        const fetch = { pieceLength, digest: undefined, limits: {}, ...changes };
        const cost = await costOf(() => fetchAll(from, join(dir, "child"), fetch));
        print(`pieces of ${pieceLength / 1024} KiB, ${title}`, cost, bare);
      }
    }
    await reader.cancel();
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
}

if (Deno.args[0] === "serve") await serve(Deno.args[1] ?? "");
else await main();
