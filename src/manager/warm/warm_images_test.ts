import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { JsonObject } from "../store/records.ts";
import { HOUR_MS, MIDNIGHT, MINUTE_MS, warmStage } from "./warm_stage_test.ts";
import { WarmImages } from "./warm_images.ts";

const ARGS = { type: "image", url: "https://r.corp/v2/app/manifests/latest" };
const SECONDS = 1_000;

/** A stage with a registry whose tag moves, and managers. */
async function stage() {
  await using stack = new AsyncDisposableStack();
  const base = stack.use(await warmStage());
  const registry = { digest: "sha256:1", error: "", asked: 0 };
  const digestOf = (_args: JsonObject, _signal: AbortSignal) => {
    registry.asked += 1;
    if (registry.error !== "") return Promise.reject(new DamselflyError("source_error", registry.error));
    return Promise.resolve(registry.digest);
  };
  const open = (other: Partial<ConstructorParameters<typeof WarmImages>[0]> = {}) => {
    return new WarmImages({ ...base.parts, digestOf, ...other });
  };
  /** Lets time pass, without a manager but for the last 20 s. */
  const pass = async (ms: number) => {
    await base.clock.advance(ms - 20 * SECONDS);
    await using _manager = open();
    await base.clock.advance(20 * SECONDS);
  };
  const owned = stack.move();
  return { ...base, registry, open, pass, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("an image that is warmed each night is run at its time, as what was declared and by whom", async () => {
  await using stage_ = await stage();
  const { jobs, store, declare, pass } = stage_;
  const { id } = await declare({ name: "app", args: ARGS, cron: "0 2 * * *", schedulerClusterIds: [4], userId: 7 });
  await pass(2 * HOUR_MS - 1);
  assert.deepEqual(jobs.orders, []);
  await pass(20 * SECONDS);
  assert.deepEqual(jobs.orders, [
    { id: 1, type: "preheat", bio: "Warm image app", userId: 7, schedulerClusterIds: [4], args: ARGS },
  ]);
  const running = await store.warmImages.get(id);
  assert.deepEqual([running?.jobId, running?.jobIds, running?.lastState], [1, [1], "PENDING"]);
  await jobs.end(1);
  await pass(MINUTE_MS);
  const warm = await store.warmImages.get(id);
  assert.deepEqual([warm?.jobId, warm?.lastState, warm?.runAtMs], [0, "SUCCESS", MIDNIGHT + 26 * HOUR_MS]);
  await pass(24 * HOUR_MS);
  assert.equal(jobs.orders.length, 2);
  assert.equal(stage_.metrics.value("damselfly_manager_warm_image_runs_total", { result: "succeeded" }), 1);
});

Deno.test("a tag that is followed costs a question each time, and an order when it has moved", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, pass, registry } = stage_;
  jobs.endOf = () => ({ state: "SUCCESS", result: {} });
  const { id } = await declare({ name: "app", args: ARGS, followIntervalMs: 10 * MINUTE_MS });
  await pass(20 * SECONDS);
  assert.deepEqual([registry.asked, jobs.orders.length], [1, 1], "the first digest is one that nobody has");
  for (const asked of [2, 3, 4]) {
    await pass(12 * MINUTE_MS);
    assert.deepEqual([registry.asked, jobs.orders.length], [asked, 1]);
  }
  registry.digest = "sha256:2";
  await pass(12 * MINUTE_MS);
  await pass(MINUTE_MS);
  assert.deepEqual([registry.asked, jobs.orders.length], [5, 2]);
  const image = await store.warmImages.get(id);
  assert.deepEqual([image?.seenDigest, image?.warmDigest, image?.lastState], ["sha256:2", "sha256:2", "SUCCESS"]);
  assert.ok((image?.checkAtMs ?? 0) > clock.wallMs());
});

