import assert from "node:assert/strict";
import {
  PULL_EVENT_KINDS,
  type PullEvent,
  type PullEventKind,
  type PullParent,
  type PullStory,
  pullVerdict,
  weightOf,
} from "./pull_story.ts";

const MIB = 1024 * 1024;

function event(kind: PullEventKind, atMs: number, ms = 0, subject = "", detail = ""): PullEvent {
  return { kind, atMs, ms, subject, detail };
}

function parent(ip: string, facts: Partial<PullParent> = {}): PullParent {
  return { peerId: ip, hostId: ip, hostname: ip, ip, idc: "", isSeed: false, pieces: 1, bytes: 8 * MIB, ...facts };
}

function story(facts: Partial<PullStory>): PullStory {
  return { durationMs: 5_000, originBytes: 0, parents: [parent("10.0.0.7"), parent("10.0.0.8")], events: [], ...facts };
}

const fromOrigin = { originBytes: 16 * MIB, parents: [] };
const seed = parent("10.0.0.9", { isSeed: true });
/** One pull for each cause: what happened, and how it is told. */
const CAUSES: readonly (readonly [told: string, PullStory])[] = [
  ["slow_origin: the transfer of 16.0 MiB from the registry took 5.0 s", story(fromOrigin)],
  [
    "slow_origin: waited 3.7 s until r.io answered",
    story({ ...fromOrigin, events: [event("source_answer", 4_000, 4_000, "r.io")] }),
  ],
  [
    "busy_origin: waited 3.0 s: r.io was too busy (HTTP 429)",
    // The pause until it is asked again counts.
    story({
      ...fromOrigin,
      events: [event("source_busy", 100, 50, "r.io", "HTTP 429"), event("source_answer", 3_100, 50, "r.io")],
    }),
  ],
  [
    "tls: waited 4.0 s: no TLS connection to r.io (bad certificate)",
    story({
      ...fromOrigin,
      events: [
        event("source_tls", 2_000, 2_000, "r.io", "bad certificate"),
        event("source_answer", 4_100, 100, "r.io"),
      ],
    }),
  ],
  [
    "failing_origin: waited 2.9 s: r.io failed (connection reset)",
    story({
      ...fromOrigin,
      events: [event("source_failure", 100, 0, "r.io", "connection reset"), event("source_answer", 3_000, 0, "r.io")],
    }),
  ],
  [
    "sign_in: waited 2.1 s until the requester had signed in at r.io (HTTP 401)",
    story({
      ...fromOrigin,
      durationMs: 2_400,
      events: [event("source_denied", 100, 100, "r.io", "HTTP 401"), event("source_answer", 2_150, 50, "r.io")],
    }),
  ],
  [
    "slow_origin: waited 4.0 s for seed peer 10.0.0.9, which was still getting it from the registry",
    story({ parents: [seed], events: [event("parents_waiting", 4_900, 4_000, "10.0.0.9")] }),
  ],
  [
    "slow_parents: waited 4.0 s for parent 10.0.0.7, which was still getting it itself",
    story({ events: [event("parents_waiting", 4_900, 4_000, "10.0.0.7")] }),
  ],
  [
    "dead_seed: waited 3.2 s for a seed peer or another host to begin (nobody brought it)",
    story({ ...fromOrigin, events: [event("seed_awaited", 3_600, 3_500, "", "nobody brought it")] }),
  ],
  [
    // Seed peers wait for the same registry.
    "slow_origin: waited 4.1 s until r.io answered",
    story({
      parents: [seed],
      events: [
        event("source_answer", 1_500, 1_500, "r.io"),
        event("seed_awaited", 3_300, 1_800),
        event("first_piece", 4_990, 1_690, "10.0.0.9"),
      ],
    }),
  ],
  [
    // An answer that was slow later excuses nobody.
    "dead_seed: waited 3.2 s for a seed peer or another host to begin",
    story({
      ...fromOrigin,
      events: [event("seed_awaited", 3_500, 3_500), event("source_answer", 4_500, 1_000, "r.io")],
    }),
  ],
  [
    "stalled_parent: waited 3.1 s: parent 10.0.0.7 stalled, replaced",
    story({ events: [event("decision", 20, 20), event("parent_stalled", 3_200, 3_100, "10.0.0.7")] }),
  ],
  [
    "failed_parent: waited 3.0 s: parent 10.0.0.7 failed, replaced (no route)",
    story({ events: [event("parent_failed", 3_200, 3_000, "10.0.0.7", "no route")] }),
  ],
  [
    "dead_seed: waited 3.1 s: seed peer 10.0.0.9 died or stalled",
    story({ parents: [seed, parent("10.0.0.7")], events: [event("parent_stalled", 3_200, 3_100, "10.0.0.9")] }),
  ],
  [
    "dead_seed: waited 2.7 s: seed peer 10.0.0.9 was slow to begin",
    story({ parents: [seed], events: [event("first_piece", 3_000, 3_000, "10.0.0.9")] }),
  ],
  [
    "slow_parents: the transfer of 16.0 MiB from other hosts took 5.0 s",
    story({}),
  ],
  [
    "lying_parent: parent 10.0.0.7 gave wrong bytes and is banned; the content came anew from the registry",
    story({ ...fromOrigin, events: [event("decision", 4_000, 4_000), event("parent_lied", 4_900, 0, "10.0.0.7")] }),
  ],
  [
    "scheduler: waited 4.7 s for the scheduler's decision",
    story({ events: [event("decision", 5_000, 5_000)] }),
  ],
  [
    "scheduler: waited 5.0 s: the scheduler did not answer (time limit)",
    story({ ...fromOrigin, durationMs: 6_000, events: [event("scheduler_failure", 5_000, 5_000, "", "time limit")] }),
  ],
  [
    "no_scheduler: no scheduler could be reached, so nobody shared: 5.0 s at the registry",
    story({ ...fromOrigin, events: [event("no_scheduler", 10)] }),
  ],
  [
    "no_manager: the manager could not be reached and no scheduler is known, so nobody shared: 5.0 s at the registry",
    story({ ...fromOrigin, events: [event("no_manager", 10)] }),
  ],
  [
    "rate_limit: waited 4.0 s for a bandwidth limit of this host (download.bandwidthLimit)",
    story({ events: [event("held", 4_900, 4_000, "", "download.bandwidthLimit")] }),
  ],
  ["slow_disk: waited 3.0 s for the disk of this host", story({ events: [event("disk", 4_900, 3_000)] })],
  ["slow_disk: waited 2.7 s for the disk of this host", story({ events: [event("seal", 4_900, 3_000)] })],
];

