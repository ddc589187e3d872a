import { RandomSet } from "../core/random_set.ts";

/**
 * Counts what is looked at in any collection while it is in use: members of sets, maps, arrays and random sets. So a test
 * can say that the work grows no faster than it should, and no clock is asked.
 */
export class LookCounter implements Disposable {
  looks = 0;
  readonly #undo: (() => void)[] = [];

  constructor() {
    for (const iterable of [new Map(), new Set(), []]) {
      const prototype = Object.getPrototypeOf(iterable.values());
      this.#wrap(prototype, "next", () => 1);
    }
    for (const name of ["filter", "find", "findIndex", "flatMap", "forEach", "indexOf", "includes", "map"]) {
      this.#wrap(Array.prototype, name, (array) => (array as unknown[]).length);
    }
    for (const name of ["every", "reduce", "some", "sort", "splice", "toSorted"]) {
      this.#wrap(Array.prototype, name, (array) => (array as unknown[]).length);
    }
    for (const { prototype } of [Map, Set]) this.#wrap(prototype, "forEach", (all) => (all as Set<unknown>).size);
    this.#wrap(RandomSet.prototype, "at", () => 1);
  }

  #wrap(prototype: object, name: string, looksOf: (self: unknown) => number): void {
    const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
    // deno-lint-ignore no-this-alias
    const counter = this;
    Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]): unknown {
      counter.looks += looksOf(this);
      return original.apply(this, args);
    });
    this.#undo.push(() => Reflect.set(prototype, name, original));
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }
}
