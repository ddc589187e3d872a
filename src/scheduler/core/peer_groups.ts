import { isOfContent, type Offer, offerOf } from "./fit.ts";
import { RandomSet } from "../../core/random_set.ts";
import type { Peer, WantedRange } from "./state.ts";

/** Peers with the same offer. */
export interface PeerGroup {
  readonly offer: Offer;
  readonly peers: RandomSet<Peer>;
}

/**
 * Kinds of offers that are looked at for one child, besides those like its own. A healthy task has one to three; more
 * come of peers that disagree about the content.
 */
const GROUPS_LOOKED_AT_MAX = 32;

/**
 * Peers of a task, by what they have to give: who looks for a parent does not meet those that could be none for him,
 * however many they are.
 */
export class PeerGroups {
  /** By range, then by the rest of the offer. */
  readonly #byRange = new Map<string, Map<string, PeerGroup>>();
  /** The group of each peer, in the order in which they came. */
  readonly #groupOf = new Map<Peer, PeerGroup>();

  get size(): number {
    return this.#groupOf.size;
  }

  has(peer: Peer): boolean {
    return this.#groupOf.has(peer);
  }

  /** The peer that is in for the longest time. */
  get oldest(): Peer | undefined {
    const [oldest] = this.#groupOf.keys();
    return oldest;
  }

  /** Adds a peer, or notes that its offer may have changed. */
  put(peer: Peer): void {
    const offer = offerOf(peer);
    const range = rangeKey(offer.range);
    const key = offerKey(offer);
    const groups = this.#byRange.get(range) ?? new Map<string, PeerGroup>();
    const group = groups.get(key) ?? { offer, peers: new RandomSet<Peer>() };
    const before = this.#groupOf.get(peer);
    if (before === group) return;
    if (before !== undefined) this.#leave(before, peer);
    this.#byRange.set(range, groups);
    groups.set(key, group);
    group.peers.add(peer);
    this.#groupOf.set(peer, group);
  }

  delete(peer: Peer): void {
    const group = this.#groupOf.get(peer);
    if (group === undefined) return;
    this.#groupOf.delete(peer);
    this.#leave(group, peer);
  }

  /** The groups that have what `child` wants, however they cut it: first those that cut it alike. */
  of(child: Peer): PeerGroup[] {
    const { wish: { range, contentLength }, pieceLength } = child;
    const found = new Set<PeerGroup>();
    for (const key of range === undefined ? [WHOLE] : [WHOLE, rangeKey(range)]) {
      const groups = this.#byRange.get(key);
      if (groups === undefined) continue;
      for (const cutsAsAsked of [true, false]) {
        const alike = groups.get(offerKey({ contentLength, pieceLength, cutsAsAsked }));
        if (alike !== undefined) found.add(alike);
      }
      let looked = 0;
      for (const group of groups.values()) {
        if (isOfContent(group.offer, child)) found.add(group);
        looked += 1;
        if (looked === GROUPS_LOOKED_AT_MAX) break;
      }
    }
    return [...found];
  }

  #leave({ offer, peers }: PeerGroup, peer: Peer): void {
    peers.delete(peer);
    if (peers.size > 0) return;
    const range = rangeKey(offer.range);
    const groups = this.#byRange.get(range);
    groups?.delete(offerKey(offer));
    if (groups?.size === 0) this.#byRange.delete(range);
  }
}

const WHOLE = "";

function rangeKey(range: WantedRange | undefined): string {
  return range === undefined ? WHOLE : `${range.start} ${range.length}`;
}

function offerKey({ contentLength, pieceLength, cutsAsAsked }: Omit<Offer, "range">): string {
  return `${contentLength} ${pieceLength} ${cutsAsAsked}`;
}
