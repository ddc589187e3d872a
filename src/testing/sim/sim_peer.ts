import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import { hostIdOf } from "../../core/host_id.ts";
import { BUILD_PLATFORM } from "../../core/version.ts";
import { BandwidthMeter } from "../../peer/bandwidth_meter.ts";
import type { CacheTasks } from "../../peer/cache/cache_tasks.ts";
import type { ControlOptions, PeerControl } from "../../peer/control/start_control.ts";
import { startControl } from "../../peer/control/start_control.ts";
import { UNLIMITED } from "../../peer/piece/bandwidth_limit.ts";
import { createParentRpc } from "../../peer/piece/parent.ts";
import type { WantedPiece } from "../../peer/piece/vortex_client.ts";
import { withSharedBackoff } from "../../peer/source/source_backoff.ts";
import { openStorage } from "../../peer/storage/open_storage.ts";
import type { Scratch } from "../../peer/storage/scratch.ts";
import { byEachId, type Storage } from "../../peer/storage/storage.ts";
import { createTasks, type TasksOptions } from "../../peer/task/tasks.ts";
import type { Tasks } from "../../peer/task/task.ts";
import { Turns } from "../../peer/upload/turns.ts";
import { uploadService } from "../../peer/upload/upload_service.ts";
import { type Host, Network } from "../../rpc/gen/common/v2/common.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { MemoryMetadata } from "../memory_metadata.ts";
import { type SimContent, SPARSE_CHECKSUMS, sparseDisk } from "./content.ts";
import { NO_METRICS } from "./quiet.ts";
import type { SimNet, SimNode } from "./sim_net.ts";
import type { SimOrigin } from "./sim_origin.ts";
import type { PieceGiver, SimPieces } from "./sim_pieces.ts";

const UPLOAD_PORT = 4000;
const PIECE_PORT = 4005;
const MINUTE_MS = 60_000;
/** Contents up to this are read whole; of longer ones a reader takes the first bytes of each piece, as they come. */
const READ_WHOLE_BYTES_MAX = 16 * 1024 * 1024;
const READ_BYTES = 8;
/** What a reader asks for at a time. */
const READ_BLOCK_BYTES = 256 * 1024;

/** What a peer is made of. */
export interface SimPeerParts {
  readonly net: SimNet;
  readonly node: SimNode;
  readonly pieces: SimPieces;
  readonly origin: SimOrigin;
  readonly isSeed: boolean;
  readonly idc: string;
  readonly location: string;
  /** What the host says that its line carries, in bits per second. */
  readonly announcedBitsPerSecond: number;
  readonly schedulers: readonly { readonly hostname: string; readonly port: number }[];
  readonly options: TasksOptions;
  /** Of all peers. */
  readonly scratch: Scratch;
  readonly runtime: Omit<Runtime, "disk">;
}

/** A peer of a simulated cluster: the real storage, tasks, control plane and upload service. */
export class SimPeer implements AsyncDisposable, PieceGiver {
  readonly node: SimNode;
  readonly isSeed: boolean;
  readonly storage: Storage;
  readonly control: PeerControl;
  readonly tasks: Tasks;
  readonly turns: Turns;
  lie: ((wanted: WantedPiece, bytes: Uint8Array) => void) | undefined;
  readonly #parts: SimPeerParts;
  readonly #meter: BandwidthMeter;
  readonly #stack: AsyncDisposableStack;
  readonly #dead = new AbortController();

