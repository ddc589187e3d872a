import assert from "node:assert/strict";
import { seededRandom } from "../../testing/seeded_random.ts";
import { warmHostInput } from "../store/warm_conformance_test.ts";
import type { WarmHost, WarmHostChanges, WarmHostInput } from "../store/warm_hosts.ts";
import {
  errorIn,
  holdHosts,
  type HostName,
  type HostPlan,
  HOSTS_CLAIM_MS,
  LEFT_AFTER_MS,
  planHosts,
  settleHosts,
} from "./host_plan.ts";
import type { JobOutcome } from "./job_outcome.ts";

const clusterId = 3;
const NOW = 1_000_000_000;
const DECLARED = NOW - 5_000;
const MINUTE_MS = 60_000;

/** What is stored, as a table would do it. */
class Table {
  rows: WarmHost[] = [];
  #id = 0;

  constructor(...rows: Partial<WarmHostInput>[]) {
    this.apply({ added: rows.map((row) => warmHostInput({ clusterId, ...row })), changed: [], removed: [] });
  }

  apply({ added, changed, removed }: WarmHostChanges): void {
    for (const { ids, patch } of changed) {
      this.rows = this.rows.map((row) => ids.includes(row.id) ? { ...row, ...patch } : row);
    }
    this.rows = this.rows.filter(({ id }) => !removed.includes(id));
    this.rows.push(...added.map((row) => ({ ...row, id: ++this.#id, createdAtMs: 0, updatedAtMs: 0 })));
  }

  plan(present: readonly HostName[], nowMs = NOW, batchesMax = 4): HostPlan {
    const plan = planHosts({ clusterId, known: this.rows, present, declaredAtMs: DECLARED, nowMs, batchesMax });
    this.apply(plan);
    return plan;
  }

  /** Ends a batch. */
  settle(plan: HostPlan, errorOf: (host: HostName) => string | undefined = () => undefined, nowMs = NOW): void {
    for (const batch of plan.batches) {
      this.apply(settleHosts(this.rows, batch, errorOf, { declaredAtMs: DECLARED, nowMs, random: seededRandom(1) }));
    }
  }
}

const hosts = (count: number, from = 0): HostName[] => {
  return Array.from(
    { length: count },
    (_, n) => ({ hostname: `node-${from + n}`, ip: `10.0.${(from + n) >> 8}.${(from + n) & 255}` }),
  );
};
const namesOf = (plan: HostPlan) => plan.batches.flatMap((batch) => batch.hosts.map(({ hostname }) => hostname));

Deno.test("five thousand hosts that join at once come in batches of a hundred, each once, so many at a time", () => {
  const table = new Table();
  const all = hosts(5_000);
  const brought: string[] = [];
  let rounds = 0;
  for (;; rounds++) {
    const plan = table.plan(all);
    if (plan.batches.length === 0) break;
    assert.ok(plan.batches.length <= 4);
    for (const batch of plan.batches) assert.ok(batch.hosts.length <= 100);
    assert.deepEqual(table.plan(all, NOW, 0).batches, [], "there is no room for more");
    brought.push(...namesOf(plan));
    table.settle(plan);
  }
  assert.deepEqual([rounds, brought.length, new Set(brought).size], [13, 5_000, 5_000]);
});

Deno.test("what a host was brought to is known after a restart: nothing is ordered again", () => {
  const table = new Table(...hosts(300).map((host) => ({ ...host, warmedAtMs: DECLARED })));
  assert.deepEqual(table.plan(hosts(300)), { added: [], changed: [], removed: [], batches: [], isSettled: true });
});

Deno.test("nothing is settled while a host lacks something, tries again or is away", () => {
  const [one, two] = hosts(2);
  const warm = { ...one, warmedAtMs: DECLARED };
  const isSettled = (present: number, ...rows: Partial<WarmHostInput>[]) =>
    new Table(...rows).plan(hosts(present)).isSettled;
  assert.equal(isSettled(1, warm), true);
  assert.equal(isSettled(2, warm), false, "one has joined");
  assert.equal(isSettled(2, warm, { ...two, nextAtMs: NOW + 1 }), false, "one tries again later");
  assert.equal(isSettled(1, warm, { ...two, warmedAtMs: DECLARED }), false, "one is away");
});

Deno.test("hosts lack what was declared since they were brought to the rest", () => {
  const [old, warm] = hosts(2);
  const table = new Table({ ...old, warmedAtMs: 7 }, { ...warm, warmedAtMs: DECLARED });
  const plan = table.plan(hosts(3));
  assert.deepEqual(namesOf(plan), ["node-0", "node-2"]);
  assert.equal(plan.batches[0]?.warmedAtMs, 0, "the new one has nothing");
  assert.equal(new Table({ ...old, warmedAtMs: 7 }).plan(hosts(1)).batches[0]?.warmedAtMs, 7);
});

Deno.test("hosts of a batch are nobody else's, until their manager is gone for ten minutes", () => {
  const table = new Table({ ...hosts(1)[0], warmedAtMs: 7 });
  const { batches } = table.plan(hosts(2));
  assert.deepEqual(namesOf(table.plan(hosts(2), NOW + HOSTS_CLAIM_MS - 1)), []);
  table.apply(holdHosts(table.rows, batches[0]!, NOW + 2 * HOSTS_CLAIM_MS));
  assert.deepEqual(namesOf(table.plan(hosts(2), NOW + HOSTS_CLAIM_MS)), [], "it says that it goes on");
  table.apply(holdHosts(table.rows, batches[0]!, 0));
  assert.deepEqual(namesOf(table.plan(hosts(2))), ["node-0", "node-1"], "it lets them go");
});

Deno.test("a host that failed is tried again, less and less often, and the others are warm", () => {
  const table = new Table();
  let nowMs = NOW;
  for (const minutes of [1, 2, 4, 8, 10, 10]) {
    table.settle(
      table.plan(hosts(2), nowMs),
      ({ hostname }) => hostname === "node-1" ? "its disk is full" : undefined,
      nowMs,
    );
    const [warm, failing] = table.rows;
    assert.deepEqual([warm?.warmedAtMs, warm?.failures, failing?.warmedAtMs], [DECLARED, 0, 0]);
    assert.equal(failing?.error, "its disk is full");
    const waitMs = (failing?.nextAtMs ?? 0) - nowMs;
    assert.ok(waitMs >= 0.9 * minutes * MINUTE_MS && waitMs <= 1.1 * minutes * MINUTE_MS, `${waitMs} ms`);
    assert.deepEqual(namesOf(table.plan(hosts(2), nowMs + waitMs - 1)), []);
    nowMs += waitMs;
  }
  const plan = table.plan(hosts(2), nowMs);
  assert.deepEqual(namesOf(plan), ["node-1"]);
  table.settle(plan, () => undefined, nowMs);
  assert.deepEqual([table.rows[1]?.failures, table.rows[1]?.error, table.rows[1]?.nextAtMs], [0, "", 0]);
});

Deno.test("a host that is away for a moment has not left, and one that is away for long joins again", () => {
  const table = new Table(...hosts(2).map((host) => ({ ...host, warmedAtMs: DECLARED })));
  const back = NOW + LEFT_AFTER_MS - 1;
  table.plan(hosts(1));
  assert.equal(table.rows[1]?.missingSinceMs, NOW);
  table.plan(hosts(1), back);
  assert.deepEqual(namesOf(table.plan(hosts(2), back)), [], "a scheduler that starts anew knows nobody for a while");
  assert.equal(table.rows[1]?.missingSinceMs, 0);
  table.plan(hosts(1), back);
  const { removed } = table.plan(hosts(1), back + LEFT_AFTER_MS);
  assert.deepEqual([removed.length, table.rows.length], [1, 1]);
  assert.deepEqual(namesOf(table.plan(hosts(2), back + LEFT_AFTER_MS)), ["node-1"]);
});

Deno.test("hosts that share an address are in one batch, for an order names addresses", () => {
  const shared = hosts(250).flatMap((host) => [host, { ...host, hostname: `${host.hostname}-b` }]);
  const { batches } = new Table().plan(shared, NOW, 2);
  assert.deepEqual(batches.map((batch) => batch.hosts.length), [200, 200]);
  assert.equal(new Set(batches.map((batch) => new Set(batch.hosts.map(({ ip }) => ip)).size)).size, 1);
});

Deno.test("more hosts than are kept warm are left alone", () => {
  const [first] = new Table().plan(hosts(20_001), NOW, 1_000).batches.slice(-1);
  assert.equal(first?.hosts.at(-1)?.hostname, "node-19999");
});

Deno.test("a host has failed when a list names it or its address, or when the whole job has failed", () => {
  const outcome = (parts: Partial<JobOutcome>): JobOutcome => {
    return { state: "SUCCESS", error: "", isUnwanted: false, failedHosts: new Map(), areAllListed: true, ...parts };
  };
  const [a = { hostname: "", ip: "" }, b = a] = hosts(2);
  const listed = outcome({ failedHosts: new Map([["10.0.0.0 node-0", "its disk is full"]]) });
  const errors = (...outcomes: JobOutcome[]) => [a, b].map(errorIn(outcomes));
  assert.deepEqual(errors(outcome({}), listed), ["its disk is full", undefined]);
  assert.deepEqual(errors(outcome({ failedHosts: new Map([["10.0.0.1 ", "nobody is there"]]) })), [
    ...[undefined, "nobody is there"],
  ]);
  assert.deepEqual(errors(outcome({ state: "FAILURE", error: "404" })), ["404", "404"]);
  assert.deepEqual(errors({ ...listed, areAllListed: false }), [
    "its disk is full",
    "More hosts failed than the job lists",
  ]);
});
