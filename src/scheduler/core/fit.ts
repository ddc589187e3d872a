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
 * Whether `parent` is one that `child` could take pieces from once it has some: on another host that shares, not
 * blocked, with the same content, in pieces that the child can use.
 */
export function couldServe(parent: Peer, child: Peer): boolean {
  const offer = offerOf(parent);
  return isOpenTo(parent, child) && isOfContent(offer, child) && canCutFor(offer, child);
}

/** Whether nothing between the two hosts and peers forbids that one is a parent of the other. */
export function isOpenTo({ host, id }: Peer, child: Peer): boolean {
  return host !== child.host && host.facts.isShared && !child.blocked.has(id);
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