  static async start(parts: SimPeerParts): Promise<SimPeer> {
    const { net, node, isSeed, runtime: { clock, log } } = parts;
    const stack = new AsyncDisposableStack();
    const runtime: Runtime = { ...parts.runtime, disk: sparseDisk("/store/content") };
    const storageOptions = { dir: "/store", keep: true, taskTtlMs: 1_000 * MINUTE_MS };
    const limits = { diskThresholdBytes: 0, diskHighThresholdPercent: 80, diskLowThresholdPercent: 60 };
    const deps = { disk: runtime.disk, clock, log, checksums: SPARSE_CHECKSUMS, scratch: parts.scratch };
    const openMetadata = () => new MemoryMetadata();
    const storage = stack.use(await openStorage({ ...storageOptions, ...limits }, { ...deps, openMetadata }));
    const meter = new BandwidthMeter(clock);
    const channels = net.rpc.channels(node.ip);
    const options = controlOptions(parts, storage, meter);
    const facts = (clusterId: number) => Promise.resolve(hostOf(parts, clusterId, meter));
    const control = await startControl(options, runtime, { channels, facts });
    stack.use(control);
    const tasks = stack.use(createTasks({
      ...{ storage, control, runtime, options: parts.options, parentRpc: createParentRpc(channels) },
      source: withSharedBackoff(parts.origin.sourceFor(node), clock),
      pieceClient: parts.pieces.clientFor(node),
      limits: { parents: UNLIMITED, source: UNLIMITED, prefetch: UNLIMITED },
      onReceived: (bytes) => meter.received(bytes),
    }));
    const peer = new SimPeer(parts, { storage, control, tasks, meter, stack });
    peer.#serve(hostIdOf({ ip: node.ip, hostname: node.name, isSeed }));
    return peer;
  }

  private constructor(parts: SimPeerParts, own: OwnParts) {
    this.#parts = parts;
    this.node = parts.node;
    this.isSeed = parts.isSeed;
    this.storage = own.storage;
    this.control = own.control;
    this.tasks = own.tasks;
    this.turns = new Turns(parts.runtime.clock);
    this.#meter = own.meter;
    this.#stack = own.stack;
  }

  get isDead(): boolean {
    return this.#dead.signal.aborted;
  }

  sent(bytes: number): void {
    this.#meter.sent(bytes);
  }

  /**
   * Pulls a content as a container runtime does, from its first byte to its last. Throws {@link WrongBytes} when a
   * stream of all of it ends well with a byte that is wrong, and else what ended the download.
   */
  async pull(content: SimContent, pieceLength: number | undefined, onFirstByte: () => void): Promise<void> {
    const url = this.#parts.origin.urlOf(content);
    await using handle = await this.tasks.open({
      ...{ taskId: content.digest.hex, source: { url, headers: {} }, digest: content.digest, priority: 6 },
      ...{ filteredQueryParams: [], isBlobDigestTaskId: true, needBackToSource: false, disableBackToSource: false },
      ...(pieceLength !== undefined && { pieceLength }),
    }, NEVER);
    const isWhole = content.length <= READ_WHOLE_BYTES_MAX;
    const [step, length] = isWhole ? [content.length, content.length] : [handle.pieceLength, READ_BYTES];
    let isRight = true;
    for (let at = 0; at < content.length; at += step) {
      const range = { start: at, end: Math.min(content.length, at + length) };
      if (!await isReadRight(handle.read(range), content, range, onFirstByte)) isRight = false;
    }
    await handle.sealed;
    if (isRight) return;
    // One stream of it all would have told by its end.
    throw isWhole ? new WrongBytes() : new DamselflyError("data_loss", "Bytes that were given already were wrong");
  }

  /** Is dead from one moment to the next: nobody is told. With `withPower` its connections do not even break. */
  async die(withPower: boolean): Promise<void> {
    const { net, node } = this.#parts;
    if (withPower) net.vanish(node);
    else net.crash(node);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dead.abort(new DamselflyError("unavailable", "This host is stopping"));
    await this.#stack.disposeAsync();
  }

