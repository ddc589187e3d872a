/**
 * Mates: peers of our own make that fetch the same content and give each other what they have, beside their parents.
 *
 * Parents make sure that every piece arrives: they form a graph without cycles, from the roots down. Alone they waste
 * most of the lines, for whoever is below never gives anything back to those above. Our peers fetch pieces and not
 * streams, so two of them may well fetch from each other: each offers only what it has. Nobody depends on his mates, so
 * they need no levels, and to lose them costs nothing but speed. Stock peers are given parents only.
 */
import type { Step } from "./event.ts";
import { isOfContent, isOpenTo, offerOf } from "./fit.ts";
import { type Chance, type RandomSet, sampled } from "../../core/random_set.ts";
import type { Peer } from "./state.ts";

/**
 * Mates of a peer, with those that were chosen while it waited and were given it: as many as it fetches pieces at a time,
 * one from each. Whoever had more would be asked for more than others, and whoever had fewer would be behind.
 */
const MATES_MAX = 16;
/** Peers that have as many mates as they may are given to whoever else has fewer than so many. */
const MATES_MIN = 12;
/** Of these a gate has so many in other places. */
const GATES_MAX = 8;
/** Peers that are looked at for each mate that is wanted. */
const LOOKS_PER_MATE = 2;

/**
 * The mates of a peer that is answered: those that were given it as a mate while it waited, and more by chance, all from
 * the narrowest of its places where other hosts are, and for whom that is so too: who has others nearer gives nothing
 * farther away, unless it is the gate of its place.
 */
export function chooseMates({ state: { settings }, chance }: Step, peer: Peer): Peer[] {
  if (settings.algorithm !== "swarm" || !peer.host.facts.cutsAsAsked) return [];
  const { task, mates } = peer;
  for (const mate of mates) if (!areAlike(mate, peer) || !task.mates.has(mate)) part(mate, peer);
  if (isGate(peer)) chooseGates(peer, chance);
  const place = placeOf(peer);
  const crowd = place === undefined ? undefined : task.matesByPlace.at(place);
  const crowds: RandomSet<Peer>[] = crowd === undefined ? task.mates.of(peer).map(({ peers }) => peers) : [crowd];
  const full: Peer[] = [];
  for (const mate of sampled(crowds, LOOKS_PER_MATE * MATES_MAX, chance)) {
    if (mates.size >= MATES_MAX) break;
    if (!areAlike(mate, peer) || placeOf(mate) !== place) continue;
    if (hasRoom(mate)) join(mate, peer);
    else if (!task.waiters.has(mate)) full.push(mate);
  }
  // Whoever comes late finds nobody else. In a burst all are asked by as many as they ask.
  for (const mate of full) if (mates.size < MATES_MIN) join(mate, peer);
  return [...mates];
}

/** The mates of a gate in other places: gates too, and of places of the same kind. */
function chooseGates(peer: Peer, chance: Chance): void {
  const circles = peer.task.gates.circlesOf(peer);
  let count = [...peer.mates].filter((mate) => isGate(mate)).length;
  for (const [index, others] of circles.entries()) {
    const countMax = index === circles.length - 1 ? GATES_MAX : GATES_MAX / 2;
    for (const mate of sampled([others], LOOKS_PER_MATE * GATES_MAX, chance)) {
      if (count >= countMax) break;
      if (!isGate(mate) || !hasRoom(mate, 0) || !areAlike(mate, peer) || peer.mates.has(mate)) continue;
      join(mate, peer);
      count += 1;
    }
  }
}

/** Whether it is the gate of a place where there are others. */
function isGate(peer: Peer): boolean {
  return peer.task.gates.isGateOf(peer, placeOf(peer));
}

/**
 * A peer has ended without all of the content: those that it knows as mates are that no more. Others, which were given
 * it after it had its answer, part with it when they are answered again.
 */
export function partWithMates(peer: Peer): void {
  if (peer.mates.size === 0) return;
  for (const mate of peer.mates) part(mate, peer);
}

/** A gate keeps room for other gates. */
function hasRoom(mate: Peer, kept = isGate(mate) ? GATES_MAX : 0): boolean {
  return mate.mates.size < MATES_MAX - kept;
}

/** Who waits for its answer learns of a new mate with that; who had it before goes on with those that it has. */
function join(mate: Peer, peer: Peer): void {
  peer.mates.add(mate);
  if (mate.task.waiters.has(mate)) mate.mates.add(peer);
}

function part(a: Peer, b: Peer): void {
  a.mates.delete(b);
  b.mates.delete(a);
}

/** The narrowest place of a peer where other hosts are; undefined when there is none, and everybody is as near. */
function placeOf({ host, task }: Peer): string | undefined {
  return host.places.find((place) => task.matesByPlace.hostsAt(place) > 1);
}

function areAlike(a: Peer, b: Peer): boolean {
  return isOpenTo(a, b) && isOpenTo(b, a) && isOfContent(offerOf(a), b) && isOfContent(offerOf(b), a);
}
