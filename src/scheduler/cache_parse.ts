/** Messages about the persistent cache, checked once and turned into what the cores work with (wire.md §1.3, §1.4). */
import { DamselflyError } from "../core/error.ts";
import { CACHE_REPLICAS_MAX, CACHE_TTL_MS } from "../core/persistent_cache.ts";
import { PIECE_LENGTH_MAX, PIECE_LENGTH_MIN, PIECES_MAX } from "../core/piece.ts";
import type {
  AnnouncePersistentCachePeerRequest,
  RegisterPersistentCachePeerRequest,
  UploadPersistentCacheTaskStartedRequest,
} from "../rpc/gen/scheduler/v2/scheduler.ts";
import { msOfDuration } from "../rpc/time.ts";
import { copyRegistration } from "./cache/registration.ts";
import type { CacheTaskFacts, Importer } from "./cache/state.ts";
import type { Registration } from "./core/event.ts";
import {
  check,
  checkName,
  CONCURRENT_PIECES_DEFAULT,
  CONCURRENT_PIECES_MAX,
  failedParents,
  failedPiece,
  NAME_LENGTH_MAX,
  type PeerMessage,
  pieceReport,
} from "./parse.ts";

/** Checks the beginning of an import. Throws `invalid_argument`, naming the field. */
export function parseImport(
  request: UploadPersistentCacheTaskStartedRequest,
): { readonly facts: CacheTaskFacts; readonly importer: Importer } {
  const { tag, application, persistentReplicaCount: replicaCount, pieceLength, contentLength, pieceCount } = request;
  check(
    replicaCount >= 1 && replicaCount <= CACHE_REPLICAS_MAX,
    "persistent_replica_count",
    `1 to ${CACHE_REPLICAS_MAX}`,
  );
  for (const [field, text = ""] of Object.entries({ tag, application })) {
    check(text.length <= NAME_LENGTH_MAX, field, `at most ${NAME_LENGTH_MAX} characters`);
  }
  // Every host that gets a copy takes the cut from here.
  check(pieceLength >= PIECE_LENGTH_MIN && pieceLength <= PIECE_LENGTH_MAX, "piece_length", "4 to 64 MiB");
  const isWhole = pieceCount === Math.ceil(contentLength / pieceLength) && pieceCount <= PIECES_MAX;
  check(isWhole, "piece_count", `what the lengths make, at most ${PIECES_MAX}`);
  // A host that tells again what it has tells the rest of the time: there is no least one.
  const ttlMs = request.ttl === undefined ? 0 : msOfDuration(request.ttl);
  check(ttlMs > 0 && ttlMs <= CACHE_TTL_MS.max, "ttl", "up to 7 days");
  const id = checkName(request.taskId, "task_id");
  const importer = { peerId: checkName(request.peerId, "peer_id"), hostId: checkName(request.hostId, "host_id") };
  return {
    facts: { id, replicaCount, tag, application, pieceLength, contentLength, pieceCount, ttlMs },
    importer,
  };
}

/** The registration that a first message must hold. Throws `invalid_argument`. */
export function registrationOf({ request }: AnnouncePersistentCachePeerRequest): RegisterPersistentCachePeerRequest {
  const expected = "register_persistent_cache_peer_request first";
  check(request?.$case === "registerPersistentCachePeerRequest", "request", expected);
  return request.value;
}

/** Parses the first message of a peer that wants a copy of a known task. Throws `invalid_argument`, naming the field. */
export function parseCacheRegistration(
  message: AnnouncePersistentCachePeerRequest,
  facts: CacheTaskFacts,
): Registration {
  const { concurrentPieceCount: concurrentPieces = CONCURRENT_PIECES_DEFAULT, ...wanted } = registrationOf(message);
  const isSameCut = wanted.pieceLength === facts.pieceLength && wanted.pieceCount === facts.pieceCount;
  check(isSameCut, "piece_length and piece_count", "those of the task");
  const hostId = checkName(message.hostId, "host_id");
  const peerId = checkName(message.peerId, "peer_id");
  const limited = Math.min(concurrentPieces, CONCURRENT_PIECES_MAX);
  return copyRegistration({ hostId, peerId }, facts, { isComplete: false, concurrentPieces: limited });
}

/** A later message of a stream. Throws `invalid_argument` for a wrong field, `failed_precondition` for an unknown kind. */
export function parseCacheMessage({ request }: AnnouncePersistentCachePeerRequest): PeerMessage {
  switch (request?.$case) {
    case "downloadPersistentCachePeerStartedRequest":
      return { type: "started" };
    case "reschedulePersistentCachePeerRequest":
      return failedParents(request.value.candidateParents);
    case "downloadPersistentCachePeerFinishedRequest":
      return { type: "finished" };
    case "downloadPersistentCachePeerFailedRequest":
      return { type: "failed" };
    case "downloadPieceFinishedRequest":
      return { type: "piece_finished", piece: pieceReport(request.value.piece, false) };
    case "downloadPieceFailedRequest":
      return failedPiece(request.value);
    default: {
      const what = request === undefined ? "it holds no request that is known here" : "the peer is registered already";
      throw new DamselflyError("failed_precondition", `Cannot handle a message of a peer: ${what}`);
    }
  }
}
