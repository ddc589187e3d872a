import { derOfPem } from "../../core/certificates.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { type PiecePlan, pieceRange } from "../../core/piece.ts";
import { type Download, type Piece, type Priority, TaskType, TrafficType } from "../../rpc/gen/common/v2/common.ts";
import type { Backend } from "../../rpc/gen/errordetails/v2/errordetails.ts";
import { durationOfMs, timestampOfMs } from "../../rpc/time.ts";
import type { Log } from "../../runtime/log.ts";
import type { Decision, PeerEvent, PeerSession } from "../control/control.ts";
import type { PieceRecord } from "../storage/storage.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import type { TaskRequest } from "./task.ts";

/** Reports that wait for a slow scheduler; what comes on top is dropped, since bytes matter more. */
const REPORTS_MAX = 1_024;

const TRAFFIC_TYPES = {
  back_to_source: TrafficType.BACK_TO_SOURCE,
  remote_peer: TrafficType.REMOTE_PEER,
  local_peer: TrafficType.LOCAL_PEER,
} as const;

/** What a request registers with. */
export function registerOf(request: TaskRequest, plan: PiecePlan, concurrentPieceCount: number) {
  return { kind: "register", download: downloadOf(request, plan, concurrentPieceCount) } as const;
}

/** The register message of a request; the scheduler takes the shape of the content from it (wire.md §1.2). */
export function downloadOf(request: TaskRequest, plan: PiecePlan, concurrentPieceCount: number): Download {
  return {
    url: request.source.url,
    digest: request.digest?.text,
    type: TaskType.STANDARD,
    tag: request.tag,
    application: request.application,
    priority: request.priority as Priority,
    filteredQueryParams: [...request.filteredQueryParams],
    requestHeader: { ...request.source.headers },
    pieceLength: request.pieceLength,
    disableBackToSource: request.disableBackToSource,
    needBackToSource: request.needBackToSource,
    certificateChain: (request.source.authorities ?? []).map(derOfPem),
    objectStorage: request.source.objectStorage,
    prefetch: false,
    isPrefetch: false,
    needPieceContent: false,
    forceHardLink: false,
    remoteIp: request.remoteIp,
    concurrentPieceCount,
    overwrite: false,
    actualPieceLength: plan.pieceLength,
    actualContentLength: plan.contentLength,
    actualPieceCount: plan.pieceCount,
    enableTaskIdBasedBlobDigest: request.isBlobDigestTaskId,
    metadataOnly: false,
  };
}

/** A `source_error` with what the source answered in the form that callers over gRPC get (wire.md §0 fact 10). */
export function withBackend(error: unknown): unknown {
  const answer = sourceAnswerOf(error);
  if (answer === undefined) return error;
  const message = errorText(error);
  const backend: Backend = {
    message,
    header: { ...answer.headers },
    ...(answer.status === undefined ? {} : { statusCode: answer.status }),
  };
  return new DamselflyError("source_error", message, { cause: error, details: backend });
}

/** A finished piece as it is reported. */
export function pieceMessage(record: PieceRecord, plan: PiecePlan): Piece {
  const range = pieceRange(plan, record.number);
  return {
    number: record.number,
    parentId: record.parentId === "" ? undefined : record.parentId,
    offset: range.start,
    length: range.end - range.start,
    digest: record.digest,
    trafficType: TRAFFIC_TYPES[record.trafficType],
    cost: durationOfMs(record.costMs),
    createdAt: timestampOfMs(record.finishedAtMs),
  };
}

/**
 * What a download says to the scheduler. Reports are sent one after the other behind the download's back; a scheduler
 * that fails is not spoken to again, unless over another session, and never fails the download.
 */
export class Conversation {
  #session: PeerSession;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isOver = false;
  #isBroken = false;
  #closed: Promise<void> | undefined;
  /** What ended it, when that was the scheduler's failure. */
  failure: unknown;

  constructor(session: PeerSession, log: Log, signal: AbortSignal) {
    this.#session = session;
    this.#log = log;
    this.#signal = signal;
  }

  /** Whether the scheduler still listens. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Whether the stream broke, which says nothing of the scheduler. */
  get isBrokenOff(): boolean {
    return this.failure instanceof DamselflyError && this.failure.code === "unavailable";
  }

  /** Goes on over a session in which nothing is said yet. */
  async beginAnew(session: PeerSession): Promise<void> {
    const before = this.#session;
    this.#session = session;
    await Promise.resolve(before[Symbol.asyncDispose]()).catch(() => {});
    // What was to be said over the other one comes to nothing.
    await this.#tail;
    this.#isOver = false;
    this.#isBroken = false;
    this.failure = undefined;
  }

  /** Whether the scheduler answers at all. */
  isAlive(): Promise<boolean> {
    return this.#session.isAlive();
  }

  /** Reports something; returns at once. */
  post(event: PeerEvent): void {
    if (this.#isOver || this.#waiting >= REPORTS_MAX) return;
    this.#enqueue(event);
  }

  /** Says something that is answered with a decision; undefined when the scheduler failed or has closed. */
  async ask(event: PeerEvent): Promise<Decision | undefined> {
    if (this.#isOver) return undefined;
    await this.#enqueue(event);
    if (this.#isOver) return undefined;
    try {
      const decision = await this.#session.nextDecision(this.#signal);
      if (decision === undefined) this.#isOver = true;
      return decision;
    } catch (error) {
      this.#fail(error);
      this.#signal.throwIfAborted();
      return undefined;
    }
  }

  /** Says the last word, if the scheduler still listens, and closes; {@link closed} tells when that is done. */
  finish(event: PeerEvent): void {
    if (!this.#isOver) this.#enqueue(event);
    this.#isOver = true;
    this.close();
  }

  /** Closes after what was said already. */
  close(): void {
    this.#isOver = true;
    this.#closed ??= this.#tail.then(() => this.#session[Symbol.asyncDispose]()).catch((error) => this.#fail(error));
  }

  /** Resolves when the conversation is closed. */
  get closed(): Promise<void> {
    return this.#closed ?? Promise.resolve();
  }

  #enqueue(event: PeerEvent): Promise<void> {
    this.#waiting++;
    this.#tail = this.#tail.then(() => this.#send(event));
    return this.#tail;
  }

  async #send(event: PeerEvent): Promise<void> {
    this.#waiting--;
    if (this.#isBroken || this.#signal.aborted) return;
    try {
      await this.#session.send(event, this.#signal);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    if (this.#isBroken || this.#signal.aborted) return;
    this.#isBroken = true;
    this.failure = error;
    this.#log.warn("The scheduler failed; the download goes on without it", { error: errorText(error) });
  }
}
