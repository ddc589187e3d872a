import { BoundedMap } from "../../../core/bounded_map.ts";

/** Characters of the names of marks of one table: those of some thousand pages. */
const MARKS_CHARACTERS_MAX = 256 * 1024;

/**
 * Numbers that were found out about the lists of a table, such as how many rows one has. They are right until the next
 * write to the table, and spare whoever pages through a list that each page looks at all of it.
 */
export class ListMarks {
  readonly #marks = new BoundedMap<number>(MARKS_CHARACTERS_MAX, (name) => name.length);
  #writes: number | undefined;

  /** The mark of this name, unless there were writes since; without a count of `writes` nothing is remembered. */
  get(name: string, writes: number | undefined): number | undefined {
    return writes !== undefined && writes === this.#writes ? this.#marks.get(name) : undefined;
  }

  /** Remembers what was found out after `writes` were counted. */
  set(name: string, value: number, writes: number | undefined): void {
    if (writes === undefined) return;
    if (writes !== this.#writes) this.#marks.clear();
    this.#writes = writes;
    if (this.#marks.get(name) === undefined) this.#marks.add(name, value);
  }
}
