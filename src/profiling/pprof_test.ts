import assert from "node:assert/strict";
import { Profile } from "../rpc/gen/perftools/profiles/profile.ts";
import type { CallFrame } from "../runtime/profiler.ts";
import { cpuPprof, heapPprof } from "./pprof.ts";

function frame(functionName: string, lineNumber = 0): CallFrame {
  return { functionName, url: "file:///a.ts", lineNumber, columnNumber: 4 };
}

/** Stacks as pprof has them, the innermost function first, with their values. */
function stacksOf(profile: Profile): [string, number[]][] {
  const text = (index: number) => profile.stringTable[index] ?? "";
  const functions = new Map(profile.function.map((each) => [each.id, `${text(each.name)}:${each.startLine}`]));
  const places = new Map(profile.location.map(({ id, line }) => [id, functions.get(line[0]?.functionId ?? 0) ?? "?"]));
  return profile.sample.map(({ locationId, value }) => [locationId.map((id) => places.get(id)).join(" < "), value]);
}

function typesOf({ sampleType, stringTable }: Profile): string[] {
  return sampleType.map(({ type, unit }) => `${stringTable[type]} ${stringTable[unit]}`);
}

Deno.test("a profile of the processor has each stack once, with its time, and nothing of idleness", () => {
  const profile = cpuPprof({
    nodes: [
      { id: 1, callFrame: frame("(root)"), children: [2, 4] },
      { id: 2, callFrame: frame("outer", 9), children: [3] },
      { id: 3, callFrame: frame("", 19) },
      { id: 4, callFrame: frame("(idle)") },
    ],
    ...{ startTime: 1_000, endTime: 6_000, samples: [3, 4, 3, 2], timeDeltas: [100, 1_000, 200, -50] },
  }, 1_700_000_000_000);
  const decoded = Profile.decode(Profile.encode(profile).finish());
  assert.deepEqual(typesOf(decoded), ["samples count", "cpu nanoseconds"]);
  assert.deepEqual(stacksOf(decoded), [["(anonymous):20 < outer:10", [2, 300_000]], ["outer:10", [1, 0]]]);
  assert.deepEqual([decoded.durationNanos, decoded.stringTable[0]], [5_000_000, ""]);
  assert.equal(decoded.function.length, 2);
});

Deno.test("a profile of the memory has each stack with its objects and bytes", () => {
  const leaf = { id: 3, callFrame: frame("buffer", 4), selfSize: 96, children: [] };
  const middle = { id: 2, callFrame: frame("read", 1), selfSize: 0, children: [leaf] };
  const profile = heapPprof({
    head: { id: 1, callFrame: frame("(root)"), selfSize: 0, children: [middle] },
    samples: [{ nodeId: 3, size: 32 }, { nodeId: 3, size: 64 }],
  }, 0);
  assert.deepEqual(typesOf(profile), ["inuse_objects count", "inuse_space bytes"]);
  assert.deepEqual(stacksOf(profile), [["buffer:5 < read:2", [2, 96]]]);
});
