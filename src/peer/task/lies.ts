import type { PieceRecord } from "../storage/storage.ts";

/** A piece whose content was not what the source gives. */
export interface Lie {
  readonly parentId: string;
  readonly pieceNumber: number;
}

/**
 * Finds who lied: of `claimed`, the pieces of a content with a wrong digest, those that came from a parent and differ
 * from the true ones. One lie per parent is enough.
 */
export function findLies(
  claimed: readonly PieceRecord[],
  trueDigest: (number: number) => string | undefined,
): Lie[] {
  const lies = new Map<string, Lie>();
  for (const { number, digest, parentId } of claimed) {
    if (parentId === "" || lies.has(parentId) || digest === trueDigest(number)) continue;
    lies.set(parentId, { parentId, pieceNumber: number });
  }
  return [...lies.values()];
}