for (const [told, one] of CAUSES) {
  Deno.test(`the cause of a slow pull is named: ${told}`, () => {
    const { cause, reason } = pullVerdict(one);
    assert.equal(`${cause}: ${reason}`, told);
  });
}

Deno.test("a quick pull has no cause, whatever small waits it had", () => {
  const events = [event("source_answer", 30, 30), event("decision", 400, 370), event("seal", 410, 5)];
  assert.deepEqual(pullVerdict(story({ durationMs: 450, events })), {
    cause: "nothing",
    lostMs: 0,
    reason: "nothing stood out",
  });
});

Deno.test("what is waited for at the same time counts once, and sums count besides", () => {
  const stalled = ["10.0.0.7", "10.0.0.8"].map((ip) => event("parent_stalled", 3_500, 3_000, ip));
  assert.equal(
    pullVerdict(story({ events: [...stalled, event("parent_stalled", 4_000, 1_000, "10.0.0.7")] })).lostMs,
    3_500,
  );
  const answers = [1, 2, 3, 4].map((n) => event("source_answer", 2_000 + n, 1_800, "r.io"));
  assert.equal(pullVerdict(story({ durationMs: 2_004, events: answers })).lostMs, 1_503);
  const disk = [event("seal", 4_900, 1_300), event("disk", 4_000, 3_000)];
  const { cause, lostMs } = pullVerdict(story({ events: disk }));
  assert.deepEqual([cause, lostMs], ["slow_disk", 4_000]);
});

Deno.test("waits of one kind add up, and the longest kind is named", () => {
  const events = [
    ...[1_000, 2_000, 3_000].map((atMs) => event("parent_stalled", atMs, 900, "10.0.0.7")),
    event("held", 4_000, 2_000),
  ];
  const { cause, lostMs } = pullVerdict(story({ events }));
  assert.deepEqual([cause, lostMs], ["stalled_parent", 2_700]);
});

Deno.test("an event that costs more than its own time outweighs all that cost only theirs", () => {
  const HOUR_MS = 3_600_000;
  const heavy = PULL_EVENT_KINDS.filter((kind) => {
    const { reason } = pullVerdict(story({ events: [event(kind, 100), event("source_answer", 5_000)] }));
    return !reason.startsWith("the transfer");
  });
  assert.deepEqual(heavy, [
    ...["source_busy", "source_denied", "source_tls", "source_failure"] as const,
    ...["no_scheduler", "no_manager", "parent_lied"] as const,
  ]);
  for (const kind of heavy) assert.ok(weightOf({ kind, ms: 0 }) > HOUR_MS, kind);
  assert.ok(weightOf({ kind: "parent_lied", ms: 0 }) > weightOf({ kind: "source_busy", ms: HOUR_MS }));
});
