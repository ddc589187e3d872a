import { DamselflyError } from "../../core/error.ts";
import { Heap } from "../../core/heap.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** A level that has changed by less than this part is left as it is: rates are right to as much. */
const TOLERANCE = 0.005;
/** Links that are computed in one turn, as a multiple of those that have changed; the rest has its turn next. */
const WORK_FACTOR = 40;

/** One direction of a line: what goes through it shares it. */
export class Link {
  readonly name: string;
  readonly flows = new Set<Flow>();
  bytesPerMs: number;
  /** What a flow may have of it; the rate of a flow is the least of its links. */
  level: number;
  /** Everything that went through it. */
  bytes = 0;

  constructor(name: string, bytesPerMs: number) {
    this.name = name;
    this.bytesPerMs = bytesPerMs;
    this.level = bytesPerMs;
  }
}

interface Mark {
  readonly bytes: number;
  /** Nobody waits longer. */
  readonly limitMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A transfer over some links, at the rate that they leave it. */
export class Flow {
  readonly links: readonly Link[];
  readonly total: number;
  moved = 0;
  rate = 0;
  sinceMs: number;
  isOver = false;
  /** Lets nothing through: the hosts are parted. */
  isCut = false;
  /** What is waited for: so many bytes moved. */
  mark: Mark | undefined;
  /** The time of its earliest entry in the heap. */
  dueMs = Infinity;

  constructor(links: readonly Link[], total: number, nowMs: number) {
    this.links = links;
    this.total = total;
    this.sinceMs = nowMs;
  }

  /** What it has moved by `nowMs`, at the present rate. */
  movedBy(nowMs: number): number {
    return Math.min(this.total, this.moved + this.rate * (nowMs - this.sinceMs));
  }
}

/**
 * Flows share links as TCP does in the mean: max-min fair. Changes are gathered for `turnMs` and then computed outwards
 * from the links that have changed, so that a change costs what it touches and not the whole network.
 */
export class FlowNet implements Disposable {
  readonly #clock: VirtualClock;
  readonly #turnMs: number;
  readonly #dirty = new Set<Link>();
  /** Flows by the time at which something is due; entries that another one has replaced among them. */
  readonly #due = new Heap<{ readonly at: number; readonly flow: Flow }>();
  readonly #flows = new Set<Flow>();
  #timer: Disposable | undefined;
  #bounds = new Float64Array(64);

  constructor(clock: VirtualClock, turnMs: number) {
    this.#clock = clock;
    this.#turnMs = turnMs;
  }

  /** Transfers that are under way. */
  get flowCount(): number {
    return this.#flows.size;
  }

