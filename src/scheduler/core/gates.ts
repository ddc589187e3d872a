/**
 * Gates: of the peers of a place, the first ones to come. They exchange pieces with the gates of other places besides
 * those with the peers of their own, which get theirs inside. So a content crosses into a place about once, and the
 * places still give each other what they have.
 */
import { RandomSet } from "../../core/random_set.ts";
import { PeersByPlace } from "./places.ts";
import type { Peer } from "./state.ts";

/** The gates of a task. */
export class Gates {
  readonly #gateOf = new Map<string, Peer>();
  /** The places of each gate, from narrow to wide. */
  readonly #placesOf = new Map<Peer, Set<string>>();
  /** Gates of narrowest places, by all places that they are in, and all of them. */
  readonly #byPlace = new PeersByPlace();
  readonly #all = new RandomSet<Peer>();

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
    if (this.isGateOf(peer, places[0])) {
      this.#byPlace.put(peer);
      this.#all.add(peer);
    } else if (this.#all.has(peer)) this.#close(peer);
  }

  /** Takes a peer out; what it was the gate of gets another one, of gates there, or of all the `others`. */
  delete(peer: Peer, others: PeersByPlace): void {
    const own = [...this.#placesOf.get(peer) ?? []];
    if (own.length === 0) return;
    this.#close(peer);
    for (const place of own) this.#leave(peer, place);
    for (const place of own) {
      const next = this.#byPlace.at(place)?.at(0) ?? others.at(place)?.at(0);
      if (next !== undefined) this.put(next);
    }
  }

  #close(peer: Peer): void {
    this.#byPlace.delete(peer);
    this.#all.delete(peer);
  }

  #leave(peer: Peer, place: string): void {
    this.#gateOf.delete(place);
    const own = this.#placesOf.get(peer);
    own?.delete(place);
    if (own?.size === 0) this.#placesOf.delete(peer);
  }

  isGateOf(peer: Peer, place: string | undefined): boolean {
    return place !== undefined && this.#gateOf.get(place) === peer;
  }

  /**
   * Where a gate meets others, the widest first: in the narrowest place of which it is not the gate itself, or everywhere
   * (undefined), and in those places of which it is one too, but for the narrowest. Of the gates there it exchanges pieces
   * with those that are {@link isGateWithin} it.
   */
  circlesOf(peer: Peer): { readonly place: string | undefined; readonly gates: RandomSet<Peer> }[] {
    const { places } = peer.host;
    const outside = places.findIndex((place) => !this.isGateOf(peer, place));
    const circles: (string | undefined)[] = outside < 0 ? [...places, undefined] : places.slice(0, outside + 1);
    return circles.slice(1).reverse().flatMap((place) => {
      const gates = place === undefined ? this.#all : this.#byPlace.at(place);
      return gates === undefined ? [] : [{ place, gates }];
    });
  }

  /** Whether a peer is the gate of all its places that are narrower than this one. */
  isGateWithin(peer: Peer, place: string | undefined): boolean {
    const { places } = peer.host;
    const end = place === undefined ? places.length : places.indexOf(place);
    return end >= 0 && places.slice(0, end).every((narrower) => this.isGateOf(peer, narrower));
  }
}
