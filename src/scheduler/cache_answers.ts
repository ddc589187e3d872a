/** What is known of the persistent cache, as messages. */
import { invariant } from "../core/invariant.ts";
import { PersistentCachePeer, PersistentCacheTask } from "../rpc/gen/common/v2/common.ts";
import type { AnnouncePersistentCachePeerResponse } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { durationOfMs } from "../rpc/time.ts";
import type { Answers } from "./answers.ts";
import { type CacheState, type CacheTask, replicaCounts } from "./cache/state.ts";
import type { Decision } from "./core/event.ts";
import type { Peer } from "./core/state.ts";

/** Makes messages about the persistent cache of one scheduler. */
export class CacheAnswers {
  readonly #state: CacheState;
  readonly #answers: Answers;

  constructor(state: CacheState, answers: Answers) {
    this.#state = state;
    this.#answers = answers;
  }

  /** The answer on a peer's stream. */
  response(decision: Decision): AnnouncePersistentCachePeerResponse {
    if (decision.kind === "empty_task") {
      return { response: { $case: "emptyPersistentCacheTaskResponse", value: {} } };
    }
    invariant(decision.kind === "from_parents", `a copy cannot be answered with ${decision.kind}`);
    const candidateParents = decision.parents.map((parent) => this.peer(parent));
    return { response: { $case: "normalPersistentCacheTaskResponse", value: { candidateParents } } };
  }

  /** A peer with its task, all of whose copies are counted for it. */
  peer(peer: Peer): PersistentCachePeer {
    const task = this.#state.tasks.get(peer.task.facts.id);
    return { ...this.copy(peer), task: task && this.task(task) };
  }

  /** A peer among those of its task, which is told beside them. */
  copy(peer: Peer): PersistentCachePeer {
    return PersistentCachePeer.create({
      id: peer.id,
      persistent: peer.isPersistent,
      cost: durationOfMs(peer.updatedAtMs - peer.createdAtMs),
      state: peer.state,
      host: this.#answers.host(peer.host),
      createdAt: this.#answers.timestamp(peer.createdAtMs),
      updatedAt: this.#answers.timestamp(peer.updatedAtMs),
      concurrentPieceCount: peer.wish.concurrentPieces,
    });
  }

  /** The peer that imports a task and has no copy yet. */
  importer(task: CacheTask): PersistentCachePeer {
    const { importer: { peerId: id, hostId }, createdAtMs, updatedAtMs, state } = task;
    const host = this.#state.swarm.hosts.get(hostId);
    return PersistentCachePeer.create({
      ...{ id, state, persistent: true, task: this.task(task), cost: durationOfMs(0) },
      ...(host !== undefined && { host: this.#answers.host(host) }),
      createdAt: this.#answers.timestamp(createdAtMs),
      updatedAt: this.#answers.timestamp(updatedAtMs),
    });
  }

  task(task: CacheTask): PersistentCacheTask {
    const { facts, state, createdAtMs, updatedAtMs } = task;
    const { copies, persistent } = replicaCounts(this.#state, task);
    return PersistentCacheTask.create({
      id: facts.id,
      persistentReplicaCount: facts.replicaCount,
      currentPersistentReplicaCount: persistent,
      currentReplicaCount: copies,
      tag: facts.tag,
      application: facts.application,
      pieceLength: facts.pieceLength,
      contentLength: facts.contentLength,
      pieceCount: facts.pieceCount,
      state,
      ttl: durationOfMs(facts.ttlMs),
      createdAt: this.#answers.timestamp(createdAtMs),
      updatedAt: this.#answers.timestamp(updatedAtMs),
    });
  }
}
