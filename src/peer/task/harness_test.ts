/** A swarm in memory for the tests of this folder: real storages and tasks, between them only what a test scripts. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type BlockList, NOTHING_BLOCKED } from "../../core/block_list.ts";
import type { ByteRange } from "../../core/byte_range.ts";
import { type Digest, parseDigest, pieceDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { hostIdOf } from "../../core/host_id.ts";
import { pieceLengthOf, piecePlan, pieceRange } from "../../core/piece.ts";
import { BUILD_PLATFORM } from "../../core/version.ts";
import { type Host, type Peer, Task } from "../../rpc/gen/common/v2/common.ts";
import type { SyncPiecesRequest, SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Endpoint } from "../../runtime/net.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { seededRandom } from "../../testing/seeded_random.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { Control, Decision, HeldTask, PeerEvent, PeerSession } from "../control/control.ts";
import { UNLIMITED } from "../piece/bandwidth_limit.ts";
import type { ChildFacts, Parent, ParentRpc } from "../piece/parent.ts";
import type { FetchedPiece, PieceClient, PieceSink, WantedPiece } from "../piece/vortex_client.ts";
import type {
  BegunContent,
  Source,
  SourceAnswer,
  SourceBody,
  SourceContent,
  SourceRequest,
  SourceStat,
} from "../source/source.ts";
import { contentVersion } from "../storage/content_version.ts";
import { MEMORY_DATABASE, openStorage } from "../storage/open_storage.ts";
import type { Storage } from "../storage/storage.ts";
import type { TaskHandle, TaskRequest } from "./task.ts";
import type { DownloadLimits } from "./download.ts";
import type { PullJournal } from "./pull_journal.ts";
import { createTasks, type TasksOptions } from "./tasks.ts";

export const NEVER = new AbortController().signal;
export const PIECE = 1_000;

/** Bytes that differ from place to place and from seed to seed. */
export function blob(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 17 + seed * 101) & 0xff);
}

export function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** A request for `bytes` as a blob, cut into pieces of {@link PIECE} bytes. */
export function requestFor(bytes: Uint8Array, changes: Partial<TaskRequest> = {}): TaskRequest {
  const digest = digestOf(bytes);
  return {
    taskId: digest.hex,
    source: { url: `http://registry/v2/r/blobs/${digest.text}?token=secret`, headers: { authorization: "Bearer t" } },
    digest,
    priority: 6,
    filteredQueryParams: [],
    pieceLength: PIECE,
    isBlobDigestTaskId: true,
    needBackToSource: false,
    disableBackToSource: false,
    ...changes,
  };
}

export function sourceError(answer: Partial<SourceAnswer>): DamselflyError {
  const details: SourceAnswer = { status: undefined, headers: {}, body: new Uint8Array(0), ...answer };
  return new DamselflyError("source_error", `Cannot fetch: ${answer.status ?? "broken"}`, { details });
}

/** An origin in memory that remembers what it was asked, and misbehaves on demand. */
export class FakeSource implements Source {
  readonly stats: SourceRequest[] = [];
  readonly reads: { readonly range: ByteRange; readonly request: SourceRequest }[] = [];
  content: Uint8Array;
  acceptsRanges = true;
  ignoresRanges = false;
  responseHeaders: Record<string, string> = { etag: '"v1"' };
  /** What answers with content say, where that is not what a stat says. */
  contentHeaders: Record<string, string> | undefined;
  /** Throws to refuse. */
  onStat: (request: SourceRequest) => void | Promise<void> = () => {};
  onRead: (request: SourceRequest, count: number) => void = () => {};
  /** Called before each block with the position of its first byte. */
  onBlock: (position: number, signal: AbortSignal) => void | Promise<void> = () => {};
  openBodies = 0;
  /** It gives no more at a time. */
  blockBytes = 300;

  constructor(content: Uint8Array) {
    this.content = content;
  }

  async stat(request: SourceRequest, signal: AbortSignal): Promise<SourceStat> {
    this.stats.push(request);
    await this.onStat(request);
    signal.throwIfAborted();
    const { acceptsRanges, responseHeaders } = this;
    return { contentLength: this.content.length, acceptsRanges, responseHeaders };
  }

