import type { Schemas } from "../api/client.ts";

export type Swarm = Schemas["Swarm"];
export type Member = Schemas["SwarmMember"];

export type Stage = "waiting" | "downloading" | "at_source" | "done" | "failed";
/** In the order in which a peer goes through them. */
export const STAGES: readonly Stage[] = ["waiting", "downloading", "at_source", "done", "failed"];

/** Who gave the last piece so long ago gives no more. */
const QUIET_MS = 3_000;
const TENTHS = 10;

/** What a peer had from somebody at a moment. */
export interface FeedAt {
  /** Place among the members; null is the source. */
  readonly from: number | null;
  readonly pieces: number;
  /** Whether pieces came from there at that moment, or were about to. */
  readonly isActive: boolean;
}

/** A peer at a moment. */
export interface PeerAt {
  /** Place among the members. */
  readonly at: number;
  readonly stage: Stage;
  /** Of its pieces, from 0 to 1. */
  readonly progress: number;
  readonly feeds: readonly FeedAt[];
  /** Hosts between it and the source, 0 for who gets it from there; the last row for who gets nothing yet. */
  readonly depth: number;
}

/** The peers of a swarm as they were so many milliseconds after it began; those that had not come yet are left out. */
export function swarmAt({ members, now_ms }: Pick<Swarm, "members" | "now_ms">, atMs: number): PeerAt[] {
  const peers = members.flatMap((member, at) => {
    if (member.begun_ms > atMs) return [];
    const stage = stageAt(member, atMs);
    return [{ at, stage, progress: progressAt(member, stage, atMs, now_ms), feeds: feedsAt(member, stage, atMs) }];
  });
  const depths = depthsOf(peers);
  return peers.map((peer) => ({ ...peer, depth: depths.get(peer.at) ?? 0 }));
}

function stageAt({ started_ms, at_source_ms, ended_ms, is_failed }: Member, atMs: number): Stage {
  const isPast = (ms: number | null) => ms !== null && ms <= atMs;
  if (isPast(ended_ms)) return is_failed ? "failed" : "done";
  if (isPast(at_source_ms)) return "at_source";
  return isPast(started_ms) ? "downloading" : "waiting";
}

function progressAt({ tenths_ms, pieces, piece_count }: Member, stage: Stage, atMs: number, nowMs: number): number {
  if (stage === "done") return 1;
  if (atMs >= nowMs) return piece_count === 0 ? 0 : Math.min(1, pieces / piece_count);
  return tenths_ms.filter((ms) => ms <= atMs).length / TENTHS;
}

function feedsAt({ feeds }: Member, stage: Stage, atMs: number): FeedAt[] {
  const isOver = stage === "done" || stage === "failed";
  return feeds.filter(({ since_ms }) => since_ms <= atMs).map(({ from, since_ms, until_ms, pieces }) => {
    const share = until_ms <= atMs ? 1 : (atMs - since_ms) / (until_ms - since_ms);
    const isActive = !isOver && (pieces === 0 || atMs - until_ms < QUIET_MS);
    return { from, pieces: Math.round(pieces * share), isActive };
  });
}

/** By place among the members: the shortest way from the source, over those who gave something or are to. */
function depthsOf(peers: readonly Omit<PeerAt, "depth">[]): Map<number, number> {
  const children = new Map<number, number[]>();
  const depths = new Map<number, number>();
  for (const { at, stage, feeds } of peers) {
    const givers = feeds.flatMap(({ from }) => from === null ? [] : [from]);
    for (const from of givers) children.set(from, [...children.get(from) ?? [], at]);
    const isRoot = feeds.some(({ from }) => from === null) || stage === "at_source";
    if (isRoot || (givers.length === 0 && stage === "done")) depths.set(at, 0);
  }
  const open = [...depths.keys()];
  for (let at = open.shift(); at !== undefined; at = open.shift()) {
    for (const child of children.get(at) ?? []) {
      if (depths.has(child)) continue;
      depths.set(child, (depths.get(at) ?? 0) + 1);
      open.push(child);
    }
  }
  const last = Math.max(-1, ...depths.values()) + 1;
  for (const { at } of peers) if (!depths.has(at)) depths.set(at, last);
  return depths;
}

/** The whole time of which something is told, in milliseconds: until the last peer ended, or until now. */
export function lengthOf({ members, now_ms }: Pick<Swarm, "members" | "now_ms">): number {
  const isMoving = members.some(({ ended_ms }) => ended_ms === null);
  return isMoving ? now_ms : Math.max(0, ...members.map(({ ended_ms }) => ended_ms ?? 0));
}

/** What a peer is called: its host's name, or what else is known. */
export function nameOf({ hostname, ip, host_id }: Pick<Member, "hostname" | "ip" | "host_id">): string {
  return hostname || ip || host_id;
}
