/** The promises of the ledger; part of `storeConformance`. */
import assert from "node:assert/strict";
import { OTHER_NAME } from "../../core/content_name.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { OpenStore, RegisterTest } from "./store_builders_test.ts";
import {
  TRAFFIC_MINUTES_MAX,
  TRAFFIC_ROWS_PER_HOUR_MAX,
  type TrafficAmount,
  type TrafficStatement,
} from "./traffic.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * 60_000;
const HOUR = 400_000 * HOUR_MS;

function amount(facts: Partial<TrafficAmount> = {}): TrafficAmount {
  return {
    ...{ hourMs: HOUR, registry: "r.io", repository: "team/app", application: "" },
    ...{ originBytes: 10, peerBytes: 90, localBytes: 5, servedBytes: 105, pulls: 1, ...facts },
  };
}

function statement(sequence: number, amounts: readonly TrafficAmount[], senderId = "host-1"): TrafficStatement {
  return { senderId, sequence, idc: "fra", amounts };
}

export function trafficConformance(name: string, open: OpenStore, test: RegisterTest): void {
  sumsConformance(name, open, test);
  minutesConformance(name, open, test);
  boundsConformance(name, open, test);
}

function sumsConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: what is told again is counted once, and what each tells adds up`, async () => {
    await using store = await open(new VirtualClock());
    const { traffic } = store;
    assert.equal(await traffic.add(statement(1, [amount(), amount()])), true);
    assert.equal(await traffic.add(statement(1, [amount()])), false);
    assert.equal(await traffic.add(statement(7, [amount({ originBytes: 2 ** 45 })])), true);
    assert.equal(await traffic.add(statement(6, [amount()])), false);
    await Promise.all(["a", "b", "c"].map((sender) => traffic.add(statement(1, [amount()], sender))));
    const total = { originBytes: 2 ** 45 + 50, peerBytes: 540, localBytes: 30, servedBytes: 630, pulls: 6 };
    assert.deepEqual(await traffic.total(HOUR), total);
    assert.deepEqual(await traffic.totals("repository", HOUR, 10), [{ name: "r.io/team/app", ...total }]);
    assert.deepEqual(await traffic.total(HOUR + 1), {
      ...{ originBytes: 0, peerBytes: 0, localBytes: 0, servedBytes: 0, pulls: 0 },
    });
  });

  test(`${name}: totals are told apart as wanted, the largest first and hours in order`, async () => {
    await using store = await open(new VirtualClock());
    const { traffic } = store;
    const amounts = [
      amount({ servedBytes: 1 }),
      amount({ repository: "team/APP", servedBytes: 2, application: "batch" }),
      amount({ registry: "q.io", repository: "", servedBytes: 4, hourMs: HOUR + HOUR_MS }),
    ];
    await traffic.add(statement(1, amounts));
    await traffic.add({ ...statement(1, [amount({ servedBytes: 8 })], "host-2"), idc: "ams" });
    const told = async (...by: Parameters<typeof traffic.totals>) =>
      (await traffic.totals(...by)).map((row) => [row.name, row.servedBytes]);
    assert.deepEqual(await told("repository", 0, 10), [["r.io/team/app", 9], ["q.io", 4], ["r.io/team/APP", 2]]);
    assert.deepEqual(await told("repository", 0, 1), [["r.io/team/app", 9]]);
    assert.deepEqual(await told("registry", 0, 10), [["r.io", 11], ["q.io", 4]]);
    assert.deepEqual(await told("application", 0, 10), [["", 13], ["batch", 2]]);
    assert.deepEqual(await told("idc", 0, 10), [["ams", 8], ["fra", 7]]);
    assert.deepEqual(await told("hour", 0, 10), [[String(HOUR), 11], [String(HOUR + HOUR_MS), 4]]);
  });

  test(`${name}: totals are told that are larger than whole numbers are exact`, async () => {
    await using store = await open(new VirtualClock());
    const { traffic } = store;
    const most = 2 ** 51;
    const many = Array.from({ length: 5 }, () => amount({ originBytes: most }));
    await traffic.add(statement(1, [...many, amount({ repository: "x", originBytes: most, servedBytes: 1 })]));
    assert.equal((await traffic.total(0)).originBytes, 6 * most);
    const rows = await traffic.totals("repository", 0, 10);
    assert.deepEqual(rows.map(({ originBytes }) => originBytes), [5 * most, most]);
  });
}

function minutesConformance(name: string, open: OpenStore, test: RegisterTest): void {
  /** A clock at the beginning of an hour, and that hour. */
  const atHour = async () => {
    const clock = new VirtualClock();
    await clock.advance(HOUR_MS - clock.wallMs() % HOUR_MS);
    return { clock, hourMs: clock.wallMs() };
  };

  test(`${name}: what is told within a minute is one sum, and the sums of the last minutes are in order`, async () => {
    const { clock, hourMs } = await atHour();
    await using store = await open(clock);
    const { traffic } = store;
    const told = async (sinceMs: number) => {
      return (await traffic.minutes(sinceMs)).map(({ minuteMs, originBytes, peerBytes, localBytes, pulls }) => {
        return [(minuteMs - hourMs) / MINUTE_MS, originBytes, peerBytes, localBytes, pulls];
      });
    };
    assert.deepEqual(await told(0), []);
    await traffic.add(statement(1, [amount({ hourMs }), amount({ hourMs, registry: "q.io" })]));
    await traffic.add(statement(1, [amount({ hourMs })]));
    await traffic.add(statement(1, [amount({ hourMs })], "host-2"));
    await clock.advance(2 * MINUTE_MS);
    await traffic.add(statement(2, [amount({ hourMs, originBytes: 2 ** 51 })]));
    assert.deepEqual(await told(0), [[0, 30, 270, 15, 3], [2, 2 ** 51, 90, 5, 1]]);
    assert.deepEqual(await told(hourMs + MINUTE_MS), [[2, 2 ** 51, 90, 5, 1]]);
    await clock.advance((TRAFFIC_MINUTES_MAX - 2) * MINUTE_MS);
    await traffic.add(statement(3, [amount({ hourMs: hourMs + HOUR_MS })]));
    assert.deepEqual((await told(0)).map(([minute]) => minute), [2, TRAFFIC_MINUTES_MAX], "its row is used again");
  });

  test(`${name}: what was held up for long is in the totals, and is no traffic of now`, async () => {
    const { clock, hourMs } = await atHour();
    await using store = await open(clock);
    const { traffic } = store;
    await clock.advance(4 * MINUTE_MS);
    await traffic.add(statement(1, [amount({ hourMs: hourMs - HOUR_MS })]));
    await clock.advance(MINUTE_MS);
    await traffic.add(statement(2, [amount({ hourMs: hourMs - HOUR_MS }), amount({ hourMs })]));
    await clock.advance(MINUTE_MS);
    await traffic.add(statement(3, [amount({ hourMs: hourMs - HOUR_MS })]));
    assert.deepEqual(
      (await traffic.minutes(0)).map(({ minuteMs, pulls }) => [(minuteMs - hourMs) / MINUTE_MS, pulls]),
      [
        ...[[4, 1], [5, 1]],
      ],
    );
    assert.equal((await traffic.total(0)).pulls, 4);
  });

  test(`${name}: a minute that has grown beyond all measure grows no more, is still told, and holds up no statement`, async () => {
    const { clock, hourMs } = await atHour();
    await using store = await open(clock);
    const { traffic } = store;
    const most = 2 ** 59;
    for (let sequence = 1; sequence <= 3; sequence++) {
      const amounts = Array.from({ length: 40 }, (_, n) => amount({ hourMs, registry: `r${n}`, originBytes: most }));
      assert.ok(await traffic.add(statement(sequence, amounts)));
      const told = (await traffic.minutes(0)).map(({ originBytes, pulls }) => [originBytes, pulls]);
      assert.deepEqual(told, [[2 * most, 40 * sequence]]);
    }
  });

  test(`${name}: of many who tell the first of a minute at once none is lost`, async () => {
    const { clock, hourMs } = await atHour();
    await using store = await open(clock);
    const senders = Array.from({ length: 4 }, (_, n) => statement(1, [amount({ hourMs })], `host-${n}`));
    await Promise.all(senders.map((one) => store.traffic.add(one)));
    assert.deepEqual((await store.traffic.minutes(hourMs)).map(({ pulls }) => pulls), [4]);
  });
}

function boundsConformance(name: string, open: OpenStore, test: RegisterTest): void {
  test(`${name}: an hour has so many repositories and no more; others are counted together`, async () => {
    await using store = await open(new VirtualClock());
    const { traffic } = store;
    const count = TRAFFIC_ROWS_PER_HOUR_MAX + 20;
    for (let sequence = 1, n = 0; n < count; sequence++, n += 202) {
      const some = Array.from({ length: Math.min(202, count - n) }, (_, k) => amount({ repository: `r${n + k}` }));
      await traffic.add(statement(sequence, some));
    }
    const rows = await traffic.totals("repository", 0, 1e6);
    assert.equal(rows.length, TRAFFIC_ROWS_PER_HOUR_MAX + 1);
    assert.deepEqual([rows[0]?.name, rows[0]?.pulls], [`${OTHER_NAME}/${OTHER_NAME}`, 20]);
    assert.equal((await traffic.total(0)).pulls, count);
    await traffic.add(statement(1, [amount({ hourMs: HOUR + HOUR_MS, repository: "new" })], "host-2"));
    assert.equal((await traffic.totals("repository", HOUR + HOUR_MS, 10))[0]?.name, "r.io/new");
  });

  test(`${name}: a row that has grown beyond all measure grows no more, and is still told`, async () => {
    await using store = await open(new VirtualClock());
    const { traffic } = store;
    const most = 2 ** 59;
    for (let sequence = 1; sequence <= 5; sequence++) {
      const amounts = Array.from({ length: 4 }, () => amount({ originBytes: most, pulls: 1 }));
      await traffic.add(statement(sequence, amounts));
    }
    assert.deepEqual((({ originBytes, pulls }) => [originBytes, pulls])(await traffic.total(0)), [2 * most, 20]);
  });

  test(`${name}: old hours go, and so do senders that were silent since`, async () => {
    const clock = new VirtualClock();
    await using store = await open(clock);
    const { traffic } = store;
    await traffic.add(statement(5, [amount(), amount({ hourMs: HOUR + HOUR_MS })]));
    assert.equal(await traffic.removeBefore(HOUR, 10), 0);
    assert.equal(await traffic.removeBefore(HOUR + 1, 10), 1);
    assert.equal((await traffic.total(0)).pulls, 1);
    await traffic.removeBefore(clock.wallMs() + 1, 10);
    assert.equal(await traffic.add(statement(1, [amount()])), true);
  });
}
