/** Parts that hang: processes that are stopped by a signal keep their connections and answer nothing. */
import assert from "node:assert/strict";
import process from "node:process";
import { startPeerMain, startSchedulerMain } from "./mains.ts";
import { drain, gate, image, layer, type Node, Stage } from "./stage.ts";
import type { RunningProcess } from "../e2e/lib/process.ts";

/** Promise P1: the most that one fault may cost (design §2). */
const LOST_MS_MAX = 5_000;
/** What a pull takes that loses nothing, on a busy machine. */
const PULL_MS_MAX = 3_000;
const HELD_BYTES = 3 * 1024 * 1024;

/** Freezes a process until the result is disposed. */
function freeze({ pid }: RunningProcess): Disposable {
  process.kill(pid, "SIGSTOP");
  return { [Symbol.dispose]: () => void process.kill(pid, "SIGCONT") };
}

/** Reads layer `index` through a node. */
async function assertLayerTakesAtMost(node: Node, index: number, msMax: number): Promise<void> {
  const startedAt = performance.now();
  const { bytes, isComplete } = await drain(await node.blob({}, image.layers[index]?.digest));
  const ms = performance.now() - startedAt;
  assert.deepEqual([isComplete, bytes.length], [true, image.layers[index]?.size]);
  assert.ok(ms < msMax, `the layer took ${Math.round(ms)} ms`);
}

Deno.test("a seed peer that hangs costs a pull at most five seconds, and the next one nothing", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1", "peer-2"] });
  await using seed = await startPeerMain(stage, "seed", { isSeed: true });
  await stage.untilHosts(3);
  using _frozen = freeze(seed.process);
  await assertLayerTakesAtMost(stage.node("peer-1"), 0, LOST_MS_MAX + PULL_MS_MAX);
  await assertLayerTakesAtMost(stage.node("peer-1"), 1, PULL_MS_MAX);
  await assertLayerTakesAtMost(stage.node("peer-2"), 2, PULL_MS_MAX);
});

Deno.test("a seed peer that hangs in the middle of a pull costs it at most five seconds", async () => {
  await using stage = await Stage.open({ nodes: ["peer-1", "peer-2"] });
  await using seed = await startPeerMain(stage, "seed", { isSeed: true });
  await stage.untilHosts(3);
  const { opened, open } = gate();
  let gets = 0;
  stage.fault = ({ method, path }) =>
    method === "GET" && path.endsWith(layer.digest) && gets++ === 0
      ? { kind: "hold", afterBytes: HELD_BYTES, until: opened }
      : undefined;
  const node = stage.node("peer-1");
  const reading = assertLayerTakesAtMost(node, 0, LOST_MS_MAX + PULL_MS_MAX);
  await node.untilTraffic(({ remotePeer }) => remotePeer > 0);
  using _frozen = freeze(seed.process);
  open();
  await reading;
});

Deno.test("a scheduler that hangs costs a pull at most five seconds, and the next one nothing", async () => {
  await using stage = await Stage.open({ nodes: [] });
  await stage.scheduler.stop();
  await using scheduler = await startSchedulerMain(stage, "scheduler");
  await stage.untilListed(scheduler.address);
  const node = await stage.start("peer-1");
  await stage.untilHosts(1, scheduler.address);
  using _frozen = freeze(scheduler.process);
  await assertLayerTakesAtMost(node, 0, LOST_MS_MAX + PULL_MS_MAX);
  await assertLayerTakesAtMost(node, 1, PULL_MS_MAX);
});

Deno.test("a manager that accepts connections and says nothing costs a start at most five seconds", async () => {
  const mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of mute) conns.push(conn);
  })();
  await using _closed = {
    async [Symbol.asyncDispose]() {
      mute.close();
      await accepting;
      for (const conn of conns) conn.close();
    },
  };
  await using stage = await Stage.open({ hasManager: false, nodes: [] });
  const startedAt = performance.now();
  const { port } = mute.addr;
  await stage.start("peer-1", { settings: { "manager.addr": `127.0.0.1:${port}` } });
  const ms = performance.now() - startedAt;
  assert.ok(ms < LOST_MS_MAX, `the start took ${Math.round(ms)} ms`);
  await assertLayerTakesAtMost(stage.node("peer-1"), 0, PULL_MS_MAX);
});
