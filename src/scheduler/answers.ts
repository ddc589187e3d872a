/** What the core knows and decides, as messages. */
import { invariant } from "../core/invariant.ts";
import { Host, Peer, SizeScope, Task } from "../rpc/gen/common/v2/common.ts";
import type { AnnouncePeerResponse } from "../rpc/gen/scheduler/v2/scheduler.ts";
import type { Timestamp } from "../rpc/gen/google/protobuf/timestamp.ts";
import { durationOfMs, timestampOfMs } from "../rpc/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Decision } from "./core/event.ts";
import type { Host as HostState, Peer as PeerState, Task as TaskState } from "./core/state.ts";
import { hasAvailablePeer } from "./core/suppliers.ts";

/** Content up to so many bytes is tiny (wire.md §1.1). */
const TINY_BYTES_MAX = 128;

/** Makes messages of one scheduler. */
export class Answers {
  readonly #clusterId: number;
  readonly #clock: Clock;

  /** `clusterId` goes into each host, whatever the host said (wire.md §1.2). */
  constructor(clusterId: number, clock: Clock) {
    this.#clusterId = clusterId;
    this.#clock = clock;
  }

  /** The answer on a peer's stream. */
  response(decision: Decision): AnnouncePeerResponse {
    switch (decision.kind) {
      case "empty_task":
        return { response: { $case: "emptyTaskResponse", value: {} } };
      case "metadata_only":
        return { response: { $case: "metadataOnlyResponse", value: {} } };
      case "back_to_source":
        return { response: { $case: "needBackToSourceResponse", value: { description: decision.reason } } };
      case "from_parents": {
        const parents = decision.parents.map((parent) => this.peer(parent));
        const candidateParents = [...parents, ...decision.mates.map((mate) => this.#mate(mate))];
        return { response: { $case: "normalTaskResponse", value: { candidateParents } } };
      }
      default:
        return decision satisfies never;
    }
  }

  /** A host as it announced itself. */
  host({ facts }: HostState): Host {
    const announcement = facts.announcement as Host | undefined;
    invariant(announcement !== undefined, `host ${facts.id} has no announcement`);
    return { ...announcement, schedulerClusterId: this.#clusterId };
  }

  /** A peer with its host and its task; every field that validating peers want is there (wire.md §1.4). */
  peer(peer: PeerState): Peer {
    const { wish } = peer;
    return Peer.create({
      id: peer.id,
      range: wish.range,
      priority: wish.priority,
      cost: durationOfMs(peer.updatedAtMs - peer.createdAtMs),
      state: peer.state,
      task: { ...this.task(peer.task), pieceCount: pieceCountOf(peer) },
      host: this.host(peer.host),
      needBackToSource: wish.needBackToSource,
      createdAt: this.timestamp(peer.createdAtMs),
      updatedAt: this.timestamp(peer.updatedAtMs),
      concurrentPieceCount: wish.concurrentPieces,
    });
  }

  /** A mate with what a peer of our own make needs of it: there are many, and a host has much to say of itself. */
  #mate({ id, host }: PeerState): Peer {
    const { id: hostId, type, hostname, ip, port, network, build } = this.host(host);
    return Peer.create({ id, host: Host.create({ id: hostId, type, hostname, ip, port, network, build }) });
  }

  /** A task. Request headers are not known here any more, and the URL has no query. */
  task(task: TaskState): Task {
    const { facts } = task;
    return Task.create({
      id: facts.id,
      type: facts.type,
      url: facts.url,
      digest: facts.digest,
      tag: facts.tag,
      application: facts.application,
      filteredQueryParams: [...facts.filteredQueryParams],
      contentLength: task.contentLength ?? 0,
      pieceCount: task.pieceCount,
      sizeScope: sizeScopeOf(task),
      state: task.state,
      peerCount: task.peers.size,
      hasAvailablePeer: hasAvailablePeer(task),
      createdAt: this.timestamp(task.createdAtMs),
      updatedAt: this.timestamp(task.updatedAtMs),
    });
  }

  /** The core's monotonic time on the wall clock. */
  timestamp(ms: number): Timestamp {
    return timestampOfMs(this.#clock.wallMs() - (this.#clock.now() - ms));
  }
}

/** Peers may cut a content differently: of each is told how many pieces it makes of it itself. */
function pieceCountOf({ pieceLength, task }: PeerState): number {
  if (pieceLength === undefined || task.contentLength === undefined) return task.pieceCount;
  return Math.ceil(task.contentLength / pieceLength);
}

function sizeScopeOf({ contentLength, pieceCount }: TaskState): SizeScope {
  if (contentLength === undefined) return SizeScope.UNKNOW;
  if (contentLength === 0) return SizeScope.EMPTY;
  if (contentLength <= TINY_BYTES_MAX) return SizeScope.TINY;
  return pieceCount === 1 ? SizeScope.SMALL : SizeScope.NORMAL;
}
