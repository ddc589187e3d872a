/**
 * Gates: of the peers of a place, the first ones to come. They exchange pieces with the gates of other places besides
 * those with the peers of their own, which get theirs inside. So a content crosses into a place about once, and the
 * places still give each other what they have.
 */
import { RandomSet } from "../../core/random_set.ts";
import { PeersByPlace } from "./places.ts";
import type { Peer } from "./state.ts";

/** Where gates meet: a place, or everywhere when it is undefined. */
type Circle = string | undefined;

/** The gates of a task. */
export class Gates {
  readonly #gateOf = new Map<string, Peer>();
  /** The places of each gate. */
  readonly #placesOf = new WeakMap<Peer, Set<string>>();
  /**
   * By where they meet, the gates of all their narrower places: racks may be very many, and among the gates of all of
   * them nobody would find those of the few sites.
   */
  readonly #members = new Map<Circle, RandomSet<Peer>>();
  readonly #circlesOf = new WeakMap<Peer, readonly Circle[]>();

  /** Adds a peer, or notes that its host may have moved: it is the gate of its places that have none. */
  put(peer: Peer): void {
    const { places } = peer.host;
    const own = this.#placesOf.get(peer) ?? new Set();
    for (const place of [...own]) if (!places.includes(place)) this.#leave(peer, place);
    for (const place of places) {
      if (this.#gateOf.has(place)) continue;
      this.#gateOf.set(place, peer);
      this.#placesOf.set(peer, own.add(place));
    }
    const outside = places.findIndex((place) => !this.isGateOf(peer, place));
    // Where it is not the gate itself, and wider than the narrowest of those where it is.
    this.#meet(peer, (outside < 0 ? [...places, undefined] : places.slice(0, outside + 1)).slice(1));
  }

  /** Takes a peer out; what it was the gate of gets another one, of gates there, or of all the `others`. */
  delete(peer: Peer, others: PeersByPlace): void {
    const own = [...this.#placesOf.get(peer) ?? []];
    if (own.length === 0) return;
    this.#meet(peer, []);
    for (const place of own) this.#leave(peer, place);
    for (const place of own) {
      const next = this.#members.get(place)?.at(0) ?? others.at(place)?.at(0);
      if (next !== undefined) this.put(next);
    }
  }

  #meet(peer: Peer, circles: readonly Circle[]): void {
    for (const circle of this.#circlesOf.get(peer) ?? []) {
      if (circles.includes(circle)) continue;
      const members = this.#members.get(circle);
      members?.delete(peer);
      if (members?.size === 0) this.#members.delete(circle);
    }
    for (const circle of circles) {
      const members = this.#members.get(circle) ?? new RandomSet();
      this.#members.set(circle, members);
      members.add(peer);
    }
    this.#circlesOf.set(peer, circles);
  }

  #leave(peer: Peer, place: string): void {
    this.#gateOf.delete(place);
    this.#placesOf.get(peer)?.delete(place);
  }

  isGateOf(peer: Peer, place: string | undefined): boolean {
    return place !== undefined && this.#gateOf.get(place) === peer;
  }

  /**
   * The gates with which a gate exchanges pieces, where the widest circle is first: of the narrowest place of which it is
   * not the gate itself, or of everywhere, and of those places of which it is one too, but for the narrowest.
   */
  circlesOf(peer: Peer): RandomSet<Peer>[] {
    return (this.#circlesOf.get(peer) ?? []).toReversed().flatMap((circle) => this.#members.get(circle) ?? []);
  }
}
