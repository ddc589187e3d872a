import assert from "node:assert/strict";
import { parseDigest } from "../../core/digest.ts";
import { DamselflyError } from "../../core/error.ts";
import { piecePlan } from "../../core/piece.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import type { Control, HeldTask } from "./control.ts";
import { startControl } from "./start_control.ts";
import {
  decide,
  FakeScheduler,
  LIST_PATH,
  type Listed,
  NEVER,
  options,
  outOfOrder,
  startManager,
  TASK_ID,
} from "./harness_test.ts";

Deno.test("the cluster of the first healthy scheduler is the host's, and all of that cluster's schedulers are announced to", async () => {
  await using first = await FakeScheduler.start();
  await using second = await FakeScheduler.start();
  await using other = await FakeScheduler.start();
  await using sick = await FakeScheduler.start();
  sick.setHealthy(false);
  await using manager = await startManager(() => [
    { port: sick.port, clusterId: 1 },
    { port: first.port, clusterId: 2 },
    { port: other.port, clusterId: 3 },
    { port: second.port, clusterId: 2 },
  ]);
  await using control = await startControl(options({ managerAddress: manager.address }), testRuntime());
  await first.until(() => first.announcements > 0);
  await second.until(() => second.announcements > 0);
  assert.equal(other.announcements, 0);
  assert.deepEqual(manager.asked, ["node-1 127.0.0.1 fra 0"]);
  const host = first.hosts.get("127.0.0.1-node-1");
  assert.deepEqual([host?.port, host?.proxyPort, host?.network?.idc], [4000, 4001, "fra"]);
  assert.ok((host?.network?.maxTxBandwidth ?? 0) > 0);
  assert.deepEqual([host?.network?.txBandwidth, host?.network?.rxBandwidth], [7_000, 9_000]);
  assert.equal(host?.schedulerClusterId, 2);
  assert.equal(control.hostId, "127.0.0.1-node-1");
});

Deno.test("a peer knows which scheduler leaves small contents to the source, a seed peer asks in any case", async () => {
  for (const [isOurs, isSeed] of [[false, false], [false, true], [true, false]] as const) {
    await using scheduler = await FakeScheduler.start();
    if (isOurs) scheduler.takesHoldings();
    await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1 }]);
    const host = { ...options().host, isSeed };
    await using control = await startControl(options({ managerAddress: manager.address, host }), testRuntime());
    assert.equal(control.sharesSmall(TASK_ID), isOurs || isSeed);
  }
});

Deno.test("a host starts without the manager from the list it kept", async () => {
  const disk = new MemoryDisk();
  await using scheduler = await FakeScheduler.start();
  {
    await using manager = await startManager(() => [{ port: scheduler.port, clusterId: 1 }]);
    await using _control = await startControl(options({ managerAddress: manager.address }), testRuntime({ disk }));
    await scheduler.until(() => scheduler.announcements === 1);
  }
  await using broken = await startManager(outOfOrder);
  await using control = await startControl(options({ managerAddress: broken.address }), testRuntime({ disk }));
  await scheduler.until(() => scheduler.announcements === 2);
  assert.equal(await decide(control), "back_to_source");
});

Deno.test("a list that was kept before settings were is as good", async () => {
  const disk = new MemoryDisk();
  await using scheduler = await FakeScheduler.start();
  await disk.mkdirAll("/cache");
  await disk.writeTextAtomic(LIST_PATH, JSON.stringify([{ ip: "127.0.0.1", port: scheduler.port, clusterId: 1 }]));
  await using _control = await startControl(options({ managerAddress: "127.0.0.1:1" }), testRuntime({ disk }));
  await scheduler.until(() => scheduler.announcements === 1);
});

Deno.test("a kept list that is damaged is no reason not to start", async () => {
  const runtime = testRuntime();
  await runtime.disk.mkdirAll("/cache");
  await runtime.disk.writeTextAtomic(LIST_PATH, '[{"ip":"example.com"');
  await using broken = await startManager(outOfOrder);
  await using control = await startControl(options({ managerAddress: broken.address }), runtime);
  assert.equal(await control.openSession(TASK_ID, "peer-1", NEVER), undefined);
  assert.ok(runtime.log.lines.some(({ message }) => message.startsWith("The saved list")));
});

Deno.test("the local dynconfig names the schedulers when there is no manager", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  assert.equal(await decide(control), "back_to_source");
});

