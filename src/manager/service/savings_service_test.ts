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

/** A ledger that can be told something, and one sum for it. */
async function openLedger() {
  await using stack = new AsyncDisposableStack();
  const clock = new VirtualClock();
  const store = stack.use(await memoryStore(clock));
  const listen = { hostname: "127.0.0.1", port: 0 };
  const parts = { log: new MemoryLog(), clock: realClock(), metrics: new MemoryMetrics() };
  const server = stack.use(await startRpcServer({ listen, services: [savingsService({ store, clock })], ...parts }));
  const client = stack.use(createRpcClient(SavingsService, `127.0.0.1:${server.port}`, { clock: realClock() }));
  const hourMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
  const sum = {
    ...{ hour: timestampOfMs(hourMs), registry: "r.io", repository: "team/app", application: "" },
    ...{ originBytes: 1, peerBytes: 2, localBytes: 3, servedBytes: 6, pulls: 1 },
  };
  const opened = stack.move();
  return {
    ...{ traffic: store.traffic, hourMs, sum },
    told: ReportTrafficRequest.create({ senderId: "host-1", sequence: 1, idc: "fra", sums: [sum] }),
    tell: (statement: ReportTrafficRequest) => client.reportTraffic(statement, limited),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

Deno.test("what hosts tell is in the ledger once; what none of them can have made is refused and counts nothing", async () => {
  await using it = await openLedger();
  const { told, sum } = it;
  await it.tell(told);
  await it.tell(told);
  const wrong: readonly [field: string, changes: Partial<ReportTrafficRequest>][] = [
    ["sender_id", { senderId: "" }],
    ["sender_id", { senderId: "a b" }],
    ["sequence", { sequence: 0 }],
    ["sums", { sums: Array.from({ length: 201 }, () => sum) }],
    ["hour", { sums: [{ ...sum, hour: undefined }] }],
  ];
  for (const [field, changes] of wrong) {
    await assert.rejects(it.tell({ ...told, sequence: 2, ...changes }), (error: { code: string; message: string }) => {
      assert.equal(error.code, "invalid_argument");
      assert.match(error.message, new RegExp(`field ${field}`));
      return true;
    });
  }
  assert.deepEqual(await it.traffic.total(0), {
    ...{ originBytes: 1, peerBytes: 2, localBytes: 3, servedBytes: 6, pulls: 1 },
  });
});

Deno.test("a name that is no name is counted as other, and costs no sum beside it", async () => {
  await using it = await openLedger();
  const { told, sum } = it;
  const names = [{ repository: "x".repeat(257) }, { application: "\x1b[2J" }, { registry: "a\nb" }];
  await it.tell({ ...told, idc: "\x00", sums: [...names.map((name) => ({ ...sum, ...name })), sum] });
  assert.deepEqual((await it.traffic.totals("repository", 0, 9)).map(({ name, pulls }) => [name, pulls]).sort(), [
    ...[["other/team/app", 1], ["r.io/other", 1], ["r.io/team/app", 2]],
  ]);
  const applications = await it.traffic.totals("application", 0, 9);
  assert.deepEqual(applications.map(({ name, pulls }) => [name, pulls]).sort(), [["", 3], ["other", 1]]);
  assert.deepEqual((await it.traffic.totals("idc", 0, 9)).map(({ name, pulls }) => [name, pulls]), [["other", 4]]);
});

Deno.test("an hour that cannot be is the nearest that can, and more bytes than an hour has room for are as many", async () => {
  await using it = await openLedger();
  const { told, sum, hourMs } = it;
  const daysMs = 24 * HOUR_MS;
  const hours = [hourMs - 32 * daysMs, hourMs - 30 * daysMs - 1, hourMs + 1_000, hourMs + 400 * daysMs];
  await it.tell({ ...told, sums: hours.map((ms) => ({ ...sum, hour: timestampOfMs(ms), peerBytes: 2 ** 52 })) });
  assert.deepEqual((await it.traffic.totals("hour", 0, 9)).map(({ name, pulls }) => [Number(name), pulls]), [
    [hourMs - 30 * daysMs, 2],
    [hourMs, 1],
    [hourMs + daysMs, 1],
  ]);
  assert.equal((await it.traffic.total(0)).peerBytes, 4 * 2 ** 51);
  const [most, many] = [2 ** 51, 2 ** 52];
  const all = { originBytes: many, peerBytes: many, localBytes: many, servedBytes: many, pulls: many };
  await it.tell({ ...told, sequence: 2, sums: [{ ...sum, ...all, registry: "much" }] });
  assert.deepEqual((await it.traffic.totals("registry", 0, 9)).find(({ name }) => name === "much"), {
    ...{ name: "much", originBytes: most, peerBytes: most, localBytes: most, servedBytes: most, pulls: most },
  });
});
