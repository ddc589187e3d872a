/** The services of a host whose downloads a test drives by hand. */
import { Turns } from "./turns.ts";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Client, credentials } from "@grpc/grpc-js";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan, pieceRange } from "../../core/piece.ts";
import { createRpcClient } from "../../rpc/client.ts";
import { Download, Network } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, DfdaemonUploadService } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { DownloadTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { type RpcServer, startRpcServer } from "../../rpc/server.ts";
import { type Clock, realClock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage, StoredTask } from "../storage/storage.ts";
import type { CacheTasks } from "../cache/cache_tasks.ts";
import type { TaskHandle, TaskRequest, Tasks } from "../task/task.ts";
import { downloadService } from "./download_service.ts";
import { UPLOAD_METHODS_WITHOUT_DEADLINE, uploadService, type UploadServiceOptions } from "./upload_service.ts";

export const CONTENT = Uint8Array.from({ length: 950 }, (_, index) => (index * 13) & 0xff);
export const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;
export const URL = `https://registry.example/v2/library/x/blobs/${DIGEST}`;
export const TASK_ID = DIGEST.slice("sha256:".length);
export const ADDRESS = { ip: "10.0.0.7", tcpPort: 4005 };

/** The tasks of a host whose downloads a test drives by hand. */
export class HandDriven implements Tasks {
  asksSourceAtOnce(): boolean {
    return false;
  }

  readonly requests: TaskRequest[] = [];
  readonly deleted: string[] = [];
  readonly #storage: Storage;
  readonly #pieceLength: number;
  opened = 0;
  #sealed = Promise.withResolvers<void>();
  #refusal: unknown;

  constructor(storage: Storage, pieceLength = 100) {
    this.#storage = storage;
    this.#pieceLength = pieceLength;
    this.#sealed.promise.catch(() => undefined);
  }

  async open(request: TaskRequest): Promise<TaskHandle> {
    this.requests.push(request);
    if (this.#refusal !== undefined) throw this.#refusal;
    this.opened += 1;
    const task = await this.create(request.taskId);
    const traffic = { backToSource: 0, remotePeer: 0, localPeer: 0 };
    return {
      ...{ taskId: request.taskId, peerId: "peer-1", contentLength: CONTENT.length, pieceLength: this.#pieceLength },
      responseHeaders: { "content-type": "text/plain" },
      isLocalHit: task.record.isSealed,
      read: () => assert.fail("nobody reads"),
      sealed: task.record.isSealed ? Promise.resolve(traffic) : this.#sealed.promise.then(() => traffic),
      traffic: () => traffic,
      [Symbol.asyncDispose]: () => Promise.resolve(void (this.opened -= 1)),
    };
  }

  /** From now on tasks cannot be opened. */
  refuse(error: unknown): void {
    this.#refusal = error;
  }

  async create(taskId = TASK_ID): Promise<StoredTask> {
    const plan = piecePlan(CONTENT.length, this.#pieceLength);
    return await this.#storage.open({
      taskId,
      url: URL,
      plan,
      digest: parseDigest(DIGEST),
      responseHeaders: { a: "b" },
    });
  }

  async finish(...numbers: number[]): Promise<StoredTask> {
    const task = await this.create();
    for (const number of numbers) {
      const { start, end } = pieceRange(task.record.plan, number);
      using writer = task.openPiece(number);
      await writer?.write(CONTENT.subarray(start, end));
      await writer?.commit({ parentId: "", trafficType: "back_to_source", costMs: 1500 });
    }
    return task;
  }

  async finishAll(): Promise<void> {
    const { pieceCount } = (await this.create()).record.plan;
    const task = await this.finish(...Array.from({ length: pieceCount }, (_, number) => number));
    await task.seal(new AbortController().signal);
    this.#sealed.resolve();
  }

  fail(error: unknown): void {
    this.#sealed.reject(error);
  }

  delete(taskId: string): Promise<void> {
    this.deleted.push(taskId);
    return this.#storage.delete(taskId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

export interface Bench extends AsyncDisposable {
  readonly tasks: HandDriven;
  readonly storage: Storage;
  readonly disk: MemoryDisk;
  readonly metrics: MemoryMetrics;
  readonly server: RpcServer;
}

export async function openTestStorage(clock: Clock, disk: Disk = new MemoryDisk()): Promise<Storage> {
  return await openStorage({
    ...{ dir: "/store", keep: true, taskTtlMs: 1e9, databasePath: MEMORY_DATABASE },
    ...{ diskThresholdBytes: 0, diskHighThresholdPercent: 90, diskLowThresholdPercent: 80 },
  }, { disk, clock, log: new MemoryLog() });
}

export async function startBench(changes: Partial<UploadServiceOptions> = {}, disk = new MemoryDisk()): Promise<Bench> {
  const clock = realClock();
  const metrics = new MemoryMetrics();
  await using stack = new AsyncDisposableStack();
  const storage = stack.use(await openTestStorage(clock, disk));
  await disk.mkdirAll("/out/dir");
  const tasks = new HandDriven(storage);
  const unasked = () => Promise.reject(new DamselflyError("internal", "Nobody asks"));
  const source = { stat: unasked, list: unasked };
  const cached = { cache: {} as CacheTasks, cacheStorage: storage, cacheTtlMs: 1 };
  const deps = { tasks, storage, clock, source, hostId: "host-1", ...cached };
  const upload = uploadService({
    ...deps,
    metrics,
    turns: new Turns(clock),
    destinations: { check: () => Promise.resolve(undefined) },
    pieceAddress: ADDRESS,
    disableShared: false,
    stopping: new AbortController().signal,
    hostLoad: () => Network.create({ maxTxBandwidth: 1000, txBandwidth: 10 }),
    ...changes,
  });
  const left: string[] = [];
  const download = downloadService({
    ...deps,
    ...(changes.source !== undefined && { source: changes.source }),
    disk,
    metrics,
    random: seededRandom(3),
    deleteHost: () => Promise.resolve(void left.push("")),
  });
  const server = stack.use(
    await startRpcServer({
      listen: { hostname: "127.0.0.1", port: 0 },
      services: [upload, download],
      ignoreDeadlineOf: UPLOAD_METHODS_WITHOUT_DEADLINE,
      log: new MemoryLog(),
      clock,
    }),
  );
  const opened = stack.move();
  return { tasks, storage, disk, metrics, server, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

export const limited = { signal: new AbortController().signal, timeoutMs: 5_000 };

export function uploadClient({ server }: Bench) {
  return createRpcClient(DfdaemonUploadService, `127.0.0.1:${server.port}`, { clock: realClock() });
}

export function downloadClient({ server }: Bench) {
  return createRpcClient(DfdaemonDownloadService, `127.0.0.1:${server.port}`, { clock: realClock() });
}

/** A client that shows what comes of a call one by one. */
export function rawClient({ server }: Bench): Client & Disposable {
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

export function downloadOf(changes: Partial<Download> = {}): { download: Download } {
  return { download: Download.create({ url: URL, enableTaskIdBasedBlobDigest: true, ...changes }) };
}

export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}

export function describe({ response }: DownloadTaskResponse): string {
  if (response?.$case === "downloadPieceFinishedResponse") return `piece ${response.value.piece?.number}`;
  return `started ${response?.value.contentLength} ${response?.value.pieces.length} ${response?.value.isFinished}`;
}