  async begin(request: SourceRequest, signal: AbortSignal): Promise<BegunContent> {
    const { acceptsRanges, responseHeaders, content: { length: contentLength } } = this;
    const range = { start: 0, end: contentLength };
    const body = await this.read(request, range, { contentLength, version: undefined }, signal);
    return { stat: { contentLength, acceptsRanges, responseHeaders }, body };
  }

  async read(
    request: SourceRequest,
    range: ByteRange,
    { version }: SourceContent,
    signal: AbortSignal,
  ): Promise<SourceBody> {
    this.reads.push({ range, request });
    this.onRead(request, this.reads.length);
    await Promise.resolve();
    if (this.ignoresRanges && range.start > 0) throw sourceError({ ignoresRange: true });
    if (version !== undefined && version["etag"] !== (this.contentHeaders ?? this.responseHeaders)["etag"]) {
      throw sourceError({ isOtherVersion: true });
    }
    let position = range.start;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    this.openBodies++;
    return {
      version: this.contentHeaders ?? this.responseHeaders,
      read: async (buffer) => {
        if (position >= range.end) return null;
        await this.onBlock(position, either);
        either.throwIfAborted();
        const part = this.content.subarray(
          position,
          Math.min(range.end, position + buffer.length, position + this.blockBytes),
        );
        const bytes = new Uint8Array(buffer.buffer.transfer(), 0, part.length);
        bytes.set(part);
        position += part.length;
        return { bytes };
      },
      [Symbol.asyncDispose]: () => {
        if (!ended.signal.aborted) this.openBodies--;
        ended.abort(sourceError({}));
        return Promise.resolve();
      },
    };
  }
}

/** A scheduler in memory: `decide` answers registers and reschedules; throwing breaks the stream. */
export type Decide = (
  event: PeerEvent,
  who: { readonly host: Host; readonly taskId: string; readonly peerId: string; readonly signal: AbortSignal },
) => Decision | undefined | Promise<Decision | undefined>;

export class FakeControl implements Control {
  readonly hostId: string;
  readonly events: PeerEvent[] = [];
  readonly announced: HeldTask[] = [];
  readonly deleted: string[] = [];
  openSessions = 0;
  isAlive = true;
  isSmallShared = true;
  decide: Decide | undefined;
  onSend: (event: PeerEvent, signal: AbortSignal) => void | Promise<void> = () => {};
  readonly #host: Host;

  constructor(host: Host, decide: Decide | undefined) {
    this.#host = host;
    this.hostId = host.id;
    this.decide = decide;
  }

  host(): Host {
    return this.#host;
  }

  blockList(): BlockList {
    return NOTHING_BLOCKED;
  }

  isAlone(): boolean {
    return this.decide === undefined;
  }

