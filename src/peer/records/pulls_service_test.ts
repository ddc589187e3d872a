import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import type { ListPullsResponse } from "../../rpc/gen/damselfly/v1/pulls.ts";
import { pullRecord } from "./builders_test.ts";
import type { PullRecord } from "./pull_record.ts";
import { pullsService, type PullsServiceParts } from "./pulls_service.ts";
import { RecordStore } from "./record_store.ts";

/** The service of a host with some pulls that were written, some that could not be, and some that run. */
function told(
  { written = [], unwritten = [], running = [], check }: {
    readonly written?: readonly PullRecord[];
    readonly unwritten?: readonly PullRecord[];
    readonly running?: readonly PullRecord[];
    readonly check?: PullsServiceParts["check"];
  },
) {
  const store = new RecordStore(":memory:", "s");
  store.add(written, [], 0);
  const flushed: true[] = [];
  const { methods: [method] } = pullsService({
    recorder: { running: () => [...running], unwritten: () => unwritten, flush: () => flushed.push(true) },
    ...{ store, hostname: "node-7", ...check && { check } },
    traffic: () => ({ backToSource: 1, remotePeer: 2, localPeer: 3 }),
  });
  return {
    flushed,
    list: (name = "", limit = 0): Promise<ListPullsResponse> => method?.handler({ name, limit }, {} as never),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

function pulls(count: number, facts: Partial<PullRecord> = {}): PullRecord[] {
  return Array.from({ length: count }, (_, at) => pullRecord({ taskId: `t${at}`, startedAtMs: at, ...facts }));
}

Deno.test("what runs, what is written and what could not be are one list, and whose host it is is said", async () => {
  using host = told({
    written: pulls(1, { taskId: "written" }),
    unwritten: pulls(1, { taskId: "unwritten", startedAtMs: 5 }),
    running: pulls(1, { taskId: "running", startedAtMs: 7, isRunning: true }),
  });
  const { pulls: listed, hostname, originBytes, peerBytes, localBytes } = await host.list();
  assert.deepEqual(listed.map(({ taskId }) => taskId), ["running", "unwritten", "written"]);
  assert.deepEqual([hostname, originBytes, peerBytes, localBytes, host.flushed.length], ["node-7", 1, 2, 3, 1]);
});

Deno.test("a list is bounded: 100 pulls where nothing else is asked for, and 1,000 at most", async () => {
  using host = told({ written: pulls(700), unwritten: pulls(700) });
  assert.equal((await host.list()).pulls.length, 100);
  assert.equal((await host.list("", 5)).pulls.length, 5);
  assert.equal((await host.list("", 5_000)).pulls.length, 1_000);
  await assert.rejects(host.list("x".repeat(513)), { code: "invalid_argument", message: /at most 512/ });
});

Deno.test("events are told in the order of their ends, with what made the pull slow", async () => {
  const event = (kind: "decision" | "disk", atMs: number) => ({ kind, atMs, ms: 0, subject: "", detail: "" });
  const slow = { ...event("disk", 2_000), ms: 1_900 };
  using host = told({ running: pulls(1, { durationMs: 3_000, events: [slow, event("decision", 10)] }) });
  const { pulls: [pull] } = await host.list();
  assert.deepEqual(pull?.events.map(({ kind }) => kind), ["decision", "disk"]);
  assert.deepEqual([pull?.cause, pull?.lostMs], ["slow_disk", 1_900]);
});

Deno.test("whoever may not ask is told nothing", async () => {
  const check = () => Promise.reject(new DamselflyError("permission_denied", "no ticket"));
  using host = told({ written: pulls(1), check });
  await assert.rejects(host.list(), { code: "permission_denied" });
  assert.equal(host.flushed.length, 0);
});
