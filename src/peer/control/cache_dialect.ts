import { DamselflyError } from "../../core/error.ts";
import { Peer, type PersistentCachePeer } from "../../rpc/gen/common/v2/common.ts";
import type {
  AnnouncePersistentCachePeerRequest,
  AnnouncePersistentCachePeerResponse,
  RegisterPersistentCachePeerRequest,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import type { Decision, PeerEvent } from "./control.ts";
import type { Dialect } from "./dialect.ts";

type Message = NonNullable<AnnouncePersistentCachePeerRequest["request"]>;

/**
 * Tasks of the persistent cache: `AnnouncePersistentCachePeer`. There is no source that a peer could be sent to.
 * `isPersistent`: the copy shall be one of the replicas.
 */
export function cacheDialect(
  isPersistent: boolean,
): Dialect<AnnouncePersistentCachePeerRequest, AnnouncePersistentCachePeerResponse> {
  // A scheduler wants to hear of the candidates exactly what it said of them (wire.md §1.4).
  const candidates = new Map<string, PersistentCachePeer>();
  return {
    open: (client, signal) => client.announcePersistentCachePeer({ signal }),
    messageOf: (ids, event) => ({ ...ids, request: messageOf(event, isPersistent, candidates) }),
    decisionOf(answer) {
      const decision = decisionOf(answer);
      for (const peer of decision.peers) candidates.set(peer.id, peer);
      return decision.decision;
    },
  };
}

function messageOf(
  event: PeerEvent,
  isPersistent: boolean,
  candidates: ReadonlyMap<string, PersistentCachePeer>,
): Message {
  switch (event.kind) {
    case "register":
      return { $case: "registerPersistentCachePeerRequest", value: registration(event, isPersistent) };
    case "started":
      return { $case: "downloadPersistentCachePeerStartedRequest", value: {} };
    case "reschedule": {
      const candidateParents = event.parents.flatMap(({ id }) => candidates.get(id) ?? []);
      const value = { candidateParents, description: event.description };
      return { $case: "reschedulePersistentCachePeerRequest", value };
    }
    case "finished":
      return { $case: "downloadPersistentCachePeerFinishedRequest", value: {} };
    case "failed":
      return { $case: "downloadPersistentCachePeerFailedRequest", value: { description: event.description } };
    case "piece_finished":
      return { $case: "downloadPieceFinishedRequest", value: { piece: event.piece } };
    case "piece_failed": {
      const { pieceNumber, parentId, temporary } = event;
      return { $case: "downloadPieceFailedRequest", value: { pieceNumber, parentId, temporary } };
    }
    default:
      throw new DamselflyError("internal", `Cannot say ${event.kind}: a task of the persistent cache has no source`);
  }
}

function registration(
  { download }: Extract<PeerEvent, { kind: "register" }>,
  persistent: boolean,
): RegisterPersistentCachePeerRequest {
  const { tag, application, actualPieceLength = 0, actualPieceCount = 0, concurrentPieceCount } = download;
  return {
    persistent,
    tag,
    application,
    pieceLength: actualPieceLength,
    pieceCount: actualPieceCount,
    concurrentPieceCount,
  };
}

function decisionOf(
  { response }: AnnouncePersistentCachePeerResponse,
): { readonly decision: Decision; readonly peers: readonly PersistentCachePeer[] } {
  switch (response?.$case) {
    case "emptyPersistentCacheTaskResponse":
      return { decision: { kind: "empty_task" }, peers: [] };
    case "normalPersistentCacheTaskResponse": {
      const peers = response.value.candidateParents;
      const parents = peers.map(({ id, host }) => Peer.create({ id, ...(host !== undefined && { host }) }));
      return { decision: { kind: "from_parents", parents }, peers };
    }
    case undefined:
      throw new DamselflyError("internal", "Cannot follow the scheduler: its answer is of no known kind");
    default:
      return response satisfies never;
  }
}
