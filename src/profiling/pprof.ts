/** Profiles of V8 in the format of pprof (`profile.proto`). */
import { Profile } from "../rpc/gen/perftools/profiles/profile.ts";
import type { CallFrame, CpuProfile, HeapNode, HeapProfile } from "../runtime/profiler.ts";

const NANOSECONDS_OF_MICROSECOND = 1_000;
/** What V8 calls the time in which nothing was to be done; a profile of the processor has no part of it. */
const IDLE = "(idle)";
const ROOT = "(root)";

/** Where processor time went: for each stack how often it was seen, and for how many nanoseconds. */
export function cpuPprof({ nodes, samples, timeDeltas, startTime, endTime }: CpuProfile, wallMs: number): Profile {
  const builder = new ProfileBuilder([["samples", "count"], ["cpu", "nanoseconds"]]);
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<number, { count: number; microseconds: number }>();
  for (const [index, id] of samples.entries()) {
    const of = spent.get(id) ?? { count: 0, microseconds: 0 };
    // The sampler may be late, so that a sample seems to come before the one before it.
    spent.set(id, { count: of.count + 1, microseconds: of.microseconds + Math.max(0, timeDeltas[index] ?? 0) });
  }
  for (const [id, { count, microseconds }] of spent) {
    const stack: CallFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = frames.get(at);
      if (frame !== undefined) stack.push(frame);
    }
    if (stack[0]?.functionName !== IDLE) builder.add(stack, [count, microseconds * NANOSECONDS_OF_MICROSECOND]);
  }
  return builder.profile(wallMs, (endTime - startTime) * NANOSECONDS_OF_MICROSECOND);
}

/** What was set aside and is in use: for each stack how many objects, and how many bytes. */
export function heapPprof({ head, samples }: HeapProfile, wallMs: number): Profile {
  const builder = new ProfileBuilder([["inuse_objects", "count"], ["inuse_space", "bytes"]]);
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const open: { readonly node: HeapNode; readonly above: readonly CallFrame[] }[] = [{ node: head, above: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node: { id, callFrame, selfSize, children }, above } = next;
    const stack = [callFrame, ...above];
    if (selfSize > 0) builder.add(stack, [counts.get(id) ?? 0, selfSize]);
    open.push(...children.map((node) => ({ node, above: stack })));
  }
  return builder.profile(wallMs, 0);
}

/** Puts a profile together; each text, function and place is in it once. */
class ProfileBuilder {
  readonly #texts = new Map<string, number>([["", 0]]);
  readonly #types: readonly (readonly [string, string])[];
  readonly #places = new Map<string, number>();
  readonly #profile = Profile.create({});

  constructor(types: readonly (readonly [string, string])[]) {
    this.#types = types;
  }

  /** A stack, the innermost function first, with a value for each type. */
  add(stack: readonly CallFrame[], value: number[]): void {
    const locationId = stack.filter(({ functionName }) => functionName !== ROOT).map((frame) => this.#place(frame));
    this.#profile.sample.push({ locationId, value, label: [] });
  }

  profile(wallMs: number, durationNanos: number): Profile {
    const sampleType = this.#types.map(([type, unit]) => ({ type: this.#text(type), unit: this.#text(unit) }));
    const period = { periodType: sampleType.at(-1), timeNanos: wallMs * 1e6, durationNanos };
    return { ...this.#profile, ...period, sampleType, stringTable: [...this.#texts.keys()] };
  }

  #place({ functionName, url, lineNumber, columnNumber }: CallFrame): number {
    const key = JSON.stringify([functionName, url, lineNumber, columnNumber]);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const id = this.#places.size + 1;
    this.#places.set(key, id);
    const [line, name] = [lineNumber + 1, this.#text(functionName || "(anonymous)")];
    this.#profile.function.push({ id, name, systemName: name, filename: this.#text(url), startLine: line });
    const at = { functionId: id, line, column: columnNumber + 1 };
    this.#profile.location.push({ id, mappingId: 0, address: 0, line: [at], isFolded: false });
    return id;
  }

  #text(text: string): number {
    const index = this.#texts.get(text) ?? this.#texts.size;
    this.#texts.set(text, index);
    return index;
  }
}
