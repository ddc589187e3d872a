/** Causes of a slow pull, seeded in virtual time: the record of the pull names each. */
import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { type PullCause, pullVerdict } from "../../core/pull_story.ts";
import type { Peer } from "../../rpc/gen/common/v2/common.ts";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { limitBandwidth, UNLIMITED } from "../piece/bandwidth_limit.ts";
import {
  blob,
  type Decide,
  FakeSource,
  memoryStorage,
  type NodeOptions,
  PIECE,
  requestFor,
  sourceError,
  Swarm,
  SwarmNode,
} from "../task/harness_test.ts";
import { heardDisk, heardLimits, heardSource } from "./listeners.ts";
import type { PullRecord } from "./pull_record.ts";
import { Recorder } from "./recorder.ts";
import { RecordStore } from "./record_store.ts";

const CONTENT = blob(20 * PIECE + 500);
const PULL_MS_MAX = 60_000;
const TOO_MANY_REQUESTS = 429;
const SEED = 1;

/** What goes wrong. */
interface Trouble {
  readonly source?: (source: FakeSource, clock: VirtualClock) => void;
  readonly decide?: (parent: Peer, clock: VirtualClock) => NodeOptions["decide"];
  readonly parent?: (node: SwarmNode, clock: VirtualClock) => void;
  readonly bytesPerSecond?: number;
  readonly writeMs?: number;
  readonly managerTrouble?: string;
  /** How often the requester asks again, and after which pause. */
  readonly again?: { readonly count: number; readonly pauseMs: number };
}

type Decision = Exclude<Awaited<ReturnType<Decide>>, undefined>;

const toSource = (): Decision => ({ kind: "back_to_source", description: "" });
const slowly = (source: FakeSource, clock: VirtualClock) =>
  void (source.onBlock = (_, signal) => clock.sleep(50, signal));

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** First to the parent, then to the source. */
function firstTo(parent: Peer): NodeOptions["decide"] {
  const decisions: Decision[] = [{ kind: "from_parents", parents: [parent] }, toSource()];
  return () => decisions.shift();
}

/** The record of a pull in such trouble. */
async function pullIn(trouble: Trouble): Promise<PullRecord> {
  const clock = new VirtualClock();
  const log = new MemoryLog();
  using store = new RecordStore(":memory:", "sender");
  using recorder = new Recorder({ clock, log, store });
  const swarm = new Swarm();
  await using parent = await SwarmNode.start(swarm, { source: new FakeSource(CONTENT) });
  await parent.pull(requestFor(CONTENT));
  trouble.parent?.(parent, clock);
  const source = new FakeSource(CONTENT);
  trouble.source?.(source, clock);
  const { writeMs = 0, bytesPerSecond, managerTrouble } = trouble;
  const slowDisk = wrappedDisk(new MemoryDisk(), {}, (file) => ({
    async write(bytes, position) {
      if (writeMs > 0) await clock.sleep(writeMs, new AbortController().signal);
      await file.write(bytes, position);
    },
  }));
  const limit = bytesPerSecond === undefined ? UNLIMITED : limitBandwidth(bytesPerSecond, clock);
  await using child = await SwarmNode.start(swarm, {
    clock,
    source: heardSource(source, clock, recorder),
    storage: await memoryStorage({ clock, log }, heardDisk(slowDisk, clock, (ms) => recorder.diskWaited(ms))),
    decide: trouble.decide === undefined ? toSource : trouble.decide(swarm.peer(parent), clock),
    limits: heardLimits({ parents: UNLIMITED, source: limit, prefetch: UNLIMITED }, recorder),
    journal: recorder.journal(() => managerTrouble),
  });
  const { count = 0, pauseMs = 0 } = trouble.again ?? {};
  for (let asked = 0;; asked++) {
    try {
      await through(child.pull(requestFor(CONTENT)), clock);
      break;
    } catch (error) {
      if (asked === count) throw error;
      await clock.advance(pauseMs);
    }
  }
  recorder.flush();
  const record = store.pulls({}, 10).find(({ isHit }) => !isHit);
  assert.ok(record);
  return record;
}

