import assert from "node:assert/strict";
import { createRpcClient } from "../../rpc/client.ts";
import { ReportTrafficRequest, SavingsService } from "../../rpc/gen/damselfly/v1/savings.ts";
import { startRpcServer } from "../../rpc/server.ts";
import { timestampOfMs } from "../../rpc/time.ts";
import { realClock } from "../../runtime/clock.ts";
import { MemoryLog } from "../../testing/memory_log.ts";
import { MemoryMetrics } from "../../testing/memory_metrics.ts";
import { memoryStore } from "../../testing/memory_store.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { savingsService } from "./savings_service.ts";

const HOUR_MS = 60 * 60_000;
const limited = { signal: new AbortController().signal, timeoutMs: 30_000 };

Deno.test("what hosts tell is in the ledger once; what cannot be right is refused and counts nothing", async () => {
  const clock = new VirtualClock();
  await using store = await memoryStore(clock);
  const listen = { hostname: "127.0.0.1", port: 0 };
  const parts = { log: new MemoryLog(), clock: realClock(), metrics: new MemoryMetrics() };
  await using server = await startRpcServer({ listen, services: [savingsService({ store, clock })], ...parts });
  using client = createRpcClient(SavingsService, `127.0.0.1:${server.port}`, { clock: realClock() });
  const hourMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
  const sum = {
    ...{ hour: timestampOfMs(hourMs), registry: "r.io", repository: "team/app", application: "" },
    ...{ originBytes: 1, peerBytes: 2, localBytes: 3, servedBytes: 6, pulls: 1 },
  };
  const told = ReportTrafficRequest.create({ senderId: "host-1", sequence: 1, idc: "fra", sums: [sum] });
  await client.reportTraffic(told, limited);
  await client.reportTraffic(told, limited);
  const wrong: readonly [field: string, changes: Partial<ReportTrafficRequest>][] = [
    ["sender_id", { senderId: "" }],
    ["sender_id", { senderId: "a b" }],
    ["sequence", { sequence: 0 }],
    ["idc", { idc: "x".repeat(257) }],
    ["sums", { sums: Array.from({ length: 201 }, () => sum) }],
    ["sums", { sums: [{ ...sum, peerBytes: 2 ** 52 }] }],
    ["hour", { sums: [{ ...sum, hour: undefined }] }],
    ["hour", { sums: [{ ...sum, hour: timestampOfMs(hourMs + 1_000) }] }],
    ["hour", { sums: [{ ...sum, hour: timestampOfMs(hourMs + 30 * HOUR_MS) }] }],
    ["hour", { sums: [{ ...sum, hour: timestampOfMs(hourMs - 32 * 24 * HOUR_MS) }] }],
    ["registry", { sums: [{ ...sum, registry: "a\nb" }] }],
    ["repository", { sums: [{ ...sum, repository: "x".repeat(257) }] }],
    ["application", { sums: [{ ...sum, application: "\x1b[2J" }] }],
  ];
  for (const [field, changes] of wrong) {
    const refused = client.reportTraffic({ ...told, sequence: 2, ...changes }, limited);
    await assert.rejects(refused, (error: { code: string; message: string }) => {
      assert.equal(error.code, "invalid_argument");
      assert.match(error.message, new RegExp(`field ${field}`));
      return true;
    });
  }
  assert.deepEqual(await store.traffic.total(0), {
    ...{ originBytes: 1, peerBytes: 2, localBytes: 3, servedBytes: 6, pulls: 1 },
  });
});
