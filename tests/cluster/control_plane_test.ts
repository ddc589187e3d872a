/** The control plane is optional: what pulls lose when a manager or a scheduler is down, stops or starts again. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { drain, gate, image, layer, layerBytes, type Node, Stage } from "./stage.ts";

/** Promise P1: the most that one fault may cost (design §2). */
const LOST_MS_MAX = 5_000;
const HELD_BYTES = 3 * 512 * 1024 + 1000;

/** Nothing listens there. */
const NOBODY = { "manager.addr": "127.0.0.1:1" };

async function assertPullIsFast(node: Node): Promise<void> {
  const { ms, digest } = await node.pull();
  assert.equal(digest, image.index.digest);
  assert.ok(ms < LOST_MS_MAX, `the pull took ${Math.round(ms)} ms`);
}

Deno.test("without manager and scheduler each host gets its own copy from the registry", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: ["peer-1", "peer-2"] });
  await assertPullIsFast(stage.node("peer-1"));
  await assertPullIsFast(stage.node("peer-2"));
  assert.equal(stage.layerBytesSent(), 2 * layerBytes);
});

Deno.test("a host starts and pulls when nobody answers at the manager's address", async () => {
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const startedAt = performance.now();
  const node = await stage.start("peer-1", { settings: NOBODY });
  await assertPullIsFast(node);
  assert.ok(performance.now() - startedAt < LOST_MS_MAX);
});

Deno.test("with the manager dead, hosts that start again share by the scheduler list they kept", async () => {
  await using stage = await Stage.open();
  await stage.node("peer-1").pull();
  await stage.manager.stop();
  await stage.node("peer-2").restart();
  await assertPullIsFast(stage.node("peer-2"));
  assert.equal(stage.node("peer-2").traffic.backToSource, 0);
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("with the scheduler stopped, pulls go to the registry at once", async () => {
  await using stage = await Stage.open();
  await stage.scheduler.stop();
  await assertPullIsFast(stage.node("peer-1"));
  await assertPullIsFast(stage.node("peer-2"));
  assert.equal(stage.layerBytesSent(), 2 * layerBytes);
});

Deno.test("a scheduler that stops in the middle of a pull costs it nothing, and the registry no second copy", async () => {
  await using stage = await Stage.open();
  const { opened, open } = gate();
  stage.fault = ({ path }) =>
    path.endsWith(layer.digest) ? { kind: "hold", afterBytes: HELD_BYTES, until: opened } : undefined;
  const node = stage.node("peer-1");
  const pulling = drain(await node.blob());
  await node.untilTraffic(({ remotePeer }) => remotePeer > 0);
  await stage.scheduler.stop();
  open();
  assert.equal((await pulling).isComplete, true);
  assert.equal(stage.layerBytesSent(), layer.size);
});

Deno.test("a scheduler that starts again is told what hosts hold, and the next host gets all of it from them", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1", "peer-2", "peer-3"] });
  await stage.node("peer-1").pull();
  await stage.node("seed").stop();
  await stage.scheduler.restart();
  await stage.untilHosts(3);
  await stage.untilContentsKnown();
  await assertPullIsFast(stage.node("peer-2"));
  assert.equal(stage.node("peer-2").traffic.backToSource, 0);
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("a pull right after the scheduler's restart, before anybody has announced itself, succeeds", async () => {
  await using stage = await Stage.open();
  await stage.node("peer-1").pull();
  await stage.scheduler.restart();
  await assertPullIsFast(stage.node("peer-2"));
  await stage.untilHosts(3);
});

Deno.test("when one of two schedulers dies, its tasks move to the other, and the registry is asked for no second copy", async () => {
  await using stage = await Stage.open({ nodes: [] });
  const both = [stage.scheduler, stage.addScheduler("scheduler-2")];
  await stage.startScheduler(both[1] ?? stage.scheduler);
  for (const name of ["peer-1", "peer-2"]) await stage.start(name);
  for (const { it } of both) await stage.untilHosts(2, it);
  await stage.node("peer-1").pull();
  for (const [index, dead] of both.entries()) {
    await dead.stop();
    const [other] = both.toSpliced(index, 1);
    assert.ok(other);
    await stage.untilContentsKnown(other.it);
    const name = `late-${index}`;
    await stage.start(name);
    await stage.untilHosts(3 + index, other.it);
    await assertPullIsFast(stage.node(name));
    assert.equal(stage.node(name).traffic.backToSource, 0);
    await stage.startScheduler(dead);
    await stage.untilHosts(3 + index, dead.it);
  }
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("pulls right after the scheduler's restart cost the registry one copy", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1", "peer-2", "peer-3"] });
  await stage.scheduler.restart();
  await Promise.all(["peer-1", "peer-2", "peer-3"].map((name) => stage.node(name).pull()));
  assert.equal(stage.layerBytesSent(), layerBytes);
});

Deno.test("a manager that starts again finds its clusters, and hosts that start after it share", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await stage.node("peer-1").pull();
  await stage.manager.restart();
  await assertPullIsFast(await stage.start("peer-2"));
  await stage.untilHosts(3);
  await assertPullIsFast(await stage.start("peer-3"));
  assert.equal(stage.node("peer-3").traffic.backToSource, 0);
});

Deno.test("a manager that lost its database is told of the schedulers again", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "peer-1"] });
  await stage.node("peer-1").pull();
  await stage.manager.stop();
  await rm(join(stage.dir, "manager.db"));
  await stage.manager.start();
  await stage.untilListed();
  await stage.start("peer-2");
  await stage.untilHosts(3);
  await assertPullIsFast(stage.node("peer-2"));
  assert.equal(stage.node("peer-2").traffic.backToSource, 0);
  assert.equal(stage.layerBytesSent(), layerBytes);
});
