/// <reference lib="deno.ns" />
import assert from "node:assert/strict";
import { lengthOf, type Member, nameOf, swarmAt } from "./swarm_at.ts";

function member(facts: Partial<Member> = {}): Member {
  return {
    ...{ peer_id: "p", host_id: "h", hostname: "", ip: "", place: "", is_seed: false, begun_ms: 0, started_ms: null },
    ...{ at_source_ms: null, ended_ms: null, is_failed: false, tenths_ms: [], pieces: 0, piece_count: 10, feeds: [] },
    ...facts,
  };
}

const root = member({
  at_source_ms: 100,
  ended_ms: 2_000,
  tenths_ms: [200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000],
  feeds: [{ from: null, since_ms: 100, until_ms: 2_000, pieces: 10 }],
});
const child = member({
  begun_ms: 500,
  started_ms: 700,
  pieces: 4,
  feeds: [{ from: 0, since_ms: 700, until_ms: 1_700, pieces: 4 }],
});
const grandchild = member({
  begun_ms: 600,
  started_ms: 700,
  feeds: [{ from: 1, since_ms: 900, until_ms: 900, pieces: 0 }],
});
const waiting = member({ begun_ms: 600 });
const members = [root, child, grandchild, waiting];

Deno.test("at a moment there are those that had come, as far as they were then", () => {
  const at = (ms: number) =>
    swarmAt({ members, now_ms: 5_000 }, ms).map(({ stage, progress }) => `${stage} ${progress}`);
  assert.deepEqual(at(0), ["waiting 0"]);
  assert.deepEqual(at(450), ["at_source 0.2"]);
  assert.deepEqual(at(650), ["at_source 0.3", "waiting 0", "waiting 0", "waiting 0"]);
  assert.deepEqual(at(5_000), ["done 1", "downloading 0.4", "downloading 0", "waiting 0"], "now it is known exactly");
  assert.deepEqual(swarmAt({ members: [member({ ended_ms: 5, is_failed: true })], now_ms: 9 }, 5)[0]?.stage, "failed");
});

Deno.test("who feeds whom is told with the pieces until then, and whether that still goes on", () => {
  const feedsAt = (ms: number) => swarmAt({ members, now_ms: 9_000 }, ms).map(({ feeds }) => feeds);
  assert.deepEqual(feedsAt(1_200)[1], [{ from: 0, pieces: 2, isActive: true }]);
  assert.deepEqual(feedsAt(1_200)[2], [{ from: 1, pieces: 0, isActive: true }], "it was told to ask there");
  assert.deepEqual(feedsAt(9_000)[1], [{ from: 0, pieces: 4, isActive: false }], "nothing came for a while");
  assert.deepEqual(feedsAt(3_000)[0], [{ from: null, pieces: 10, isActive: false }], "it has all");
  assert.deepEqual(feedsAt(800)[2], [], "not yet");
});

Deno.test("peers stand below those they get it from, and those that get nothing yet below all, however they are mixed", () => {
  const depths = (all: Member[]) => swarmAt({ members: all, now_ms: 1_000 }, 1_000).map(({ depth }) => depth);
  assert.deepEqual(depths(members), [0, 1, 2, 3]);
  const feed = (from: number | null) => ({ from, since_ms: 0, until_ms: 0, pieces: 1 });
  // Mates get from each other.
  const mates = [member({ feeds: [feed(1)] }), member({ feeds: [feed(0), feed(2)] }), member({ feeds: [feed(null)] })];
  assert.deepEqual(depths(mates), [2, 1, 0]);
  assert.deepEqual(depths([member({ ended_ms: 0 })]), [0], "who has had it always");
  const ended = [member({ feeds: [feed(null)], ended_ms: 9 }), member({ feeds: [feed(0)], ended_ms: 9 })];
  assert.deepEqual(depths(ended), [0, 1], "who is done stays where it was");
  assert.deepEqual(depths([]), []);
});

Deno.test("the time that can be replayed ends with the last peer, or now while one moves", () => {
  assert.equal(lengthOf({ members: [root, child], now_ms: 7_000 }), 7_000);
  assert.equal(lengthOf({ members: [root], now_ms: 7_000 }), 2_000);
  assert.equal(lengthOf({ members: [], now_ms: 7_000 }), 0);
  assert.equal(nameOf({ hostname: "", ip: "10.0.0.7", host_id: "h" }), "10.0.0.7");
});