  sharesSmall(): boolean {
    return this.isSmallShared;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  openSession(taskId: string, peerId: string): Promise<PeerSession | undefined> {
    const { decide } = this;
    if (decide === undefined) return Promise.resolve(undefined);
    this.openSessions++;
    let asked: PeerEvent | undefined;
    return Promise.resolve({
      send: async (event, signal) => {
        this.events.push(event);
        if (event.kind === "register" || event.kind === "reschedule") asked = event;
        await this.onSend(event, signal);
      },
      isAlive: () => Promise.resolve(this.isAlive),
      nextDecision: async (signal) => {
        if (asked === undefined) throw new Error("Nothing was asked");
        return await decide(asked, { host: this.#host, taskId, peerId, signal });
      },
      [Symbol.asyncDispose]: () => {
        this.openSessions--;
        return Promise.resolve();
      },
    });
  }

  announceTask(task: HeldTask): Promise<void> {
    this.announced.push(task);
    return Promise.resolve();
  }

  deleteHost(): Promise<void> {
    return Promise.resolve();
  }

  taskDeleted(taskId: string): Promise<void> {
    this.deleted.push(taskId);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** How a node behaves as a parent. */
export interface ParentBehaviour {
  /** Changes what it sends; the digest it states is that of the changed bytes. */
  lie?: (number: number, bytes: Uint8Array) => Uint8Array;
  /** Changes what it sends, and states the digest of what it should have sent. */
  garble?: (bytes: Uint8Array) => Uint8Array;
  /** Called before a piece is sent; throw to fail, wait to stall. */
  onFetch?: (number: number, signal: AbortSignal) => void | Promise<void>;
  /** Called before each quarter of a piece. */
  onSlice?: (number: number, signal: AbortSignal) => Promise<void>;
  /** Called before each single byte. */
  onByte?: (signal: AbortSignal) => Promise<void>;
  /** Tells its load every second, as a living host does. */
  tellsLoad?: boolean;
  onSync?: (signal: AbortSignal) => void | Promise<void>;
  /** Cuts what it has as it is asked to, like a peer of our make; others answer in the cut in which they have it. */
  cutsAsAsked?: boolean;
}

const OURS = { gitVersion: "1.0.0", platform: BUILD_PLATFORM };

/** All nodes of a swarm, by the port that stands for their address. */
export class Swarm implements ParentRpc {
  readonly nodes = new Map<number, SwarmNode>();
  fetches = 0;

  peer(node: SwarmNode): Peer {
    return {
      id: `127.0.0.1-node-${node.port}-00000000-0000-4000-8000-000000000000`,
      priority: 6,
      pieces: [],
      cost: undefined,
      state: "Running",
      task: Task.create(),
      host: { ...node.control.host(), ...(node.behaviour.cutsAsAsked === true && { build: OURS }) },
      needBackToSource: false,
      createdAt: undefined,
      updatedAt: undefined,
      concurrentPieceCount: 8,
    };
  }

  async *syncPieces(
    { rpc: { port }, cutsAsAsked }: Parent,
    { taskId, interestedPieceNumbers }: SyncPiecesRequest,
    signal: AbortSignal,
    { pieceLength, version }: ChildFacts = {},
  ): AsyncGenerator<SyncPiecesResponse> {
    const node = this.#node(port);
    const wanted = new Set(interestedPieceNumbers);
    await node.behaviour.onSync?.(signal);
    const stored = node.storage.find(taskId);
    if (stored === undefined) throw new DamselflyError("internal", "No such task");
    const other = cutsAsAsked ? contentVersion(stored.record) : undefined;
    if (version !== undefined && other !== undefined && version !== other) {
      throw new DamselflyError("failed_precondition", "Another version");
    }
    using _hold = stored.hold();
    const { plan: { contentLength }, isOwnCut } = stored.record;
    const unnamed = isOwnCut === true ? pieceLengthOf(contentLength, "dragonfly") : stored.record.plan.pieceLength;
    const isRecut = cutsAsAsked && stored.record.isSealed;
    const plan = isRecut ? piecePlan(contentLength, pieceLength ?? unnamed) : stored.record.plan;
    while (wanted.size > 0) {
      const ready = isRecut ? [...wanted] : stored.finishedPieces().filter((number) => wanted.delete(number));
      for (const number of ready) {
        const { start, end } = pieceRange(plan, number);
        yield { number, offset: start, length: end - start, ip: "127.0.0.1", tcpPort: port };
      }
      if (stored.record.isSealed || wanted.size === 0) return;
      if (ready.length === 0) await stored.nextChange(signal);
    }
  }

  async *syncHost({ rpc: { port } }: Parent, _request: unknown, signal: AbortSignal): AsyncGenerator<Host> {
    const { behaviour, control, runtime } = this.#node(port);
    while (behaviour.tellsLoad === true) {
      yield control.host();
      await runtime.clock.sleep(1_000, signal);
    }
  }

  client(): PieceClient {
    return {
      fetchPiece: (from, wanted, sink, signal) => this.#fetch(from, wanted, sink, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async #fetch({ port }: Endpoint, wanted: WantedPiece, sink: PieceSink, signal: AbortSignal): Promise<FetchedPiece> {
    this.fetches++;
    const node = this.#node(port);
    await node.behaviour.onFetch?.(wanted.number, signal);
    signal.throwIfAborted();
    const stored = this.#node(port).storage.find(wanted.taskId);
    if (stored === undefined || (!stored.record.isSealed && stored.piece(wanted.number) === undefined)) {
      throw new DamselflyError("not_found", "No such piece");
    }
    const bytes = new Uint8Array(wanted.length);
    await stored.read(bytes, wanted.offset);
    signal.throwIfAborted();
    const lie = node.behaviour.lie?.(wanted.number, bytes);
    for (let at = 0; node.behaviour.onByte !== undefined && at < bytes.length; at++) {
      await node.behaviour.onByte(signal);
      await sink.write(bytes.subarray(at, at + 1));
    }
    const { onSlice } = node.behaviour;
    for (let at = 0; onSlice !== undefined && at < bytes.length; at += bytes.length / 4) {
      await onSlice(wanted.number, signal);
      await sink.write(bytes.subarray(at, at + bytes.length / 4));
    }
    const sent = lie ?? node.behaviour.garble?.(bytes) ?? bytes;
    if (onSlice === undefined) await sink.write(sent);
    return { digest: lie === undefined ? pieceDigest(crc32(bytes)) : "" };
  }

  #node(port: number): SwarmNode {
    const node = this.nodes.get(port);
    if (node === undefined) throw new DamselflyError("unavailable", "Connection refused");
    return node;
  }
}

export interface NodeOptions {
  readonly source: Source;
  readonly clock?: Clock;
  readonly decide?: Decide | undefined;
  readonly options?: Partial<TasksOptions>;
  readonly storage?: Storage;
  readonly limits?: DownloadLimits;
  readonly journal?: PullJournal;
}

/** One host of a swarm. */
export class SwarmNode implements AsyncDisposable {
  readonly port: number;
  readonly control: FakeControl;
  readonly storage: Storage;
  readonly runtime;
  readonly tasks;
  readonly behaviour: ParentBehaviour = {};
  receivedBytes = 0;
  readonly #swarm: Swarm;

  static async start(swarm: Swarm, options: NodeOptions): Promise<SwarmNode> {
    const runtime = testRuntime({
      random: seededRandom(7 + swarm.nodes.size),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    const storage = options.storage ?? await memoryStorage(runtime);
    return new SwarmNode(swarm, runtime, storage, options);
  }

  private constructor(swarm: Swarm, runtime: ReturnType<typeof testRuntime>, storage: Storage, o: NodeOptions) {
    this.#swarm = swarm;
    this.port = 5_000 + swarm.nodes.size;
    this.storage = storage;
    this.runtime = runtime;
    this.control = new FakeControl(hostOf(this.port), o.decide);
    this.tasks = createTasks({
      storage,
      source: o.source,
      control: this.control,
      parentRpc: swarm,
      pieceClient: swarm.client(),
      limits: o.limits ?? { parents: UNLIMITED, source: UNLIMITED, prefetch: UNLIMITED },
      onReceived: (bytes) => this.receivedBytes += bytes,
      ...(o.journal !== undefined && { journal: o.journal }),
      runtime,
      options: {
        concurrentPieceCount: 4,
        maxScheduleCount: 5,
        collectedPieceTimeoutMs: 360_000,
        parentStallTimeoutMs: 5_000,
        pieceLengthRule: "damselfly",
        ...o.options,
      },
    });
    swarm.nodes.set(this.port, this);
  }

  /** Downloads to the end. */
  async pull(request: TaskRequest): Promise<Uint8Array> {
    await using handle = await this.tasks.open(request, NEVER);
    const bytes = await readAll(handle);
    await handle.sealed;
    return bytes;
  }

  /** Is gone without a word. */
  die(): void {
    this.#swarm.nodes.delete(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tasks[Symbol.asyncDispose]();
    await this.storage[Symbol.asyncDispose]();
  }
}

export function memoryStorage(
  runtime: Pick<ReturnType<typeof testRuntime>, "clock" | "log">,
  disk: Disk = new MemoryDisk(),
): Promise<Storage> {
  return openStorage({
    dir: "/store",
    keep: true,
    taskTtlMs: 3_600_000,
    diskThresholdBytes: 0,
    diskHighThresholdPercent: 80,
    diskLowThresholdPercent: 60,
    databasePath: MEMORY_DATABASE,
  }, { ...runtime, disk });
}

export function readAll(handle: TaskHandle, range?: ByteRange): Promise<Uint8Array> {
  const body = handle.read(range ?? { start: 0, end: handle.contentLength });
  return new Response(body).bytes();
}

function hostOf(port: number): Host {
  const hostname = `node-${port}`;
  return {
    id: hostIdOf({ ip: "127.0.0.1", hostname, isSeed: false }),
    type: 0,
    hostname,
    ip: "127.0.0.1",
    port,
    downloadPort: port,
    os: "",
    platform: "",
    platformFamily: "",
    platformVersion: "",
    kernelVersion: "",
    schedulerClusterId: 1,
    disableShared: false,
    proxyPort: 4001,
    name: hostname,
  };
}