Deno.test("a digest that could not be warmed is tried again, though the tag stays", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, registry } = stage_;
  let isUp = false;
  jobs.endOf = () => isUp ? { state: "SUCCESS", result: {} } : { state: "FAILURE", result: {} };
  await using _manager = open();
  const { id } = await declare({ name: "app", args: ARGS, followIntervalMs: 24 * HOUR_MS });
  await clock.advance(9 * MINUTE_MS);
  assert.equal(registry.asked, 1);
  const failing = await store.warmImages.get(id);
  assert.deepEqual([jobs.orders.length, failing?.runFailures, failing?.warmDigest], [4, 4, ""]);
  assert.equal(failing?.runError, "It does not say why");
  isUp = true;
  await clock.advance(10 * MINUTE_MS);
  assert.deepEqual([jobs.orders.length, (await store.warmImages.get(id))?.warmDigest], [5, "sha256:1"]);
});

Deno.test("a registry that is down is left alone more and more, and says why in the warm image", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, registry } = stage_;
  registry.error = "the answer was 503";
  const { id } = await declare({ name: "app", args: ARGS, followIntervalMs: MINUTE_MS });
  await using _manager = open();
  await clock.advance(20 * MINUTE_MS);
  assert.equal(registry.asked, 4, "after 0, 2, 6 and 14 minutes");
  const image = await store.warmImages.get(id);
  assert.deepEqual([image?.checkError, image?.checkFailures, jobs.orders.length], [
    ...["the answer was 503", registry.asked, 0],
  ]);
});

Deno.test("a registry that does not answer is given up after a minute, and others are warmed meanwhile", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open } = stage_;
  const digestOf = (args: JsonObject, signal: AbortSignal) => {
    return args["url"] === ARGS.url ? orAbort(new Promise<string>(() => {}), signal) : Promise.resolve("sha256:1");
  };
  await using _manager = open({ digestOf });
  const { id } = await declare({ name: "slow", args: ARGS, followIntervalMs: MINUTE_MS });
  await declare({ name: "other", args: { ...ARGS, url: "https://r2.corp" }, followIntervalMs: MINUTE_MS });
  await clock.advance(10 * SECONDS);
  assert.equal(jobs.orders.length, 1);
  await clock.advance(60 * SECONDS);
  assert.match((await store.warmImages.get(id))?.checkError ?? "", /Time limit of 60000 ms/);
});

Deno.test("a run is left out and told of while the one before still runs", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, log } = stage_;
  await using _manager = open();
  const { id } = await declare({ name: "app", args: ARGS, cron: "*/2 * * * *" });
  await clock.advance(7 * MINUTE_MS);
  assert.deepEqual([jobs.orders.length, (await store.warmImages.get(id))?.skipped], [1, 2]);
  assert.equal(log.lines.filter(({ message }) => message.includes("left out")).length, 2);
  await jobs.end(1);
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual([jobs.orders.length, (await store.warmImages.get(id))?.skipped], [2, 2]);
});

Deno.test("of many managers of one store one runs what is due, and the others take over from one that died", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open, registry, store } = stage_;
  await using stack = new AsyncDisposableStack();
  for (let count = 0; count < 3; count++) stack.use(open());
  const { id } = await declare({ name: "app", args: ARGS, cron: "*/5 * * * *" });
  await declare({ name: "tag", args: ARGS, followIntervalMs: HOUR_MS });
  await clock.advance(5 * SECONDS);
  assert.deepEqual([registry.asked, jobs.orders.length], [1, 1]);
  await clock.advance(5 * MINUTE_MS);
  assert.equal(jobs.orders.filter(({ bio }) => bio === "Warm image app").length, 1);
  // Somebody claimed it and was never heard of again.
  await jobs.end(jobs.orders.at(-1)?.id ?? 0);
  await clock.advance(MINUTE_MS);
  await store.warmImages.change(id, () => ({ runAtMs: clock.wallMs(), dueAtMs: clock.wallMs() + 2 * MINUTE_MS }));
  await clock.advance(MINUTE_MS);
  const before = jobs.orders.length;
  await clock.advance(2 * MINUTE_MS);
  assert.equal(jobs.orders.length, before + 1);
});

