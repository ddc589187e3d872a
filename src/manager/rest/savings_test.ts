import assert from "node:assert/strict";
import { startRest } from "./start_rest_test.ts";

const HOUR_MS = 60 * 60_000;

Deno.test("savings are told since when and by what is wanted, with what registries did not have to send", async () => {
  await using rest = await startRest();
  const hourMs = Math.floor(rest.clock.wallMs() / HOUR_MS) * HOUR_MS;
  const amount = { hourMs, registry: "r.io", repository: "team/app", application: "", localBytes: 5, pulls: 1 };
  await rest.store.traffic.add({
    ...{ senderId: "host-1", sequence: 1, idc: "fra" },
    amounts: [
      { ...amount, originBytes: 100, peerBytes: 900, servedBytes: 1_000 },
      { ...amount, repository: "only/preheated", originBytes: 40, peerBytes: 0, servedBytes: 0, pulls: 0 },
      { ...amount, hourMs: hourMs - 240 * HOUR_MS, originBytes: 7, peerBytes: 7, servedBytes: 7 },
    ],
  });
  const ask = async (query: string) => await (await rest.send("GET", `/api/v1/savings${query}`)).json();
  const week = await ask("");
  const { origin_bytes, peer_bytes, local_bytes, served_bytes, saved_bytes, pulls } = week.total;
  assert.deepEqual([origin_bytes, peer_bytes, local_bytes, served_bytes, saved_bytes, pulls], [
    140,
    900,
    10,
    1_000,
    860,
    1,
  ]);
  assert.deepEqual(
    week.rows.map(({ name, saved_bytes }: { name: string; saved_bytes: number }) => [name, saved_bytes]),
    [["r.io/team/app", 900], ["r.io/only/preheated", -40]],
  );
  const month = new Date(hourMs - 720 * HOUR_MS).toISOString();
  const hours = await ask(`?by=hour&since=${encodeURIComponent(month)}`);
  assert.deepEqual([hours.since, hours.rows.length], [month, 2]);
  assert.equal(hours.rows[1].name, new Date(hourMs).toISOString());
  assert.equal((await rest.send("GET", "/api/v1/savings?by=weather")).status, 422);
  assert.equal((await rest.send("GET", "/api/v1/savings?since=yesterday")).status, 422);
});

Deno.test("the hours of the longest time that is kept are all told", async () => {
  await using rest = await startRest();
  const hourMs = Math.floor(rest.clock.wallMs() / HOUR_MS) * HOUR_MS;
  const bytes = { originBytes: 1, peerBytes: 0, localBytes: 0, servedBytes: 1, pulls: 1 };
  const hours = Array.from({ length: 90 * 24 }, (_, n) => hourMs - n * HOUR_MS);
  const amounts = hours.map((of) => ({ hourMs: of, registry: "r", repository: "a", application: "", ...bytes }));
  await rest.store.traffic.add({ senderId: "h", sequence: 1, idc: "", amounts });
  const since = encodeURIComponent(new Date(hours.at(-1) ?? 0).toISOString());
  const { rows } = await rest.json("GET", `/api/v1/savings?by=hour&since=${since}`);
  assert.equal(rows.length, hours.length);
  assert.equal(rows.at(-1).name, new Date(hourMs).toISOString());
});
