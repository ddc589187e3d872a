/** Whether a host has said that it has a piece, and still can be heard. */
export type HasPiece = (hostId: string, number: number) => boolean;

/**
 * Which other hosts have which pieces of a task, by what they say themselves: a host need not be told of a piece that it
 * told us of. Two that fetch from each other would say everything twice.
 */
export class Holders {
  readonly #lists = new Set<HasPiece>();

  /** Adds what is known by one who listens to other hosts, until the result is disposed. */
  add(list: HasPiece): Disposable {
    this.#lists.add(list);
    return { [Symbol.dispose]: () => this.#lists.delete(list) };
  }

  /** Whether a host is known to have a piece. */
  has(hostId: string, number: number): boolean {
    for (const has of this.#lists) if (has(hostId, number)) return true;
    return false;
  }
}
