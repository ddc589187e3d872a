import { DamselflyError, errorText } from "../../core/error.ts";
import { type PiecePlan, pieceRange } from "../../core/piece.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Endpoint } from "../../runtime/net.ts";
import type { Random } from "../../runtime/random.ts";
import { type CollectorEvent, collectPieces } from "../piece/collector.ts";
import { followHostLoads, type HostLoads } from "../piece/host_load.ts";
import { type Parent, parentOfPeer, type ParentRpc } from "../piece/parent.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import { chooseParent } from "../piece/parent_choice.ts";
import type { PieceClient } from "../piece/vortex_client.ts";
import { contentVersion } from "../storage/content_version.ts";
import type { PieceRecord, StoredTask } from "../storage/storage.ts";
import { missingPieces, Offers, pickPiece } from "./plan.ts";
import type { Wanted } from "./wanted.ts";

/** A parent that fails so many pieces in a row is not asked any more. */
const FAILURES_MAX = 3;
/** A fetch that takes so many times the usual is given to another parent, or up when it is also too slow. */
const STRAGGLER_FACTOR = 4;
/** The last fetches of a download are given so much time at least. */
const END_GAME_MS_MIN = 500;
/** A fetch from the only parent that has the piece may be as slow as this, and any may while no piece is finished. */
const BYTES_PER_SECOND_MIN = 64 * 1024;
const FIRST_PIECE_MS = 30_000;
/** Parents that live, and only wait for a piece themselves, are waited for so long: the source may be slow to begin. */
const WAITING_PARENTS_MS = 20_000;
/** Where a parent was lost the others have nothing more either, as a rule, if they give nothing for so long. */
const BEREFT_MS = 500;
/** How often what has stopped is looked for, as a part of how long parents may make no progress. */
const LOOKS_PER_STALL = 8;
/** A round that moved before is given so many times its longest pause before it counts as stalled. */
const PAUSE_FACTOR = 3;
/**
 * The first piece of a parent is not to share its line with others, for a reader waits for it: they follow when it is
 * there, or after this time, since a slow line is not to be asked for one piece at a time.
 */
const FIRST_ALONE_MS = 50;
/** A pause in which nothing can be fetched is worth a note from here on. */
const WAITED_MS_MIN = 50;

/** Failures of a parent; anything else that a fetch throws is our own, and ends the download. */
const PARENT_FAILURES = new Set(["not_found", "invalid_argument", "data_loss", "timeout", "unavailable"]);

/** What a fetch from parents works with. */
export interface ParentsStage {
  readonly hostId: string;
  /** What the swarm calls the task. */
  readonly taskId: string;
  readonly peerId: string;
  readonly stored: StoredTask;
  readonly parentRpc: ParentRpc;
  readonly pieceClient: PieceClient;
  /** Of what comes from parents, for all tasks together. */
  readonly parentsLimit: BandwidthLimit;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly concurrentPieceCount: number;
  /** How long parents may make no progress before they are given up. */
  readonly parentStallTimeoutMs: number;
  /** How long a parent may tell nothing while others do. */
  readonly collectedPieceTimeoutMs: number;
  /** Whether the cut of the parents may be taken over, as long as no piece is there. */
  readonly mayRecut: boolean;
  readonly readerPieces: () => Iterable<number>;
  /** Which pieces are to be fetched; left out, all. */
  readonly wanted?: Wanted;
  readonly onPiece: (record: PieceRecord) => void;
  /** A parent is given up; see `PullEventKind`. */
  readonly onParentLost?: (
    kind: "parent_stalled" | "parent_failed",
    parent: Parent,
    note: { readonly ms: number; readonly detail: string },
  ) => void;
  /** So long nothing could be fetched, since this parent, which lives, waited for it itself. */
  readonly onParentWaited?: (parent: Parent, ms: number) => void;
  /** A parent is of no use, because it cuts the content by this plan and pieces of ours are there already. */
  readonly onOtherCut: (plan: PiecePlan) => void;
  /** A piece could not be had from any of its parents; `parentId` is the last of them. */
  readonly onPieceFailed: (pieceNumber: number, parentId: string) => void;
}