  /** Begins a transfer; {@link until} waits for its bytes, and {@link end} ends it. */
  start(links: readonly Link[], bytes: number): Flow {
    const flow = new Flow(links, bytes, this.#clock.now());
    this.#flows.add(flow);
    for (const link of links) {
      link.flows.add(flow);
      this.#dirty.add(link);
    }
    this.#timer ??= this.#clock.every(this.#turnMs, () => this.#turn());
    return flow;
  }

  /** Resolves when `bytes` of the flow were moved, or after `ms`; rejects when it is ended before. One waits at a time. */
  until(flow: Flow, bytes: number, ms = Infinity): Promise<void> {
    const now = this.#clock.now();
    if (flow.movedBy(now) >= bytes) return Promise.resolve();
    return new Promise((resolve, reject) => {
      flow.mark = { bytes, limitMs: now + ms, resolve, reject };
      flow.dueMs = Infinity;
      this.#schedule(flow);
    });
  }

  /** Ends a transfer, be it done or not. */
  end(flow: Flow, why?: unknown): void {
    if (flow.isOver) return;
    this.#account(flow);
    flow.isOver = true;
    this.#flows.delete(flow);
    for (const link of flow.links) {
      link.flows.delete(flow);
      this.#dirty.add(link);
    }
    flow.mark?.reject(why ?? new DamselflyError("cancelled", "The transfer was ended"));
    flow.mark = undefined;
  }

  /** The flows for which `isOf` holds. */
  flowsOf(isOf: (flow: Flow) => boolean): Flow[] {
    return [...this.#flows].filter(isOf);
  }

  /** Changes what a link carries. */
  setCapacity(link: Link, bytesPerMs: number): void {
    link.bytesPerMs = bytesPerMs;
    this.#dirty.add(link);
  }

  /** Stops a flow, or lets it go on. */
  cut(flow: Flow, isCut: boolean): void {
    if (flow.isCut === isCut) return;
    flow.isCut = isCut;
    for (const link of flow.links) this.#dirty.add(link);
  }

  /** What went through a link by now. */
  bytesOf(link: Link): number {
    for (const flow of link.flows) this.#account(flow);
    return link.bytes;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #turn(): void {
    const now = this.#clock.now();
    for (let first = this.#due.first; first !== undefined && first.at <= now; first = this.#due.first) {
      this.#due.take();
      if (first.flow.dueMs === first.at) this.#onDue(first.flow, now);
    }
    this.#computeRates();
    if (this.#flows.size === 0 && this.#dirty.size === 0) this[Symbol.dispose]();
  }

  #onDue(flow: Flow, now: number): void {
    flow.dueMs = Infinity;
    const { mark } = flow;
    if (flow.isOver || mark === undefined) return;
    if (now < mark.limitMs && flow.movedBy(now) < mark.bytes - 0.5) return this.#schedule(flow);
    flow.mark = undefined;
    mark.resolve();
  }

  #schedule(flow: Flow): void {
    if (flow.mark === undefined) return;
    const { bytes, limitMs } = flow.mark;
    const now = this.#clock.now();
    const dueMs = Math.min(limitMs, flow.rate <= 0 ? Infinity : now + (bytes - flow.movedBy(now)) / flow.rate);
    // An entry that comes too early is put off when its time has come.
    if (dueMs >= flow.dueMs) return;
    flow.dueMs = dueMs;
    this.#due.add({ at: dueMs, flow });
  }

  #account(flow: Flow): void {
    const now = this.#clock.now();
    const moved = flow.movedBy(now);
    for (const link of flow.links) link.bytes += moved - flow.moved;
    flow.moved = moved;
    flow.sinceMs = now;
  }

  #computeRates(): void {
    let work = WORK_FACTOR * this.#dirty.size;
    for (const link of this.#dirty) {
      if (work-- <= 0) return;
      this.#dirty.delete(link);
      this.#computeLink(link);
    }
  }

  #computeLink(link: Link): void {
    const before = link.level;
    const level = this.#levelOf(link);
    const isChanged = Math.abs(level - before) > TOLERANCE * before;
    if (isChanged) link.level = level;
    for (const flow of link.flows) {
      if (isChanged) this.#tellOthers(flow, link, before);
      const rate = rateOf(flow);
      if (rate === flow.rate) continue;
      this.#account(flow);
      flow.rate = rate;
      this.#schedule(flow);
    }
  }

  /** The other links of a flow have more or less to give to others, unless it was them that held it back all the time. */
  #tellOthers(flow: Flow, changed: Link, before: number): void {
    for (const link of flow.links) {
      if (link !== changed && Math.min(before, changed.level) < link.level) this.#dirty.add(link);
    }
  }

  /** Fills the link like a vessel: who is held back elsewhere takes less than his share, and the others share the rest. */
  #levelOf(link: Link): number {
    let count = link.flows.size;
    if (count === 0) return link.bytesPerMs;
    if (count > this.#bounds.length) this.#bounds = new Float64Array(2 * count);
    const bounds = this.#bounds;
    let at = 0;
    for (const flow of link.flows) bounds[at++] = boundOf(flow, link);
    let rest = link.bytesPerMs;
    let highest = 0;
    while (true) {
      const share = rest / count;
      let kept = 0;
      for (let index = 0; index < count; index++) {
        const bound = bounds[index] as number;
        if (bound >= share) {
          bounds[kept++] = bound;
        } else {
          rest -= bound;
          highest = Math.max(highest, bound);
        }
      }
      if (kept === count) return share;
      if (kept === 0) return rest + highest;
      count = kept;
    }
  }
}

function rateOf(flow: Flow): number {
  if (flow.isCut) return 0;
  let rate = Infinity;
  for (const { level } of flow.links) if (level < rate) rate = level;
  return rate;
}

/** What a flow can have of all links but one. */
function boundOf(flow: Flow, besides: Link): number {
  if (flow.isCut) return 0;
  let bound = Infinity;
  for (const link of flow.links) if (link !== besides && link.level < bound) bound = link.level;
  return bound;
}
