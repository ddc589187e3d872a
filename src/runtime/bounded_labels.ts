import type { Labels } from "./metrics.ts";

/** Sets of labels that are counted apart. */
const SETS_MAX = 50;
/** Characters of a set, its names included. */
const CHARACTERS_MAX = 512;
const OTHER = "other";

/**
 * Labels whose values come from outside, bounded: each set of values makes a series that is never dropped. A set that
 * is too many or too long is counted as `other`.
 */
export class BoundedLabels {
  readonly #seen = new Set<string>();

  /** The labels, or as many of the value `other`. */
  of(labels: Labels): Labels {
    const set = JSON.stringify(labels);
    if (!this.#seen.has(set)) {
      if (this.#seen.size >= SETS_MAX || set.length > CHARACTERS_MAX) {
        return Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]));
      }
      this.#seen.add(set);
    }
    return labels;
  }
}
