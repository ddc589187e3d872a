import assert from "node:assert/strict";
import { SchedulerScenes } from "../../testing/scheduler_scenes.ts";
import { RandomSet } from "./random_set.ts";

const PEERS = 50_000;
/** Looks in a step that decides for one peer at most. */
const ONE_DECISION_LOOKS_MAX = 2_500;
/** Looks in steps that may decide for as many as one step does, or go on with rounds. */
const LOOKS_MAX: Readonly<Record<string, number>> = {
  "root begins": 8_000,
  "fail, others wait": 8_000,
  "carry on": 8_000,
  "register, many stranded": 4_000,
  "delete host of many tasks": 4_000,
  "tick, much to forget": 4_000,
};

/** Counts what is looked at in any collection while it is in use: members of sets, maps and arrays. */
class LookCounter implements Disposable {
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

Deno.test("no step of a task with 50,000 peers looks at more than a small part of anything", () => {
  using counter = new LookCounter();
  const most = new Map<string, number>();
  const scenes = new SchedulerScenes(PEERS, (kind, run) => {
    const before = counter.looks;
    run();
    most.set(kind, Math.max(most.get(kind) ?? 0, counter.looks - before));
  });
  scenes.play();
  const tooMany = [...most].filter(([kind, looks]) => looks > (LOOKS_MAX[kind] ?? ONE_DECISION_LOOKS_MAX));
  assert.deepEqual(tooMany, []);
  for (const kind of Object.keys(LOOKS_MAX)) assert.ok(most.has(kind), `${kind} did not occur`);
});
