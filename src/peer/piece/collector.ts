import { isIP } from "node:net";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { type PiecePlan, pieceRange } from "../../core/piece.ts";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import type { SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Endpoint } from "../../runtime/net.ts";
import type { Parent, ParentRpc } from "./parent.ts";

/** What a {@link collectPieces} stream tells. */
export type CollectorEvent =
  /** `parent` has piece `number` and hands it out at `from`. Told once for each parent and piece. */
  | { readonly kind: "piece_available"; readonly parent: Parent; readonly number: number; readonly from: Endpoint }
  /** `parent` has no more to tell; `error` says why when that is not because it told everything. */
  | { readonly kind: "parent_ended"; readonly parent: Parent; readonly error?: DamselflyError };

/** What to collect. */
export interface CollectOptions {
  /** Our host id. */
  readonly hostId: string;
  readonly taskId: string;
  readonly plan: PiecePlan;
  readonly parents: readonly Parent[];
  /** The pieces that are still missing. */
  readonly wanted: readonly number[];
  /** How long a parent may be silent before its stream is given up (`download.collectedPieceTimeout`). */
  readonly silenceTimeoutMs: number;
}

/** Events that wait to be taken before the parents' streams are slowed down. */
const EVENTS_MAX = 1024;

/**
 * Asks all parents at once which of the wanted pieces they have (wire.md §2.10). The stream ends when every parent has
 * ended; leaving the loop, or the signal, ends the parents' streams. A parent that contradicts the plan is ended with
 * `data_loss`; the failure of one parent is an event, never an exception. Throws the signal's reason only.
 */
export async function* collectPieces(
  options: CollectOptions,
  { rpc, clock }: { readonly rpc: ParentRpc; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<CollectorEvent, void, undefined> {
  const left = new AbortController();
  const either = AbortSignal.any([signal, left.signal]);
  const events = new AsyncQueue<CollectorEvent>(EVENTS_MAX);
  const streams = Promise.all(options.parents.map(async (parent) => {
    const error = await follow(parent, options, { rpc, clock, events, signal: either });
    if (!either.aborted) await events.push(parentEnded(parent, error), either);
  }));
  streams.then(() => events.close(), (error) => events.fail(error));
  const onAbort = () => events.fail(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    yield* events;
  } finally {
    signal.removeEventListener("abort", onAbort);
    left.abort(new DamselflyError("cancelled", "Nobody collects pieces any more"));
    await streams.catch(() => undefined); // told to the consumer already, by the queue
  }
}

function parentEnded(parent: Parent, error: DamselflyError | undefined): CollectorEvent {
  return error === undefined ? { kind: "parent_ended", parent } : { kind: "parent_ended", parent, error };
}

interface Following {
  readonly rpc: ParentRpc;
  readonly clock: Clock;
  readonly events: AsyncQueue<CollectorEvent>;
  readonly signal: AbortSignal;
}

/** Passes on what one parent tells; the result is what ended its stream, if it was not the last piece. */
async function follow(
  parent: Parent,
  { hostId, taskId, plan, wanted, silenceTimeoutMs }: CollectOptions,
  { rpc, clock, events, signal }: Following,
): Promise<DamselflyError | undefined> {
  const missing = new Set(wanted);
  const silence = new Silence(clock, silenceTimeoutMs);
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const request = { hostId, taskId, interestedPieceNumbers: [...wanted] };
    for await (const response of rpc.syncPieces(parent, request, either)) {
      silence.broken();
      const from = checkedAddress(parent, response, plan);
      if (missing.delete(response.number)) {
        await events.push({ kind: "piece_available", parent, number: response.number, from }, either);
      }
      if (missing.size === 0) return undefined;
    }
    return undefined;
  } catch (error) {
    return toDamselflyError(error, "unavailable", `Cannot learn which pieces ${parent.peerId} has`);
  } finally {
    silence[Symbol.dispose]();
  }
}

/** Where the piece can be had. Throws `data_loss` when the parent cuts the content differently, or names no address. */
function checkedAddress(parent: Parent, response: SyncPiecesResponse, plan: PiecePlan): Endpoint {
  const { number, offset, length, ip, tcpPort } = response;
  const range = number < plan.pieceCount ? pieceRange(plan, number) : undefined;
  if (range === undefined || offset !== range.start || length !== range.end - range.start) {
    throw new DamselflyError(
      "data_loss",
      `Cannot use parent ${parent.peerId}: its piece ${number} is ${length} bytes at ${offset}, ours is not; ` +
        "use the same piece length rule on all peers",
    );
  }
  if (isIP(ip) === 0 || tcpPort === undefined || tcpPort < 1 || tcpPort > 65535) {
    throw new DamselflyError(
      "data_loss",
      `Cannot use parent ${parent.peerId}: it names no address of its piece server`,
    );
  }
  return { hostname: ip, port: tcpPort };
}

/** Aborts after a time in which nothing was said. */
class Silence implements Disposable {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #timer: Disposable;
  #brokenAt: number;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#brokenAt = clock.now();
    this.#timer = clock.every(timeoutMs / 4, () => {
      if (clock.now() - this.#brokenAt < timeoutMs) return;
      this.#abort.abort(new DamselflyError("timeout", `The parent said nothing for ${timeoutMs} ms`));
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  broken(): void {
    this.#brokenAt = this.#clock.now();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }
}
