import { RandomSet } from "../../core/random_set.ts";
import type { HostFacts, Peer } from "./state.ts";

/** Elements of a location that are looked at, as in Dragonfly. */
export const LOCATION_ELEMENTS_MAX = 5;

/**
 * The places where a host says it is, from narrow to wide: its location, its data centre, and the wider parts of its
 * location. Two hosts share a place when both name it.
 */
export function placesOf({ idc, location }: HostFacts): string[] {
  const elements = location.toLowerCase().split("|").slice(0, LOCATION_ELEMENTS_MAX);
  const locations = location === "" ? [] : elements.map((_, index) => {
    return `location ${elements.slice(0, elements.length - index).join("|")}`;
  });
  const [narrowest, ...wider] = locations;
  const center = idc === "" ? [] : [`idc ${idc.toLowerCase()}`];
  return [...narrowest === undefined ? [] : [narrowest], ...center, ...wider];
}

/** How near two hosts are: 0 when they share no place, and more the narrower the place is that they share. */
export function nearness(a: readonly string[], b: readonly string[]): number {
  const index = a.findIndex((place) => b.includes(place));
  return index < 0 ? 0 : a.length - index;
}

/** Suppliers of a task by the places of their hosts. */
export class PeersByPlace {
  readonly #peers = new Map<string, RandomSet<Peer>>();
  /** Where each peer is in. */
  readonly #places = new Map<Peer, readonly string[]>();

  /** Adds a peer, or notes that its host may have moved. */
  put(peer: Peer): void {
    const { places } = peer.host;
    if (this.#places.get(peer) === places) return;
    this.delete(peer);
    this.#places.set(peer, places);
    for (const place of places) {
      const peers = this.#peers.get(place) ?? new RandomSet<Peer>();
      peers.add(peer);
      this.#peers.set(place, peers);
    }
  }

  delete(peer: Peer): void {
    for (const place of this.#places.get(peer) ?? []) {
      const peers = this.#peers.get(place);
      peers?.delete(peer);
      if (peers?.size === 0) this.#peers.delete(place);
    }
    this.#places.delete(peer);
  }

  /** The peers in a place; undefined when there is none. */
  at(place: string): RandomSet<Peer> | undefined {
    return this.#peers.get(place);
  }
}