Deno.test("a scheduler whose name has no address does not cost the host the others", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [
    { hostname: "no-such-host.invalid", port: 8002 },
    { hostname: "127.0.0.1", port: scheduler.port },
  ];
  const runtime = testRuntime();
  await using control = await startControl(options({ localSchedulers }), runtime);
  assert.equal(await decide(control), "back_to_source");
  assert.ok(runtime.log.lines.some(({ fields }) => JSON.stringify(fields).includes("no-such-host.invalid")));
});

Deno.test("without manager and schedulers there is no session, and no wait", async () => {
  await using control = await startControl(options(), testRuntime());
  assert.equal(await control.openSession(TASK_ID, "peer-1", NEVER), undefined);
});

Deno.test("a scheduler that does not know the host is told and asked again at once", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  await scheduler.until(() => scheduler.announcements === 1);
  scheduler.hosts.clear();
  assert.equal(await decide(control), "back_to_source");
  assert.equal(scheduler.announcements, 2);
});

Deno.test("a scheduler that restarts is announced to and told what the host has, without any pull", async () => {
  const before = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: before.port }];
  const held: HeldTask[] = [{
    taskId: TASK_ID,
    url: "http://registry/blob",
    plan: piecePlan(1000, 512),
    digest: parseDigest(`sha256:${TASK_ID}`),
  }];
  await using _control = await startControl(
    options({ localSchedulers, heldTasks: () => held }),
    testRuntime(),
  );
  await before.until(() => before.registers.length === 1);
  await before[Symbol.asyncDispose]();
  await using after = await FakeScheduler.start(before.port);
  await after.until(() => after.events.includes("downloadPeerFinishedRequest"));
  assert.deepEqual(after.events, [
    "registerPeerRequest",
    "downloadPeerStartedRequest",
    "downloadPeerFinishedRequest",
  ]);
  const [told] = after.registers;
  assert.deepEqual([told?.metadataOnly, told?.actualContentLength, told?.actualPieceCount], [true, 1000, 2]);
});

Deno.test("the tasks of a scheduler that has died, or left the list, are told to those that have them from now on", async () => {
  for (const how of ["dies", "leaves"]) {
    const schedulers = [await FakeScheduler.start(), await FakeScheduler.start()];
    let listed = schedulers.map(({ port }) => ({ port, clusterId: 1 }));
    await using manager = await startManager(() => listed);
    const held = ["aa", "bb", "cc", "dd", "ee", "ff", "11", "22"].map((name) => {
      const taskId = name.repeat(32);
      const digest = parseDigest(`sha256:${taskId}`);
      return { taskId, url: `http://registry/${name}`, plan: piecePlan(1000, 512), digest };
    });
    const wanted = options({ managerAddress: manager.address, heldTasks: () => held, refreshIntervalMs: 100 });
    await using _control = await startControl(wanted, testRuntime());
    const toldTo = (scheduler?: FakeScheduler) => scheduler?.registers.map(({ url }) => url).toSorted() ?? [];
    const finished = () => schedulers.flatMap(toldTo).length;
    await Promise.race(schedulers.map((scheduler) => scheduler.until(() => finished() === held.length)));
    // The ring may give all tasks to one of them.
    const [gone, stays] = toldTo(schedulers[0]).length > 0 ? schedulers : schedulers.toReversed();
    await using _stays = stays;
    if (how === "leaves") listed = listed.filter(({ port }) => port === stays?.port);
    if (how === "dies") await gone?.[Symbol.asyncDispose]();
    await stays?.until(() => toldTo(stays).length === held.length);
    assert.deepEqual(toldTo(stays), held.map(({ url }) => url).toSorted());
    await gone?.[Symbol.asyncDispose]();
  }
});

Deno.test("when a scheduler has died, the next one of the ring answers the same pull", async () => {
  const schedulers = [await FakeScheduler.start(), await FakeScheduler.start()];
  const localSchedulers = schedulers.map(({ port }) => ({ hostname: "127.0.0.1", port }));
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  for (const scheduler of schedulers) await scheduler.until(() => scheduler.announcements === 1);
  assert.equal(await decide(control), "back_to_source");
  const [asked, spare] = schedulers[0]?.registers.length === 1 ? schedulers : schedulers.toReversed();
  await asked?.[Symbol.asyncDispose]();
  await using _spare = spare;
  assert.equal(await decide(control), "back_to_source");
  assert.equal(spare?.registers.length, 1);
  await using again = await FakeScheduler.start(asked?.port);
  await again.until(() => again.announcements === 1);
});