/** Lets time go on until the pull has ended. */
async function through(pull: Promise<unknown>, clock: VirtualClock): Promise<void> {
  let isDone = false;
  pull.then(() => isDone = true, () => isDone = true);
  const until = clock.now() + PULL_MS_MAX;
  while (!isDone && clock.now() < until) await clock.advance(50);
  await pull;
}

const CAUSES: readonly (readonly [PullCause, RegExp, Trouble])[] = [
  ["slow_origin", /^the transfer of 0\.0 MiB from the registry took [34]\.\d s$/, { source: slowly }],
  ["busy_origin", /^waited 2\.0 s: .* was too busy \(HTTP 429\)$/, {
    source: (source) => {
      let refusals = 1;
      source.onStat = () => {
        if (refusals-- > 0) throw sourceError({ status: TOO_MANY_REQUESTS });
      };
    },
    again: { count: 1, pauseMs: 2_000 },
  }],
  ["tls", /^waited [123]\.\d s: no TLS connection to .* \(.*certificate.*\)$/, {
    source: (source) => {
      source.onRead = (_, count) => {
        if (count > 4) return;
        const { details } = sourceError({});
        throw new DamselflyError("source_error", "Cannot fetch: invalid peer certificate", { details });
      };
    },
  }],
  ["stalled_parent", /^waited [56]\.\d s: parent 127\.0\.0\.1 stalled, replaced$/, {
    decide: firstTo,
    parent: (node) => void (node.behaviour.onFetch = (_, signal) => hang(signal)),
  }],
  ["dead_seed", /^waited [56]\.\d s: seed peer 127\.0\.0\.1 died or stalled$/, {
    decide: (peer) => firstTo({ ...peer, ...peer.host && { host: { ...peer.host, type: SEED } } }),
    parent: (node) => void (node.behaviour.onSync = hang),
  }],
  ["lying_parent", /^parent 127\.0\.0\.1 gave wrong bytes/, {
    // Who has read the wrong bytes already asks again.
    again: { count: 1, pauseMs: 0 },
    decide: firstTo,
    parent: (node) =>
      void (node.behaviour.lie = (number, bytes) => number === 7 ? bytes.map((byte) => byte ^ 1) : bytes),
  }],
  ["scheduler", /^waited 5\.0 s: the scheduler did not answer \(hung\)$/, {
    decide: (_, clock) => async (_event, { signal }) => {
      await clock.sleep(5_000, signal);
      throw new DamselflyError("timeout", "hung");
    },
  }],
  ["no_scheduler", /^no scheduler could be reached, so nobody shared: [34]\.\d s at the registry$/, {
    decide: () => undefined,
    source: slowly,
  }],
  ["no_manager", /^the manager could not be reached and no scheduler is known/, {
    decide: () => undefined,
    source: slowly,
    managerTrouble: "connection refused",
  }],
  ["rate_limit", /^waited \d\.\d s for a bandwidth limit of this host \(download\.backToSourceBandwidthLimit\)$/, {
    bytesPerSecond: 5_000,
  }],
  ["slow_disk", /^waited \d+\.\d s for the disk of this host$/, { writeMs: 200 }],
];

for (const [cause, reason, trouble] of CAUSES) {
  Deno.test(`the record of a pull names what was wrong: ${cause}`, async () => {
    const record = await pullIn(trouble);
    const verdict = pullVerdict(record);
    assert.equal(verdict.cause, cause, JSON.stringify(record.events));
    assert.match(verdict.reason, reason);
    assert.equal(record.originBytes + record.peerBytes >= CONTENT.length, true);
  });
}

Deno.test("a pull without trouble has no cause, and its record says who gave what", async () => {
  const record = await pullIn({ decide: firstTo });
  assert.equal(pullVerdict(record).cause, "nothing");
  assert.deepEqual([record.peerBytes, record.originBytes], [CONTENT.length, 0]);
  assert.deepEqual(record.parents.map(({ ip, pieces, bytes }) => [ip, pieces, bytes]), [[
    "127.0.0.1",
    21,
    CONTENT.length,
  ]]);
});
