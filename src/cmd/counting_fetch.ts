import type { Fetch } from "../runtime/runtime.ts";

/** HTTP that counts: what has been asked of the servers outside. */
export class CountingFetch {
  readonly #fetch: Fetch;
  #requests = 0;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** Requests so far, redirects that somebody else follows not included. */
  get requests(): number {
    return this.#requests;
  }

  readonly fetch: Fetch = (input, init) => {
    this.#requests += 1;
    return this.#fetch(input, init);
  };
}
