import assert from "node:assert/strict";
import { AsyncQueue } from "../../rpc/async_queue.ts";
import { KeepAliveRequest, SourceType } from "../../rpc/gen/manager/v2/manager.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { ServiceKey, ServiceState } from "../store/services.ts";
import type { Store } from "../store/store.ts";
import { clusterInput, schedulerInput, seedPeerInput } from "../store/store_builders_test.ts";
import { KeepAlives } from "./keep_alive.ts";

const REQUEST = KeepAliveRequest.create({ hostname: "scheduler-1", ip: "10.0.0.1", clusterId: 1 });

interface Kept extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly keepAlives: KeepAlives;
  state(): Promise<ServiceState | undefined>;
}

async function keepScheduler(): Promise<Kept> {
  const clock = new VirtualClock();
  const store = await memoryStore(clock);
  const { id: clusterId } = await store.clusters.create(clusterInput({ name: "a" }));
  await store.schedulers.upsert(schedulerInput({ clusterId }));
  return {
    clock,
    store,
    keepAlives: new KeepAlives(store, clock),
    state: async () => (await store.schedulers.all())[0]?.state,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** A stream that a test feeds, and what became of it. */
function openStream(keepAlives: KeepAlives) {
  const requests = new AsyncQueue<KeepAliveRequest>(10);
  const outcome = keepAlives.serve(requests).then(() => "ended", (error) => error);
  return {
    requests,
    outcome,
    async send(request: KeepAliveRequest = REQUEST) {
      requests.tryPush(request);
      await settle();
    },
  };
}

Deno.test("a service is active while one of its streams is open", async () => {
  await using kept = await keepScheduler();
  const first = openStream(kept.keepAlives);
  await first.send();
  const second = openStream(kept.keepAlives);
  await second.send();
  first.requests.close();
  assert.equal(await first.outcome, "ended");
  assert.equal(await kept.state(), "active");
  second.requests.fail(new Error("connection lost"));
  await second.outcome;
  assert.equal(await kept.state(), "inactive");
});

Deno.test("a stream that opens while the one before ends keeps the service active", async () => {
  await using kept = await keepScheduler();
  const answers = new AsyncQueue<true>(10);
  const answered = answers[Symbol.asyncIterator]();
  const { schedulers } = kept.store;
  // The answer of a store may be on its way while the other stream ends.
  const slow = {
    keepAlive: (key: ServiceKey) =>
      schedulers.keepAlive(key).then(async (times) => {
        await answered.next();
        return times;
      }),
    markInactive: (key: ServiceKey) => schedulers.markInactive(key),
  };
  const keepAlives = new KeepAlives(
    { ...kept.store, schedulers: { ...schedulers, ...slow } as Store["schedulers"] },
    kept.clock,
  );
  const before = openStream(keepAlives);
  await before.send();
  answers.tryPush(true);
  await settle();
  const after = openStream(keepAlives);
  await after.send();
  before.requests.close();
  await before.outcome;
  answers.tryPush(true);
  await settle();
  assert.equal(await kept.state(), "active");
  after.requests.close();
  await after.outcome;
  assert.equal(await kept.state(), "inactive");
});

Deno.test("each message keeps the service alive, and silence ends the stream", async () => {
  await using kept = await keepScheduler();
  const stream = openStream(kept.keepAlives);
  await stream.send();
  for (let count = 0; count < 5; count++) {
    await kept.clock.advance(14_000);
    await stream.send();
  }
  assert.equal(await kept.state(), "active");
  await kept.clock.advance(15_000);
  assert.equal((await stream.outcome).code, "timeout");
  assert.equal(await kept.state(), "inactive");
});

Deno.test("a stream that never says anything is ended", async () => {
  await using kept = await keepScheduler();
  const stream = openStream(kept.keepAlives);
  await kept.clock.advance(30_000);
  assert.equal((await stream.outcome).code, "timeout");
});

Deno.test("a manager that stops ends the streams and leaves the services active for the next one", async () => {
  await using kept = await keepScheduler();
  const stream = openStream(kept.keepAlives);
  await stream.send();
  kept.keepAlives.stop();
  assert.equal((await stream.outcome).code, "unavailable");
  assert.equal(await kept.state(), "active");
});

Deno.test("a stream is for one service", async () => {
  await using kept = await keepScheduler();
  await kept.store.schedulers.upsert(schedulerInput({ clusterId: 1, hostname: "other" }));
  const stream = openStream(kept.keepAlives);
  await stream.send();
  await stream.send({ ...REQUEST, hostname: "other" });
  assert.equal((await stream.outcome).code, "invalid_argument");
  assert.deepEqual((await kept.store.schedulers.all()).map(({ state }) => state), ["inactive", "inactive"]);
});

Deno.test("a seed peer keeps itself alive, a peer cannot", async () => {
  await using kept = await keepScheduler();
  const seedPeer = await kept.store.seedPeers.upsert(seedPeerInput({ clusterId: 1 }));
  const { hostname, ip, clusterId } = seedPeer;
  const stream = openStream(kept.keepAlives);
  await stream.send({ hostname, ip, clusterId, sourceType: SourceType.SEED_PEER_SOURCE });
  assert.equal((await kept.store.seedPeers.all())[0]?.state, "active");
  stream.requests.close();
  await stream.outcome;
  const refused = openStream(kept.keepAlives);
  await refused.send({ ...REQUEST, sourceType: SourceType.PEER_SOURCE });
  assert.match((await refused.outcome).message, /source_type: expected SCHEDULER_SOURCE or SEED_PEER_SOURCE/);
});