/** The parents among the peers that a scheduler proposed: those with an address that can be used. */
export function parentsOf(peers: readonly Peer[], isBanned: (hostId: string) => boolean): Parent[] {
  return peers.flatMap((peer) => parentOfPeer(peer) ?? []).filter(({ hostId }) => !isBanned(hostId));
}

/** How the parents of a round did. */
export interface RoundEnd {
  /** Of a parent: it is to be taken over, and the round ended early for it. */
  readonly plan: PiecePlan | undefined;
  /** Ids of the parents that only waited for one that was lost: they are good for another round. */
  readonly bereftIds: ReadonlySet<string>;
}

/**
 * Fetches missing pieces from `parents` until all that are wanted are there, or until these parents have no more to give: they ended,
 * failed or stalled. Throws what is our own fault, such as a full disk, or the signal's reason; never a parent's.
 */
export async function fetchFromParents(
  stage: ParentsStage,
  parents: readonly Parent[],
  signal: AbortSignal,
): Promise<RoundEnd> {
  if (parents.length === 0) return { plan: undefined, bereftIds: new Set() };
  const round = new Round(stage, parents);
  const plan = await round.run(signal);
  return { plan, bereftIds: round.bereftIds };
}

interface ParentState {
  readonly parent: Parent;
  load: number;
  /** Fetches of {@link load} that wait for our own limit, and not for the parent. */
  heldCount: number;
  failures: number;
  /** Its list broke off: it tells of nothing more, and gives what it told of as long as it can. */
  hasBrokenOff: boolean;
  isGone: boolean;
  /** It is only given up because it waits for one that was lost. */
  isBereft: boolean;
  /** Whether its first piece is still to go alone. */
  isNew: boolean;
  movedAt: number;
}

interface Fetch {
  readonly number: number;
  readonly from: ParentState;
  readonly abort: AbortController;
  /** Moved on by the time for which our own limit held it. */
  startedAt: number;
  /** Whether our own limit holds it now. */
  isHeld: boolean;
  receivedBytes: number;
}

class Round {
  readonly #stage: ParentsStage;
  readonly #states: Map<Parent, ParentState>;
  readonly #byHost: ReadonlyMap<string, ParentState>;
  readonly #loads: HostLoads;
  readonly #offers = new Offers<ParentState>();
  readonly #addresses = new Map<number, Map<ParentState, Endpoint>>();
  readonly #fetches = new Map<number, Fetch>();
  readonly #running = new Set<Promise<void>>();
  readonly #end = Promise.withResolvers<PiecePlan | undefined>();
  readonly #abort = new AbortController();
  #aliveCount: number;
  #isCollecting = true;
  #hasLostParent = false;
  #isOver = false;
  #movedAt: number;
  /** Since when nothing is fetched. */
  #idleSince: number;
  #longestPauseMs = 0;
  #finishedCount = 0;
  #finishedCostMs = 0;

