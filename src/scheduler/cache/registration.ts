import type { Registration } from "../core/event.ts";
import type { Wish } from "../core/state.ts";
import type { CacheTaskFacts, Importer } from "./state.ts";

/** `TaskType` PERSISTENT_CACHE (wire.md §1.1). */
const TASK_TYPE = 2;
/** Source and seed peers have no part in it: the level says nothing. */
const PRIORITY = 6;

/**
 * The registration of a copy with the core. The importer's own is complete and fetches nothing; all others get theirs
 * from peers, for there is no source.
 */
export function copyRegistration(
  { hostId, peerId }: Importer,
  facts: CacheTaskFacts,
  { isComplete, concurrentPieces = 0 }: { readonly isComplete: boolean; readonly concurrentPieces?: number },
): Registration {
  const { id, tag, application, contentLength, pieceLength, pieceCount } = facts;
  const wish: Wish = {
    ...{ priority: PRIORITY, range: undefined, contentLength, pieceLength, pieceCount, concurrentPieces },
    needBackToSource: false,
    disableBackToSource: true,
    metadataOnly: isComplete,
  };
  const task = { id, type: TASK_TYPE, url: "", digest: undefined, tag, application, filteredQueryParams: [] };
  return { type: "register", hostId, peerId, task, wish, download: undefined };
}
