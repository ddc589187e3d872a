import type { Rejection } from "./explanations.ts";
import type { Peer, WantedRange } from "./state.ts";

/** What a peer has to give, apart from who it is: those of one task with the same offer are alike to a child. */
export interface Offer {
  readonly range: WantedRange | undefined;
  /** Lengths in bytes, undefined while unknown. */
  readonly contentLength: number | undefined;
  readonly pieceLength: number | undefined;
  /** See `HostFacts.cutsAsAsked`. */
  readonly cutsAsAsked: boolean;
}

/** What a peer has to give at the moment, once it has it. */
export function offerOf({ wish, pieceLength, host }: Peer): Offer {
  const { range, contentLength } = wish;
  return { range, contentLength, pieceLength, cutsAsAsked: host.facts.cutsAsAsked };
}

/**
 * What keeps `parent` from being one that `child` could take pieces from once it has some; undefined when it is on
 * another host that shares, not blocked, with the same content, in pieces that the child can use.
 */
export function misfit(parent: Peer, child: Peer): Rejection | undefined {
  const between = obstacle(parent, child);
  if (between !== undefined) return between;
  const offer = offerOf(parent);
  if (!isOfContent(offer, child)) return "other_content";
  return canCutFor(offer, child) ? undefined : "other_cut";
}

/** What between the two hosts and peers forbids that one is a parent of the other; undefined for nothing. */
export function obstacle({ host, id }: Peer, child: Peer): Rejection | undefined {
  if (host === child.host) return "same_host";
  if (!host.facts.isShared) return "not_shared";
  return child.blocked.has(id) ? "blocked" : undefined;
}

/** Whether nothing between the two hosts and peers forbids that one is a parent of the other. */
export function isOpenTo(parent: Peer, child: Peer): boolean {
  return obstacle(parent, child) === undefined;
}

/** Whether what is offered is what the child wants, or holds it. */
export function isOfContent({ contentLength, range }: Offer, { wish }: Peer): boolean {
  return agree(contentLength, wish.contentLength) && covers(range, wish.range);
}

/** A parent of our own make cuts as the child does; a child of our own make that has no piece yet cuts as the parent. */
export function canCutFor({ cutsAsAsked, pieceLength }: Offer, child: Peer): boolean {
  return cutsAsAsked || isFree(child) || agree(pieceLength, child.pieceLength);
}

/** Whether a child takes over whatever cut its parents have. */
export function isFree({ host, piecesFinished }: Peer): boolean {
  return host.facts.cutsAsAsked && piecesFinished === 0;
}

function agree(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function covers(held: WantedRange | undefined, wanted: WantedRange | undefined): boolean {
  if (held === undefined) return true;
  return wanted !== undefined && held.start === wanted.start && held.length === wanted.length;
}
