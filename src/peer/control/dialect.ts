import type { RpcClient, RpcStream } from "../../rpc/client.ts";
import {
  type AnnouncePeerRequest,
  type AnnouncePeerResponse,
  SchedulerService,
} from "../../rpc/gen/scheduler/v2/scheduler.ts";
import type { Decision, PeerEvent } from "./control.ts";
import { decisionOf, messageOf } from "./peer_messages.ts";

/** Which download a session is about. */
export interface SessionIds {
  readonly hostId: string;
  readonly taskId: string;
  readonly peerId: string;
}

/** How one family of tasks tells the scheduler of its peers; one object for each session. */
export interface Dialect<Q, A> {
  open(client: RpcClient<typeof SchedulerService>, signal: AbortSignal): RpcStream<Q, A>;
  messageOf(ids: SessionIds, event: PeerEvent): Q;
  /** Throws `internal` for an answer that decides nothing. */
  decisionOf(answer: A): Decision;
}

/** Standard tasks: `AnnouncePeer`. */
export const STANDARD_DIALECT: Dialect<AnnouncePeerRequest, AnnouncePeerResponse> = {
  open: (client, signal) => client.announcePeer({ signal }),
  messageOf: (ids, event) => ({ ...ids, request: messageOf(event) }),
  decisionOf,
};
