import assert from "node:assert/strict";
import { DamselflyError } from "../core/error.ts";
import { HealthService } from "../rpc/gen/grpc/health/v1/health.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { service } from "../rpc/service.ts";
import { MemoryRpc } from "./memory_rpc.ts";
import { settleAll } from "./sim/quiet.ts";
import { VirtualClock } from "./virtual_clock.ts";

const LATENCY_MS = 10;
const ADDRESS = "10.0.0.2:8002";
const never = new AbortController().signal;

function stage() {
  const clock = new VirtualClock({ settle: settleAll });
  const parted = new Set<string>();
  const rpc = new MemoryRpc(clock, {
    latencyMs: (from, to) => parted.has(from) || parted.has(to) ? undefined : LATENCY_MS,
  });
  return { clock, rpc, parted, channels: rpc.channels("10.0.0.1") };
}

const health = service(HealthService, {
  check: ({ service }) => {
    if (service === "") return Promise.resolve({ status: 1 });
    return Promise.reject(new DamselflyError("not_found", "Cannot find it"));
  },
  watch: async function* (_, { signal }) {
    yield { status: 1 };
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  },
});

Deno.test("a call takes a message there and one back, and an error keeps its code", async () => {
  const { clock, rpc, channels } = stage();
  using _served = rpc.serve(ADDRESS, [health]);
  const client = channels.client(HealthService, ADDRESS);
  let answeredAt = -1;
  const call = client.check({ service: "" }, { signal: never, timeoutMs: 1_000 }).then(() => answeredAt = clock.now());
  const refused = client.check({ service: "x" }, { signal: never, timeoutMs: 1_000 });
  const rejects = assert.rejects(refused, { code: "not_found" });
  await clock.advance(100);
  await Promise.all([call, rejects]);
  assert.equal(answeredAt, 2 * LATENCY_MS);
  assert.equal(rpc.callCount, 0);
});

Deno.test("a host without a server refuses, a service without a handler is unimplemented, silence is a timeout", async () => {
  const { clock, rpc, channels, parted } = stage();
  const options = { signal: never, timeoutMs: 1_000 };
  const check = (address: string) => channels.client(HealthService, address).check({ service: "" }, options);
  const refused = assert.rejects(check("10.0.0.3:1"), { code: "unavailable" });
  using _served = rpc.serve(ADDRESS, [health]);
  const other = channels.client(SchedulerService, ADDRESS).statTask({ taskId: "", hostId: "" } as never, options);
  const unknown = assert.rejects(other, { code: "unimplemented" });
  await clock.advance(100);
  await Promise.all([refused, unknown]);
  parted.add("10.0.0.2");
  const silent = assert.rejects(check(ADDRESS), { code: "timeout" });
  await clock.advance(1_100);
  await silent;
});

Deno.test("both sides of a stream learn that the server died, or that the caller left", async () => {
  for (const end of ["death", "leaving"] as const) {
    const { clock, rpc, channels } = stage();
    using served = rpc.serve(ADDRESS, [health]);
    const abort = new AbortController();
    const statuses: number[] = [];
    const watching = (async () => {
      for await (const { status } of channels.client(HealthService, ADDRESS).watch({ service: "" }, abort)) {
        statuses.push(status);
      }
    })();
    const ended = assert.rejects(watching, end === "death" ? { code: "unavailable" } : { code: "cancelled" });
    await clock.advance(100);
    assert.deepEqual([statuses, rpc.callCount], [[1], 1]);
    if (end === "death") served[Symbol.dispose]();
    else abort.abort(new DamselflyError("cancelled", "The caller left"));
    await clock.advance(100);
    await ended;
    assert.equal(rpc.callCount, 0);
  }
});
