import { DamselflyError } from "../../core/error.ts";
import type { AnnouncePeerRequest, AnnouncePeerResponse } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import type { Decision, PeerEvent } from "./control.ts";

type Message = NonNullable<AnnouncePeerRequest["request"]>;

/** The message of an event (wire.md §1.2, `AnnouncePeerRequest`). */
export function messageOf(event: PeerEvent): Message {
  switch (event.kind) {
    case "register":
      return { $case: "registerPeerRequest", value: { download: event.download } };
    case "started":
      return { $case: "downloadPeerStartedRequest", value: {} };
    case "back_to_source_started":
      return { $case: "downloadPeerBackToSourceStartedRequest", value: { description: event.description } };
    case "reschedule":
      return {
        $case: "reschedulePeerRequest",
        value: { candidateParents: [...event.parents], description: event.description },
      };
    case "finished":
      return { $case: "downloadPeerFinishedRequest", value: {} };
    case "back_to_source_finished":
      return { $case: "downloadPeerBackToSourceFinishedRequest", value: {} };
    case "failed":
      return { $case: "downloadPeerFailedRequest", value: { description: event.description } };
    case "back_to_source_failed":
      return { $case: "downloadPeerBackToSourceFailedRequest", value: { description: event.description } };
    case "piece_finished":
      return { $case: "downloadPieceFinishedRequest", value: { piece: event.piece } };
    case "piece_back_to_source_finished":
      return { $case: "downloadPieceBackToSourceFinishedRequest", value: { piece: event.piece } };
    case "piece_failed":
      return {
        $case: "downloadPieceFailedRequest",
        value: { pieceNumber: event.pieceNumber, parentId: event.parentId, temporary: event.temporary },
      };
    case "piece_back_to_source_failed":
      return {
        $case: "downloadPieceBackToSourceFailedRequest",
        value: {
          pieceNumber: event.pieceNumber,
          response: { $case: "unknown", value: { message: event.message } },
        },
      };
    default:
      return event satisfies never;
  }
}

/** The decision in an answer of the scheduler. Throws `internal` for an answer that decides nothing. */
export function decisionOf({ response }: AnnouncePeerResponse): Decision {
  switch (response?.$case) {
    case "emptyTaskResponse":
      return { kind: "empty_task" };
    case "normalTaskResponse":
      return { kind: "from_parents", parents: response.value.candidateParents };
    case "needBackToSourceResponse":
      return { kind: "back_to_source", description: response.value.description ?? "" };
    case "metadataOnlyResponse":
      return { kind: "metadata_only" };
    case undefined:
      throw new DamselflyError("internal", "Cannot follow the scheduler: its answer is of no known kind");
    default:
      return response satisfies never;
  }
}

/** The events after which the scheduler closes the stream. */
export function isTerminal({ kind }: PeerEvent): boolean {
  return kind === "finished" || kind === "back_to_source_finished" || kind === "failed" ||
    kind === "back_to_source_failed";
}