Deno.test("a registry that answers slowly is asked by one of the managers", async () => {
  await using stage_ = await stage();
  const { clock, declare, open, store, log } = stage_;
  let asked = 0;
  const digestOf = (_: JsonObject, signal: AbortSignal) => {
    asked += 1;
    return orAbort(new Promise<string>(() => {}), signal);
  };
  const image = await declare({ name: "app", args: ARGS, followIntervalMs: MINUTE_MS });
  const { warmImages } = store;
  // What the other one reads is old when it acts.
  const late = { due: () => Promise.resolve([image]), change: warmImages.change.bind(warmImages) };
  await using _one = open({ digestOf });
  await using _other = open({ digestOf, store: { ...store, warmImages: late as unknown as typeof warmImages } });
  await clock.advance(50 * SECONDS);
  assert.deepEqual([asked, log.lines.filter(({ level }) => level === "error")], [1, []]);
});

Deno.test("after an outage of days each warm image has one run, and no more than twenty run at a time", async () => {
  await using stage_ = await stage();
  const { clock, jobs, declare, open } = stage_;
  for (let n = 0; n < 50; n++) await declare({ name: `app-${n}`, args: ARGS, cron: "0 * * * *" });
  await clock.advance(3 * 24 * HOUR_MS + MINUTE_MS);
  await using _manager = open();
  await clock.advance(30 * SECONDS);
  assert.ok(jobs.orders.length >= 20 && jobs.orders.length < 28, `${jobs.orders.length} run at a time`);
  for (let done = 0; done < jobs.orders.length; done++) {
    await jobs.end(jobs.orders[done]?.id ?? 0);
    await clock.advance(10 * SECONDS);
  }
  await clock.advance(MINUTE_MS);
  assert.deepEqual([jobs.orders.length, new Set(jobs.orders.map(({ bio }) => bio)).size], [50, 50]);
});

Deno.test("an order that is refused, and a key that opens no arguments, are failures that the warm image shows", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open } = stage_;
  const { id } = await declare({ name: "app", args: ARGS, cron: "0 0 * * *", runAtMs: MIDNIGHT, dueAtMs: MIDNIGHT });
  jobs.refusal = "active schedulers not found";
  {
    await using _manager = open();
    await clock.advance(5 * SECONDS);
    const image = await store.warmImages.get(id);
    assert.deepEqual([image?.lastState, image?.runError, image?.runFailures, image?.jobId], [
      ...["FAILURE", "active schedulers not found", 1, 0],
    ]);
  }
  jobs.refusal = undefined;
  const args = {
    open() {
      throw new DamselflyError("data_loss", "auth.jwt.key is another one now");
    },
  };
  await using _other = open({ args });
  await clock.advance(2 * MINUTE_MS);
  assert.match((await store.warmImages.get(id))?.runError ?? "", /auth\.jwt\.key is another one/);
  assert.deepEqual(jobs.orders, []);
});

Deno.test("what a manager does when it stops, another one does at once, and it is no failure", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open } = stage_;
  const { id } = await declare({ name: "app", args: ARGS, followIntervalMs: HOUR_MS });
  {
    const digestOf = (_: JsonObject, signal: AbortSignal) => orAbort(new Promise<string>(() => {}), signal);
    await using _manager = open({ digestOf });
    await clock.advance(5 * SECONDS);
  }
  assert.deepEqual([(await store.warmImages.get(id))?.checkFailures], [0]);
  await using _other = open();
  await clock.advance(5 * SECONDS);
  assert.equal(jobs.orders.length, 1);
});

Deno.test("a paused warm image does nothing, and one that is removed while it runs is no trouble", async () => {
  await using stage_ = await stage();
  const { clock, jobs, store, declare, open, log, registry } = stage_;
  await using _manager = open();
  await declare({ name: "paused", args: ARGS, cron: "* * * * *", followIntervalMs: MINUTE_MS, isPaused: true });
  const { id } = await declare({ name: "app", args: ARGS, cron: "* * * * *" });
  await clock.advance(2 * MINUTE_MS);
  await store.warmImages.remove(id);
  await clock.advance(5 * MINUTE_MS);
  assert.deepEqual([jobs.orders.length, registry.asked], [1, 0]);
  assert.deepEqual(log.lines.filter(({ level }) => level === "error"), []);
});
