import { errorText } from "../../core/error.ts";
import type { PieceLengthRule } from "../../core/piece.ts";
import { Scratch } from "../../peer/storage/scratch.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type AlgorithmName, DEFAULT_SETTINGS } from "../../scheduler/core/settings.ts";
import { MemoryDisk } from "../memory_disk.ts";
import { seededRandom } from "../seeded_random.ts";
import { testRuntime } from "../test_runtime.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { SimContent } from "./content.ts";
import { NO_METRICS, settleAll, SimLog } from "./quiet.ts";
import { type Latencies, megabits, type Place, placeOf, SimNet, type SimNode } from "./sim_net.ts";
import { SimOrigin } from "./sim_origin.ts";
import { SimPeer } from "./sim_peer.ts";
import { SimPieces } from "./sim_pieces.ts";
import { SimScheduler } from "./sim_scheduler.ts";

/** Pieces of one task at a time, as dfdaemon has it when nobody says otherwise; and its other limits. */
const TASKS_OPTIONS = {
  concurrentPieceCount: 16,
  maxScheduleCount: 5,
  collectedPieceTimeoutMs: 360_000,
  parentStallTimeoutMs: 4_000,
};
const START_LIMIT_MS = 60_000;
/** Pieces of common sizes are read back at once, for a read costs the same whatever its length. */
const SCRATCH_BYTES = 4 * 1024 * 1024;

/** Lines in megabits per second. */
export interface Lines {
  readonly up: number;
  readonly down: number;
}

/** A cluster to be simulated. */
export interface SimSetup {
  /** Of chance: the same setup with the same seed runs the same. */
  readonly seed: number;
  readonly peers: number;
  readonly seedPeers: number;
  /** Bytes of each content. */
  readonly sizes: readonly number[];
  /** The lines of peers; peer `i` has those of `i % length`. */
  readonly peerLines: readonly Lines[];
  readonly seedLines: Lines;
  readonly originLines: Lines;
  /** Peers are spread over so many; 1: nobody says where it is. */
  readonly locations: number;
  /** The line that the peers of a location share to all others; undefined where there is room for all. */
  readonly siteLines: Lines | undefined;
  readonly latencies: Latencies;
  readonly algorithm: AlgorithmName;
  readonly pieceLengthRule: PieceLengthRule;
  /** Bytes of a piece that requesters ask for, 4 to 64 MiB; undefined: by the rule. */
  readonly pieceLength: number | undefined;
  /** What hosts say that their lines carry, in megabits per second; undefined: what they do. */
  readonly announcedMbits: number | undefined;
  /** Time goes on in steps of so many milliseconds. */
  readonly turnMs: number;
}

/** A cluster of equal gigabit lines with one seed peer. */
export const PLAIN_SETUP: SimSetup = {
  seed: 1,
  peers: 10,
  seedPeers: 1,
  sizes: [1 << 30],
  peerLines: [{ up: 1_000, down: 1_000 }],
  seedLines: { up: 1_000, down: 1_000 },
  originLines: { up: 2_000, down: 2_000 },
  locations: 1,
  siteLines: undefined,
  latencies: { nearMs: 0.5, farMs: 5 },
  algorithm: "swarm",
  pieceLengthRule: "damselfly",
  pieceLength: undefined,
  announcedMbits: undefined,
  turnMs: 1,
};

/** A cluster in virtual time, with the real scheduler and the real peers. */
export class SimCluster implements AsyncDisposable {
  readonly setup: SimSetup;
  readonly clock: VirtualClock;
  readonly net: SimNet;
  readonly log: SimLog;
  readonly pieces: SimPieces;
  readonly origin: SimOrigin;
  readonly contents: readonly SimContent[];
  readonly scheduler: SimScheduler;
  readonly sites: readonly Place[];
  /** Seed peers first. */
  readonly peers: SimPeer[] = [];
  readonly #failures: unknown[] = [];
  readonly #scratch = new Scratch(SCRATCH_BYTES);