/** Asks for a decision that takes too long, and waits as long as a pull does. */
async function decideInVain(control: Control, scheduler: FakeScheduler, clock: VirtualClock): Promise<void> {
  const [startedAt, events] = [clock.now(), scheduler.events.length];
  const decision = decide(control).then(() => "decided", (error: DamselflyError) => error.code);
  await scheduler.until(() => scheduler.events.length > events);
  await settle();
  await clock.advance(5_000);
  assert.equal(await decision, "timeout");
  assert.equal(clock.now() - startedAt, 5_000);
}

/** Whether the scheduler is asked again as soon as it has shown that it lives. */
async function isUsableSoon(control: Control): Promise<boolean> {
  for (let turns = 0; turns < 1_000; turns++) {
    await using session = await control.openSession(TASK_ID, "peer-2", NEVER);
    if (session !== undefined) return true;
    await settle();
  }
  return false;
}

Deno.test("a decision that is late costs that pull five seconds, and other tasks nothing", async () => {
  await using scheduler = await FakeScheduler.start();
  const clock = new VirtualClock();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime({ clock }));
  scheduler.fate = (taskId) => taskId === TASK_ID ? "ignored" : "answered";
  for (let pull = 0; pull < 4; pull++) {
    await decideInVain(control, scheduler, clock);
    assert.equal(await isUsableSoon(control), true);
    assert.equal(await decide(control, "cd".repeat(32)), "back_to_source");
  }
  assert.equal(scheduler.announcements, 1);
});

Deno.test("a scheduler that lives and decides nothing for ten seconds is left alone for ten", async () => {
  await using scheduler = await FakeScheduler.start();
  const clock = new VirtualClock();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime({ clock }));
  scheduler.fate = () => "ignored";
  await decideInVain(control, scheduler, clock);
  assert.equal(await isUsableSoon(control), true);
  await decideInVain(control, scheduler, clock);
  await clock.advance(9_000);
  assert.equal(await isUsableSoon(control), false);
  await clock.advance(1_000);
  await scheduler.until(() => scheduler.announcements === 2);
});

Deno.test("a scheduler that broke off and is there again is used again within seconds", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  scheduler.fate = () => "broken";
  const startedAt = performance.now();
  await assert.rejects(decide(control), { code: "unavailable" });
  scheduler.fate = () => "answered";
  await scheduler.until(() => scheduler.announcements === 2);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.equal(await isUsableSoon(control), true);
});

Deno.test("the first pull after a scheduler's return is decided by it, however long it was gone", async () => {
  const before = await FakeScheduler.start();
  const clock = new VirtualClock();
  const localSchedulers = [{ hostname: "127.0.0.1", port: before.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime({ clock }));
  await before[Symbol.asyncDispose]();
  while (await control.openSession(TASK_ID, "peer-2", NEVER) !== undefined) await settle();
  // Nothing happens by itself from here on: the next attempt is a pause away, and time stands still.
  await clock.advance(100);
  await using after = await FakeScheduler.start(before.port);
  assert.equal(await decide(control), "back_to_source");
  assert.equal(after.announcements, 1);
});
Deno.test("a scheduler that leaves the list is told goodbye, and the others are not told twice", async () => {
  await using stays = await FakeScheduler.start();
  await using leaves = await FakeScheduler.start();
  let list = [{ port: stays.port, clusterId: 1 }, { port: leaves.port, clusterId: 1 }];
  await using manager = await startManager(() => list);
  const changes = { managerAddress: manager.address, refreshIntervalMs: 20 };
  const runtime = testRuntime();
  await using _control = await startControl(options(changes), runtime);
  await leaves.until(() => leaves.announcements === 1);
  await stays.until(() => stays.announcements === 1);
  list = list.slice(0, 1);
  await leaves.until(() => leaves.hosts.size === 0);
  const kept = JSON.parse(await runtime.disk.readText(LIST_PATH));
  assert.deepEqual(kept.schedulers.map(({ port }: Listed) => port), [stays.port]);
  assert.equal(stays.announcements, 1);
});

Deno.test("a host that stops tells its schedulers", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  {
    await using _control = await startControl(options({ localSchedulers }), testRuntime());
    await scheduler.until(() => scheduler.hosts.size === 1);
  }
  assert.equal(scheduler.hosts.size, 0);
});

Deno.test("the deletion of a task is told to its scheduler", async () => {
  await using scheduler = await FakeScheduler.start();
  const localSchedulers = [{ hostname: "127.0.0.1", port: scheduler.port }];
  await using control = await startControl(options({ localSchedulers }), testRuntime());
  await control.taskDeleted(TASK_ID, NEVER);
  assert.deepEqual(scheduler.deleted, [TASK_ID]);
});
