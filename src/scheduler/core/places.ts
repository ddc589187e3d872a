import { RandomSet } from "../../core/random_set.ts";
import type { Host, HostFacts, Peer } from "./state.ts";

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

/** Those in one place: the peers, and how many of them each host has. */
interface Crowd {
  readonly peers: RandomSet<Peer>;
  readonly peersOfHost: Map<Host, number>;
}

/** Suppliers of a task by the places of their hosts. */
export class PeersByPlace {
  readonly #crowds = new Map<string, Crowd>();
  /** Where each peer is in. */
  readonly #places = new Map<Peer, readonly string[]>();

  /** Adds a peer, or notes that its host may have moved. */
  put(peer: Peer): void {
    const { host } = peer;
    if (this.#places.get(peer) === host.places) return;
    this.delete(peer);
    this.#places.set(peer, host.places);
    for (const place of host.places) {
      const crowd = this.#crowds.get(place) ?? { peers: new RandomSet<Peer>(), peersOfHost: new Map<Host, number>() };
      this.#crowds.set(place, crowd);
      crowd.peers.add(peer);
      crowd.peersOfHost.set(host, 1 + (crowd.peersOfHost.get(host) ?? 0));
    }
  }

  delete(peer: Peer): void {
    const { host } = peer;
    for (const place of this.#places.get(peer) ?? []) {
      const { peers, peersOfHost } = this.#crowds.get(place) as Crowd;
      peers.delete(peer);
      const left = (peersOfHost.get(host) ?? 0) - 1;
      if (left > 0) peersOfHost.set(host, left);
      else peersOfHost.delete(host);
      if (peers.size === 0) this.#crowds.delete(place);
    }
    this.#places.delete(peer);
  }

  /** The peers in a place; undefined when there is none. */
  at(place: string): RandomSet<Peer> | undefined {
    return this.#crowds.get(place)?.peers;
  }

  /** On how many hosts they are. */
  hostsAt(place: string): number {
    return this.#crowds.get(place)?.peersOfHost.size ?? 0;
  }
}
