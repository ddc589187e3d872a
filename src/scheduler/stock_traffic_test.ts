import assert from "node:assert/strict";
import type { Peer } from "./core/state.ts";
import { StockTraffic } from "./stock_traffic.ts";

const clock = { wallMs: () => 7 * 60 * 60_000 + 5 };

/** As much of a peer as its traffic is counted by. */
function peer(facts: { repository?: string; idc?: string; isSeed?: boolean; cutsAsAsked?: boolean } = {}): Peer {
  const { repository = "team/app", idc = "fra", isSeed = false, cutsAsAsked = false } = facts;
  const url = `https://r.io/v2/${repository}/blobs/sha256:aa`;
  return { host: { facts: { idc, isSeed, cutsAsAsked } }, task: { facts: { url, application: "batch" } } } as Peer;
}

Deno.test("what stock peers report is counted, by where it came from and who was served; our own peers tell it themselves", () => {
  const traffic = new StockTraffic("s", clock);
  traffic.piece(peer(), 10, false);
  traffic.piece(peer(), 5, true);
  traffic.finished(peer());
  traffic.piece(peer({ isSeed: true }), 15, true);
  traffic.finished(peer({ isSeed: true }));
  traffic.piece(peer({ cutsAsAsked: true }), 1_000, true);
  traffic.finished(peer({ cutsAsAsked: true }));
  const statement = traffic.statement();
  assert.deepEqual([statement?.sequence, statement?.idc], [1, "fra"]);
  assert.deepEqual(statement?.sums, [{
    ...{ hour: { seconds: 7 * 3_600, nanos: 0 }, registry: "r.io", repository: "team/app", application: "batch" },
    ...{ originBytes: 20, peerBytes: 10, localBytes: 0, servedBytes: 15, pulls: 1 },
  }]);
});

Deno.test("a statement stays as it is until it was heard; each IDC has its own", () => {
  const traffic = new StockTraffic("s", clock);
  traffic.piece(peer(), 1, true);
  const first = traffic.statement();
  traffic.piece(peer(), 2, true);
  traffic.piece(peer({ idc: "ams" }), 4, true);
  assert.equal(traffic.count(), 3);
  assert.deepEqual(traffic.statement(), first);
  assert.equal(first?.sums[0]?.originBytes, 1);
  traffic.settle(99);
  assert.deepEqual(traffic.statement(), first, "another number settles nothing");
  const rest = [];
  for (let told = traffic.statement(); told !== undefined; told = traffic.statement()) {
    rest.push([told.sequence, told.idc, told.sums[0]?.originBytes]);
    traffic.settle(told.sequence);
  }
  assert.deepEqual(rest, [[1, "fra", 1], [2, "fra", 2], [3, "ams", 4]]);
});

Deno.test("sums that wait are bounded, and none of their bytes is lost", () => {
  const traffic = new StockTraffic("s", clock);
  for (let n = 0; n < 2_100; n++) traffic.piece(peer({ repository: `r${n}` }), 1, true);
  traffic.piece(peer({ repository: "r7" }), 1, false); // a known one has its sum
  let [sums, bytes, others] = [0, 0, 0];
  assert.equal(traffic.count(), 11);
  for (let told = traffic.statement(); told !== undefined; told = traffic.statement()) {
    assert.ok(told.sums.length <= 200);
    sums += told.sums.length;
    bytes += told.sums.reduce((total, { originBytes }) => total + originBytes, 0);
    others += told.sums.find(({ registry }) => registry === "other")?.servedBytes ?? 0;
    traffic.settle(told.sequence);
  }
  assert.deepEqual([sums, bytes, others], [2_001, 2_100, 100]);
  traffic.piece(peer({ repository: "later" }), 1, true);
  assert.equal(traffic.statement()?.sums[0]?.repository, "later", "what was told makes room");
});

Deno.test("what stock peers say of themselves takes little room, however long it is, and is never more than can be told", () => {
  const traffic = new StockTraffic("s", clock);
  const long = "x".repeat(100_000);
  const liar = { host: { facts: { idc: long } }, task: { facts: { url: `https://${long}/f`, application: long } } };
  for (let n = 0; n < 3; n++) traffic.piece(liar as Peer, 2 ** 53, true);
  const [told, rest] = [traffic.statement(), traffic.count()];
  assert.deepEqual([told?.idc, told?.sums.length, rest], ["other", 1, 1]);
  const { registry, repository, application, originBytes, servedBytes } = told?.sums[0] ?? {};
  assert.deepEqual([registry, repository, application, originBytes, servedBytes], [
    ...["other", "", "other", 2 ** 51, 2 ** 51],
  ]);
});