  #serve(hostId: string): void {
    const { net, node, pieces, origin, runtime: { clock } } = this.#parts;
    const { storage, tasks } = this;
    const upload = uploadService({
      ...{ tasks, storage, clock, hostId, cache: NO_CACHE, cacheStorage: storage, cacheTtlMs: MINUTE_MS },
      ...{ metrics: NO_METRICS, disableShared: false, turns: this.turns, stopping: this.#dead.signal },
      source: origin.sourceFor(node),
      pieceAddress: { ip: node.ip, tcpPort: PIECE_PORT },
      destinations: { check: () => Promise.resolve(undefined) },
      hostLoad: () => ({ ...(this.control.host().network ?? Network.create()), ...this.#meter.bandwidth() }),
    });
    this.#stack.use(net.rpc.serve(`${node.ip}:${UPLOAD_PORT}`, [upload]));
    this.#stack.use(pieces.serve(this));
  }
}

interface OwnParts {
  readonly storage: Storage;
  readonly control: PeerControl;
  readonly tasks: Tasks;
  readonly meter: BandwidthMeter;
  readonly stack: AsyncDisposableStack;
}

/** The persistent cache has no part in simulations. */
const refuse = () => Promise.reject(new DamselflyError("unimplemented", "There is no persistent cache here"));
const NO_CACHE: CacheTasks = {
  ...{ importFile: refuse, open: refuse, persist: refuse, delete: refuse, stat: refuse },
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function controlOptions(parts: SimPeerParts, storage: Storage, meter: BandwidthMeter): ControlOptions {
  const { node, isSeed, idc, location } = parts;
  return {
    host: {
      ...{ ip: node.ip, hostname: node.name, isSeed, idc, location, disableShared: false, version: "1.0.0" },
      ...{ uploadPort: UPLOAD_PORT, proxyPort: 4001, storageDir: "/store" },
    },
    localSchedulers: parts.schedulers,
    schedulerClusterId: 1,
    listPath: "/schedulers.json",
    refreshIntervalMs: MINUTE_MS,
    announceIntervalMs: 5 * MINUTE_MS,
    heldTasks: () => storage.list().filter(({ isSealed }) => isSealed).flatMap(byEachId),
    heldCopies: () => [],
    bandwidth: () => meter.bandwidth(),
  };
}

function hostOf(parts: SimPeerParts, clusterId: number, meter: BandwidthMeter): Host {
  const { node, isSeed, idc, location, announcedBitsPerSecond: bits } = parts;
  return {
    ...{ id: hostIdOf({ ip: node.ip, hostname: node.name, isSeed }), type: isSeed ? 1 : 0, hostname: node.name },
    ...{ ip: node.ip, port: UPLOAD_PORT, downloadPort: UPLOAD_PORT, proxyPort: 4001, name: node.name },
    ...{ os: "linux", platform: "linux", platformFamily: "", platformVersion: "", kernelVersion: "" },
    network: Network.create({ idc, location, maxRxBandwidth: bits, maxTxBandwidth: bits, ...meter.bandwidth() }),
    build: { gitVersion: "1.0.0", platform: BUILD_PLATFORM },
    ...{ schedulerClusterId: clusterId, disableShared: false },
  };
}

/** A download ended well though a wrong byte was given away. */
export class WrongBytes extends Error {
  constructor() {
    super("The download ended well, but a byte of it was wrong");
  }
}

const NEVER = new AbortController().signal;

/** Reads a range as its bytes come; whether they are right. */
async function isReadRight(
  stream: ReadableStream<Uint8Array>,
  content: SimContent,
  { start, end }: ByteRange,
  onFirstByte: () => void,
): Promise<boolean> {
  const reader = stream.getReader({ mode: "byob" });
  let buffer = new Uint8Array(Math.min(READ_BLOCK_BYTES, end - start));
  let isRight = true;
  for (let position = start;;) {
    const { done, value } = await reader.read(buffer);
    if (done || value === undefined) return isRight;
    onFirstByte();
    if (!content.isAt(position, value)) isRight = false;
    position += value.length;
    buffer = new Uint8Array(value.buffer);
  }
}
