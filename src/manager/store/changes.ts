/** What a write may have changed for peers; `any` when another manager may have written. */
export type Change =
  | { readonly kind: "any" }
  | { readonly kind: "clusters" }
  | { readonly kind: "applications" }
  | { readonly kind: "schedulers"; readonly clusterId: number }
  | { readonly kind: "seed_peers"; readonly clusterId: number };

/** Says what was written, so that whoever keeps answers makes them again. */
export interface ChangeFeed {
  /** Calls `listener` after each write that peers can see or may see, until the subscription is disposed. */
  subscribe(listener: (change: Change) => void): Disposable;
}

/** A feed that others can be told through. */
export class Changes implements ChangeFeed {
  readonly #listeners = new Set<(change: Change) => void>();

  subscribe(listener: (change: Change) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
