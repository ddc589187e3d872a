import { isIP } from "node:net";
import { DamselflyError, toDamselflyError } from "../../core/error.ts";
import { isPieceOf, type PiecePlan, planWith } from "../../core/piece.ts";
import type { SyncPiecesResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Endpoint } from "../../runtime/net.ts";
import type { Parent, ParentRpc } from "./parent.ts";

/** What a {@link collectPieces} stream tells. */
export type CollectorEvent =
  /** `parent` has piece `number` and hands it out at `from`. Told once for each parent and piece. */
  | { readonly kind: "piece_available"; readonly parent: Parent; readonly number: number; readonly from: Endpoint }
  /** `parent` cuts the content by another plan; it has no more to tell. */
  | { readonly kind: "cut_otherwise"; readonly parent: Parent; readonly plan: PiecePlan }
  /** `parent` has no more to tell; `error` says why when that is not because it told everything. */
  | { readonly kind: "parent_ended"; readonly parent: Parent; readonly error?: DamselflyError };

/** What to collect. */
export interface CollectOptions {
  /** Our host id. */
  readonly hostId: string;
  readonly taskId: string;
  readonly plan: PiecePlan;
  /** Set when peers of another make would cut otherwise: the parents are told how we do. */
  readonly isOwnCut?: boolean | undefined;
  /** Of a content without a digest: parents with another one are of no use. */
  readonly version?: string | undefined;
  readonly parents: readonly Parent[];
  /** The pieces that are still missing. */
  readonly wanted: readonly number[];
  /** How long a parent may be silent before its stream is given up (`download.collectedPieceTimeout`). */
  readonly silenceTimeoutMs: number;
}

/** What collecting works with. */
export interface CollectDeps {
  readonly rpc: ParentRpc;
  readonly clock: Clock;
  /** Called with each event as it comes. It must not throw: that would count as a failure of the parent. */
  readonly onEvent: (event: CollectorEvent) => void;
}

/**
 * Asks all parents at once which of the wanted pieces they have (wire.md §2.10). It ends when every parent has ended; the
 * signal ends the parents' streams. A parent that has pieces of no plan at all is ended with `data_loss`; the failure of
 * one parent is an event, never an exception. Throws the signal's reason only.
 */
export async function collectPieces(options: CollectOptions, deps: CollectDeps, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await Promise.all(options.parents.map(async (parent) => {
    const end = await follow(parent, options, deps, signal);
    if (!signal.aborted) deps.onEvent({ parent, ...end });
  }));
  signal.throwIfAborted();
}

/** How a parent's stream ended. */
type Ending =
  | { readonly kind: "parent_ended"; readonly error?: DamselflyError }
  | { readonly kind: "cut_otherwise"; readonly plan: PiecePlan };

/** Passes on what one parent tells. */
async function follow(
  parent: Parent,
  { hostId, taskId, plan, isOwnCut, version, parents, wanted, silenceTimeoutMs }: CollectOptions,
  { rpc, clock, onEvent }: CollectDeps,
  signal: AbortSignal,
): Promise<Ending> {
  const missing = new Set(wanted);
  const silence = new Silence(clock, silenceTimeoutMs);
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const request = { hostId, taskId, interestedPieceNumbers: [...wanted] };
    const facts = {
      pieceLength: isOwnCut === true ? plan.pieceLength : undefined,
      version,
      waitsItsTurn: parents.length > 1,
    };
    for await (const response of rpc.syncPieces(parent, request, either, facts)) {
      silence.broken();
      if (!isPieceOf(plan, response)) return { kind: "cut_otherwise", plan: otherPlan(parent, response, plan) };
      const from = checkedAddress(parent, response);
      if (missing.delete(response.number)) {
        onEvent({ kind: "piece_available", parent, number: response.number, from });
      }
      if (missing.size === 0) break;
    }
    return { kind: "parent_ended" };
  } catch (caught) {
    const error = toDamselflyError(caught, "unavailable", `Cannot learn which pieces ${parent.peerId} has`);
    return { kind: "parent_ended", error };
  } finally {
    silence[Symbol.dispose]();
  }
}

/** The plan of a parent with a piece that ours does not have. Throws `data_loss` when there is no such plan. */
function otherPlan(parent: Parent, piece: SyncPiecesResponse, { contentLength }: PiecePlan): PiecePlan {
  const plan = planWith(contentLength, piece);
  if (plan !== undefined) return plan;
  const { number, offset, length } = piece;
  throw new DamselflyError(
    "data_loss",
    `Cannot use parent ${parent.peerId}: no plan of ${contentLength} bytes has a piece ${number} of ${length} bytes ` +
      `at ${offset}`,
  );
}

/** Where the piece can be had. Throws `data_loss` when the parent names no address. */
function checkedAddress(parent: Parent, { ip, tcpPort }: SyncPiecesResponse): Endpoint {
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