  constructor(stage: ParentsStage, parents: readonly Parent[]) {
    this.#stage = stage;
    this.#movedAt = this.#idleSince = stage.clock.now();
    const { hostId, peerId, parentRpc: rpc, log, clock } = stage;
    this.#loads = followHostLoads({ hostId, peerId, parents }, { rpc, log, clock });
    this.#states = new Map(parents.map((parent) => [parent, {
      parent,
      load: 0,
      heldCount: 0,
      failures: 0,
      hasBrokenOff: false,
      isGone: false,
      isBereft: false,
      isNew: true,
      movedAt: stage.clock.now(),
    }]));
    this.#aliveCount = parents.length;
    this.#byHost = new Map(this.#states.values().map((state) => [state.parent.hostId, state]));
  }

  get bereftIds(): Set<string> {
    return new Set([...this.#states.values()].filter(({ isBereft }) => isBereft).map(({ parent }) => parent.peerId));
  }

  async run(signal: AbortSignal): Promise<PiecePlan | undefined> {
    signal.throwIfAborted();
    const onAbort = () => this.#fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    using _timer = this.#stage.clock.every(this.#stage.parentStallTimeoutMs / LOOKS_PER_STALL, () => this.#look());
    using _holders = this.#stage.stored.holders.add((hostId, number) => this.#isHeldBy(hostId, number));
    const collecting = this.#collect(AbortSignal.any([signal, this.#abort.signal]));
    const { wanted } = this.#stage;
    if (wanted !== undefined) this.#followDemand(wanted, this.#abort.signal).catch(() => {});
    try {
      return await this.#end.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      const over = new DamselflyError("cancelled", "The round is over");
      this.#abort.abort(over);
      for (const { abort } of this.#fetches.values()) abort.abort(over);
      await Promise.all([collecting, ...this.#running, this.#loads[Symbol.asyncDispose]()]);
    }
  }

  async #collect(signal: AbortSignal): Promise<void> {
    const { hostId, taskId, stored, parentRpc: rpc, clock, collectedPieceTimeoutMs } = this.#stage;
    const { plan, isOwnCut } = stored.record;
    const wanted = missingPieces(plan, (number) => stored.isRecorded(number));
    const parents = [...this.#states.keys()];
    try {
      const cut = { plan, isOwnCut, version: contentVersion(stored.record) };
      const options = { hostId, taskId, ...cut, parents, wanted, silenceTimeoutMs: collectedPieceTimeoutMs };
      await collectPieces(options, { rpc, clock, onEvent: (event) => this.#onEvent(event) }, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
    this.#isCollecting = false;
    this.#go();
  }

  #onEvent(event: CollectorEvent): void {
    const state = this.#states.get(event.parent);
    if (state === undefined || state.isGone) return;
    if (event.kind === "parent_ended") {
      if (event.error !== undefined) this.#onParentFailed(state, event.error);
      return this.#go();
    }
    if (event.kind === "cut_otherwise") {
      this.#onOtherCut(state, event.plan);
      return this.#go();
    }
    if (this.#stage.stored.piece(event.number) !== undefined) return;
    this.#moved(state);
    const addresses = this.#addresses.get(event.number) ?? new Map<ParentState, Endpoint>();
    this.#addresses.set(event.number, addresses.set(state, event.from));
    if (this.#fetches.has(event.number)) return;
    this.#offer(event.number);
    // Whatever others offer was looked at before.
    if (this.#isFree(state)) this.#go();
  }

  /** A parent whose list broke off keeps what it offered, unless it contradicts us or cannot be reached at all. */
  #onParentFailed(state: ParentState, error: DamselflyError): void {
    if (error.code === "failed_precondition") {
      this.#stage.log.warn("A parent cannot share what it has", {
        parent: state.parent.peerId,
        error: errorText(error),
      });
    }
    state.hasBrokenOff = true;
    if (error.code === "data_loss" || !this.#hasOffers(state)) this.#drop(state, "parent_failed", errorText(error));
  }

  /** Whether a parent has told of anything that is still missing. */
  #hasOffers(state: ParentState): boolean {
    const { stored } = this.#stage;
    return this.#addresses.entries().some(([number, from]) => from.has(state) && stored.piece(number) === undefined);
  }

  #onOtherCut(state: ParentState, plan: PiecePlan): void {
    const { mayRecut, stored, onOtherCut } = this.#stage;
    if (mayRecut && stored.recordedPieceCount === 0) return this.#finish(plan);
    onOtherCut(plan);
    this.#drop(state, "parent_failed", `it cuts the content into pieces of ${plan.pieceLength} bytes`);
  }

  #isHeldBy(hostId: string, number: number): boolean {
    const state = this.#byHost.get(hostId);
    if (state === undefined || state.isGone || state.hasBrokenOff) return false;
    return this.#addresses.get(number)?.has(state) === true;
  }

  /** Makes a piece choosable, from those parents that may still be asked for it. */
  #offer(number: number): void {
    const holders = [...this.#addresses.get(number)?.keys() ?? []].filter((state) => !state.isGone);
    this.#offers.set(number, this.#isWanted(number) ? holders : []);
  }

  #isWanted(number: number): boolean {
    const { wanted, stored } = this.#stage;
    return wanted === undefined || wanted.isWanted(number, stored.record.plan);
  }

  /** Where not all is wanted, what parents have is looked through again whenever that changes. */
  async #followDemand(wanted: Wanted, signal: AbortSignal): Promise<void> {
    while (!wanted.isAll) {
      await wanted.demand.next(signal);
      for (const number of this.#addresses.keys()) {
        if (!this.#fetches.has(number) && !this.#stage.stored.isRecorded(number)) this.#offer(number);
      }
      this.#go();
    }
  }

  /** Starts what can be started, and ends the round when nothing is left to wait for. */
  #go(): void {
    if (this.#isOver) return;
    this.#fill();
    const { stored, wanted } = this.#stage;
    const isDone = wanted?.isMissing(stored) === false || stored.recordedPieceCount === stored.record.plan.pieceCount;
    const isHopeless = this.#fetches.size === 0 && (!this.#isCollecting || this.#aliveCount === 0);
    if (isDone || isHopeless) this.#finish();
  }

  #fill(): void {
    const { random, concurrentPieceCount } = this.#stage;
    if (this.#fetches.size >= concurrentPieceCount) return;
    const isFree = (state: ParentState) => this.#isFree(state);
    while (this.#fetches.size < concurrentPieceCount) {
      const readerPieces = this.#stage.readerPieces();
      const number = pickPiece({ offers: this.#offers, readerPieces, isFree }, random);
      if (number === undefined) break;
      const holders = this.#offers.holders(number).filter(isFree);
      this.#offers.delete(number);
      if (!this.#isWanted(number)) continue;
      this.#start(number, holders);
    }
  }

  /** Whoever has something new is asked by all: each asks for a little, or the lines of the others would idle. */
  #isFree({ load, isNew }: ParentState): boolean {
    return load <
      (isNew ? 1 : Math.max(1, Math.floor(this.#stage.concurrentPieceCount / Math.max(1, this.#aliveCount))));
  }

  #start(number: number, holders: readonly ParentState[]): void {
    const chances = holders.map((state) => ({
      state,
      weight: this.#loads.weightOf(state.parent.peerId),
      inFlight: state.load,
    }));
    const from = chooseParent(chances, this.#stage.random)?.state;
    if (from === undefined) return;
    const startedAt = this.#stage.clock.now();
    if (this.#fetches.size === 0) this.#noteIdle(from, startedAt - this.#idleSince);
    const fetch = { number, from, abort: new AbortController(), startedAt, isHeld: false, receivedBytes: 0 };
    this.#fetches.set(number, fetch);
    if (from.isNew) this.#letFollow(from);
    from.load++;
    from.movedAt = fetch.startedAt;
    const running = this.#fetch(fetch).finally(() => {
      this.#running.delete(running);
      this.#fetches.delete(number);
      if (this.#fetches.size === 0) this.#idleSince = this.#stage.clock.now();
      from.load--;
      if (this.#stage.stored.piece(number) === undefined) this.#offer(number);
      this.#go();
    });
    this.#running.add(running);
  }

  #noteIdle({ parent }: ParentState, ms: number): void {
    const { parentStallTimeoutMs, onParentWaited } = this.#stage;
    if (ms >= WAITED_MS_MIN && this.#loads.isHeard(parent.peerId, parentStallTimeoutMs)) onParentWaited?.(parent, ms);
  }

  /** Lets more fetches follow the first one of a parent, though it is not there after some time. */
  #letFollow(state: ParentState): void {
    this.#stage.clock.sleep(FIRST_ALONE_MS, this.#abort.signal).then(() => {
      state.isNew = false;
      this.#go();
    }, () => {});
  }

  async #fetch(fetch: Fetch): Promise<void> {
    const { taskId, stored, pieceClient, clock } = this.#stage;
    const { number, from } = fetch;
    const { plan, isOwnCut } = stored.record;
    const address = this.#addresses.get(number)?.get(from);
    const { start, end } = pieceRange(plan, number);
    try {
      using writer = stored.openPiece(number);
      if (address === undefined) return;
      // Somebody else writes it: to look again at once would leave no time for anything else.
      if (writer === undefined) return await stored.nextChange(this.#abort.signal);
      const sink = {
        write: async (bytes: Uint8Array) => {
          this.#moved(from);
          fetch.receivedBytes += bytes.length;
          await writer.write(bytes);
          await this.#hold(fetch, bytes.length);
        },
      };
      const pieceLength = isOwnCut === true ? plan.pieceLength : undefined;
      const wanted = { taskId, number, offset: start, length: end - start, pieceLength };
      const { digest } = await pieceClient.fetchPiece(address, wanted, sink, fetch.abort.signal);
      const costMs = Math.max(1, Math.round(clock.now() - fetch.startedAt));
      const origin = { parentId: from.parent.peerId, trafficType: "remote_peer", costMs } as const;
      const record = await writer.commit({ ...origin, expectedDigest: digest });
      this.#finishedCount++;
      this.#finishedCostMs += costMs;
      from.failures = 0;
      from.isNew = false;
      this.#moved(from);
      this.#stage.onPiece(record);
    } catch (error) {
      this.#onFetchFailed(fetch, error);
    }
  }

  /** Waits until our own limit lets so many bytes pass, which is nobody's fault. */
  async #hold(fetch: Fetch, bytes: number): Promise<void> {
    const { taskId, parentsLimit } = this.#stage;
    const passing = parentsLimit.pass(taskId, bytes, fetch.abort.signal);
    if (passing === 0) return;
    fetch.from.heldCount++;
    fetch.isHeld = true;
    try {
      fetch.startedAt += await passing;
    } finally {
      fetch.isHeld = false;
      fetch.from.heldCount--;
      this.#moved(fetch.from);
    }
  }

  #onFetchFailed({ number, from }: Fetch, error: unknown): void {
    if (this.#abort.signal.aborted || this.#isOver) return;
    const isParents = error instanceof DamselflyError && PARENT_FAILURES.has(error.code);
    // A deleted task takes no pieces, from whomever.
    if (!isParents || this.#stage.stored.isDeleted) return this.#fail(error);
    this.#stage.log.debug("A parent failed a piece", { parent: from.parent.peerId, number, error: error.message });
    const addresses = this.#addresses.get(number);
    addresses?.delete(from);
    const isLast = [...addresses?.keys() ?? []].every((state) => state.isGone);
    if (isLast) this.#stage.onPieceFailed(number, from.parent.peerId);
    if (from.hasBrokenOff && !this.#hasOffers(from)) return this.#drop(from, "parent_failed", errorText(error));
    if (error.code === "not_found") return;
    from.failures++;
    if (error.code === "data_loss" || from.failures >= FAILURES_MAX) {
      this.#drop(from, error.code === "timeout" ? "parent_stalled" : "parent_failed", errorText(error));
    }
  }

  #drop(state: ParentState, kind: "parent_stalled" | "parent_failed", why: string): void {
    if (state.isGone) return;
    state.isGone = true;
    this.#aliveCount--;
    if (state.parent.isMate !== true) this.#hasLostParent = true;
    const { clock, onParentLost } = this.#stage;
    onParentLost?.(kind, state.parent, { ms: clock.now() - state.movedAt, detail: why });
    const error = new DamselflyError("unavailable", "The parent is given up");
    for (const { from, abort } of this.#fetches.values()) if (from === state) abort.abort(error);
    this.#stage.log.info("A parent is given up", { parent: state.parent.peerId, why });
    for (const number of this.#offers.pieces) this.#offer(number);
  }

  #alive(): ParentState[] {
    return [...this.#states.values()].filter(({ isGone }) => !isGone);
  }

  #moved(state: ParentState): void {
    const now = this.#stage.clock.now();
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#movedAt);
    this.#movedAt = now;
    state.movedAt = now;
  }

  /**
   * Looks for what has stopped: a parent that sends nothing of what it was asked for, a fetch that takes far longer
   * than others, and a round in which nothing moves at all, unless its parents live and are waiting like us. The limit
   * grows with the pauses seen before, so that parents that are themselves fed slowly by the source are not given up
   * for it. When one of them was lost the others may all have been waiting for what it had, so that is asked soon.
   */
  #look(): void {
    const now = this.#stage.clock.now();
    const limitMs = Math.max(this.#stage.parentStallTimeoutMs, PAUSE_FACTOR * this.#longestPauseMs);
    for (const state of this.#alive()) {
      if (state.load > state.heldCount && now - state.movedAt >= limitMs) {
        this.#drop(state, "parent_stalled", `it sent nothing for ${limitMs} ms`);
      }
    }
    this.#lookForStragglers(now, limitMs);
    const stillMs = now - this.#movedAt;
    if (this.#fetches.size === 0 && stillMs >= (this.#hasLostParent ? BEREFT_MS : limitMs)) {
      const mayWait = this.#hasParent() && !this.#hasLostParent && stillMs < WAITING_PARENTS_MS;
      for (const state of this.#alive()) {
        const isWaiting = mayWait && this.#loads.isHeard(state.parent.peerId, limitMs);
        if (isWaiting) continue;
        state.isBereft = this.#hasLostParent;
        this.#drop(state, "parent_stalled", `nothing moved for ${stillMs} ms`);
      }
    }
    this.#go();
  }

  /** When nothing else is left to be asked for, nobody is waited for so long who is slow and not the only one. */
  #lookForStragglers(now: number, limitMs: number): void {
    const patienceMs = this.#patienceMs();
    const isEndGame = this.#finishedCount > 0 && this.#fetches.size < this.#stage.concurrentPieceCount;
    for (const fetch of this.#fetches.values()) {
      const hasOther = this.#hasOtherHolder(fetch);
      const stragglerMs = isEndGame && hasOther ? Math.max(END_GAME_MS_MIN, patienceMs) : Math.max(limitMs, patienceMs);
      const isLate = !fetch.isHeld && now - fetch.startedAt >= stragglerMs;
      if (!isLate || (!hasOther && !isTrickle(fetch, now))) continue;
      fetch.abort.abort(new DamselflyError("timeout", `The piece took longer than ${stragglerMs} ms`));
    }
  }

  /** Whether anybody is left but mates: those may all be waiting for each other. */
  #hasParent(): boolean {
    return this.#alive().some(({ parent }) => parent.isMate !== true);
  }

  #hasOtherHolder({ number, from }: Fetch): boolean {
    return [...this.#addresses.get(number)?.keys() ?? []].some((state) => state !== from && !state.isGone);
  }

  /** How long a fetch may take: some multiple of what those before took. */
  #patienceMs(): number {
    if (this.#finishedCount > 0) return STRAGGLER_FACTOR * this.#finishedCostMs / this.#finishedCount;
    const { pieceLength } = this.#stage.stored.record.plan;
    return Math.max(FIRST_PIECE_MS, 1000 * pieceLength / BYTES_PER_SECOND_MIN);
  }

  /** Ends the round; with the plan that is to be taken over, if there is one. */
  #finish(plan?: PiecePlan): void {
    this.#isOver = true;
    this.#end.resolve(plan);
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#end.reject(error);
  }
}

function isTrickle({ receivedBytes, startedAt }: Fetch, now: number): boolean {
  return 1000 * receivedBytes < BYTES_PER_SECOND_MIN * (now - startedAt);
}
