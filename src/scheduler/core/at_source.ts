import { DamselflyError } from "../../core/error.ts";
import { removeParents } from "./dag.ts";
import type { Step } from "./event.ts";
import { movePeer, stopFetching } from "./peers.ts";
import { refuse } from "./schedule.ts";
import type { Peer } from "./state.ts";
import { mark, stopWaiting } from "./waiting.ts";

/** Moves a peer, or ends it with an error where its state does not allow that; false then. */
export function moveOrRefuse(step: Step, peer: Peer, how: "download" | "back_to_source" | "succeed"): boolean {
  if (movePeer(step, peer, how)) return true;
  const what = `Cannot ${how.replaceAll("_", " ")}: peer ${peer.id} is in state ${peer.state}`;
  refuse(step, peer, new DamselflyError("failed_precondition", what));
  return false;
}

/** A peer has begun at the source: from now on it is a parent. Nothing happens where that is known. */
export function startAtSource(step: Step, peer: Peer): void {
  if (peer.state === "BackToSource" || !moveOrRefuse(step, peer, "back_to_source")) return;
  stopWaiting(step.state, peer);
  removeParents(peer);
  stopFetching(peer);
  peer.task.fetchers.add(peer);
  mark(step, peer.task);
}
