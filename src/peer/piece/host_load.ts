import { DamselflyError, errorText } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Parent, ParentRpc } from "./parent.ts";
import { parentWeight } from "./parent_choice.ts";

/** How much each parent can send just now; disposing it ends the parents' streams. */
export interface HostLoads extends AsyncDisposable {
  /** The weight for `chooseParent`, in bits per second; of a stranger that of a host which says nothing. */
  weightOf(peerId: string): number;
  /** Whether the parent told its load within the last `withinMs`: then it lives, though it may have no piece to offer. */
  isHeard(peerId: string, withinMs: number): boolean;
}

/** Who asks. */
export interface HostLoadsOptions {
  readonly hostId: string;
  readonly peerId: string;
  readonly parents: readonly Parent[];
}

/**
 * Follows the load of all parents (`SyncHost`, wire.md §2.10). It begins with what the scheduler knew; a parent whose
 * stream ends keeps its last weight, since a load is a hint and no reason to avoid anybody.
 */
export function followHostLoads(
  { hostId, peerId, parents }: HostLoadsOptions,
  { rpc, log, clock }: { readonly rpc: ParentRpc; readonly log: Log; readonly clock: Clock },
): HostLoads {
  const left = new AbortController();
  const weights = new Map(parents.map((parent) => [parent.peerId, parentWeight(parent.network)]));
  const heardAt = new Map<string, number>();
  const follow = async (parent: Parent) => {
    try {
      for await (const { network } of rpc.syncHost(parent, { hostId, peerId }, left.signal)) {
        heardAt.set(parent.peerId, clock.now());
        if (network !== undefined) weights.set(parent.peerId, parentWeight(network));
      }
    } catch (error) {
      if (!left.signal.aborted) log.debug("The load of a parent is unknown", { error: errorText(error) });
    }
  };
  const streams = parents.map(follow);
  return {
    weightOf: (parentId) => weights.get(parentId) ?? parentWeight(undefined),
    isHeard: (parentId, withinMs) => clock.now() - (heardAt.get(parentId) ?? -Infinity) < withinMs,
    async [Symbol.asyncDispose]() {
      left.abort(new DamselflyError("cancelled", "Nobody follows the load of parents any more"));
      await Promise.all(streams);
    },
  };
}