  /** Starts all of it; virtual time goes on meanwhile. */
  static async start(setup: SimSetup): Promise<SimCluster> {
    const cluster = new SimCluster(setup);
    await cluster.scheduler.start();
    let isStarted = false;
    const started = cluster.#startPeers().then(() => isStarted = true, (error) => cluster.#failures.push(error));
    await cluster.clock.advanceUntil(START_LIMIT_MS, () => isStarted || cluster.#failures.length > 0);
    if (!isStarted) throw cluster.#failures[0] ?? new Error("The cluster did not start in time");
    await started;
    return cluster;
  }

  private constructor(setup: SimSetup) {
    this.setup = setup;
    this.clock = new VirtualClock({ grainMs: setup.turnMs, settle: settleAll });
    this.log = new SimLog(this.clock);
    this.net = new SimNet(this.clock, setup.latencies, setup.turnMs);
    this.pieces = new SimPieces(this.net);
    this.origin = new SimOrigin(
      this.net,
      this.net.add("10.255.0.1", "origin", speedsOf(setup.originLines), undefined, true),
    );
    this.contents = setup.sizes.map((size, index) => new SimContent(1_000 * setup.seed + index, size));
    this.sites = Array.from(
      { length: setup.siteLines === undefined ? 0 : setup.locations },
      (_, index) => placeOf(`site-${index}`, speedsOf(setup.siteLines as Lines)),
    );
    const node = this.net.add("10.254.0.1", "scheduler", speedsOf({ up: 10_000, down: 10_000 }), this.sites[0]);
    const settings = { ...DEFAULT_SETTINGS, algorithm: setup.algorithm };
    this.scheduler = new SimScheduler(this.net, node, this.#runtime(0), settings);
  }

  /** The normal peers. */
  get normalPeers(): SimPeer[] {
    return this.peers.filter(({ isSeed }) => !isSeed);
  }

  get seedPeers(): SimPeer[] {
    return this.peers.filter(({ isSeed }) => isSeed);
  }

  /** Lets virtual time go on for `limitMs` at most; whether `isDone` came first. */
  async run(limitMs: number, isDone: () => boolean): Promise<boolean> {
    const isOver = await this.clock.advanceUntil(limitMs, () => isDone() || this.#failures.length > 0);
    if (this.#failures.length > 0) throw this.#failures[0];
    return isOver;
  }

  /** Does something beside the run; the run fails with it. */
  beside(work: Promise<unknown>): void {
    work.catch((error) => this.#failures.push(error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let isOver = false;
    const work = Promise.all([this.scheduler, ...this.peers].map((part) => part[Symbol.asyncDispose]()));
    work.then(() => isOver = true, (error) => this.log.error("Could not stop", { error: errorText(error) }));
    await this.clock.advanceUntil(10 * START_LIMIT_MS, () => isOver);
    this.net[Symbol.dispose]();
    if (!isOver) throw new Error("The cluster did not stop in time");
    await work;
  }

  async #startPeers(): Promise<void> {
    const { seedPeers, peers } = this.setup;
    const starting = Array.from({ length: seedPeers + peers }, (_, index) => this.#startPeer(index));
    this.peers.push(...await Promise.all(starting));
  }

  #startPeer(index: number): Promise<SimPeer> {
    const { setup } = this;
    const isSeed = index < setup.seedPeers;
    const number = isSeed ? index : index - setup.seedPeers;
    const lines = isSeed ? setup.seedLines : setup.peerLines[number % setup.peerLines.length] as Lines;
    const at = isSeed ? 0 : number % setup.locations;
    const node = this.#node(index, isSeed ? `seed-${number}` : `peer-${number}`, lines, this.sites[at]);
    return SimPeer.start({
      ...{ net: this.net, node, pieces: this.pieces, origin: this.origin, isSeed, idc: "" },
      location: setup.locations > 1 ? `site|rack-${at}` : "",
      announcedBitsPerSecond: 1e6 * (setup.announcedMbits ?? lines.up),
      schedulers: [this.scheduler.address],
      options: { ...TASKS_OPTIONS, pieceLengthRule: setup.pieceLengthRule },
      scratch: this.#scratch,
      runtime: this.#runtime(index + 1),
    });
  }

  #node(index: number, name: string, lines: Lines, site: Place | undefined): SimNode {
    const ip = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    return this.net.add(ip, name, speedsOf(lines), site);
  }

  #runtime(index: number): Runtime {
    const random = seededRandom(this.setup.seed * 65_537 + index);
    const runtime = testRuntime({ clock: this.clock, random, disk: new MemoryDisk() });
    return { ...runtime, log: this.log, metrics: NO_METRICS };
  }
}

function speedsOf({ up, down }: Lines) {
  return { up: megabits(up), down: megabits(down) };
}
