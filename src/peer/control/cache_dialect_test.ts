import assert from "node:assert/strict";
import { Host, Peer, PersistentCachePeer } from "../../rpc/gen/common/v2/common.ts";
import { durationOfMs } from "../../rpc/time.ts";
import { cacheDialect } from "./cache_dialect.ts";

const IDS = { hostId: "host", taskId: "task", peerId: "peer" };

Deno.test("who wants other parents names those he had exactly as the scheduler named them", () => {
  const dialect = cacheDialect(false);
  const host = Host.create({ id: "parent-host", ip: "127.0.0.1" });
  const parent = PersistentCachePeer.create({ id: "parent", state: "Succeeded", cost: durationOfMs(5), host });
  const value = { candidateParents: [parent] };
  const decision = dialect.decisionOf({ response: { $case: "normalPersistentCacheTaskResponse", value } });
  assert.deepEqual(decision, { kind: "from_parents", parents: [Peer.create({ id: "parent", host })] });
  const parents = [Peer.create({ id: "parent", host }), Peer.create({ id: "stranger" })];
  assert.deepEqual(dialect.messageOf(IDS, { kind: "reschedule", parents, description: "slow" }), {
    ...IDS,
    request: {
      $case: "reschedulePersistentCachePeerRequest",
      value: { candidateParents: [parent], description: "slow" },
    },
  });
});

Deno.test("an answer of no known kind is a failure of the scheduler", () => {
  assert.throws(() => cacheDialect(false).decisionOf({ response: undefined }), { code: "internal" });
});

Deno.test("there are no words for a source", () => {
  const start = () => cacheDialect(false).messageOf(IDS, { kind: "back_to_source_started", description: "" });
  assert.throws(start, { code: "internal" });
});
