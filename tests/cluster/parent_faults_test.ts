/** Parents that die, lie, stop or garble: the pull ends right, and nobody is given a wrong blob as a complete one. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { taskIdOf } from "../../src/core/task_id.ts";
import { cutAfter, faultyNet, flipBits, holdAfter, type WriteFault } from "./faulty_net.ts";
import { makeLiar } from "./liar.ts";
import { drain, gate, image, layer, layerBytes, type Node, Stage } from "./stage.ts";

const PIECE_BYTES = 512 * 1024;
/** Promise P1: the most that one fault may cost (design §2). */
const LOST_MS_MAX = 5_000;
/** What a pull takes that loses nothing, on a busy machine. */
const PULL_MS_MAX = 3_000;

/** A graceful stop lets calls go on for 5 s, but not those that children only follow. */
const STOP_MS_MAX = 3_000;
const FOREVER = new Promise<never>(() => {});
const TASK_ID = taskIdOf({ url: `http://registry/v2/app/blobs/${layer.digest}`, byBlobDigest: true });

async function assertRight(response: Response): Promise<void> {
  const { bytes, isComplete } = await drain(response);
  assert.equal(isComplete, true);
  assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, layer.digest);
}

/** A stage whose only holder of the image is `parent`. */
async function stageWithOneHolder(fault?: WriteFault): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  // Of so few connections each carries more than one piece, so that a fault after the first one meets all of them.
  const settings = { "download.concurrentPieceCount": 4 };
  const stage = stack.use(await Stage.open({ nodes: ["seed", "child"], settings }));
  const parent = await stage.start("parent", fault === undefined ? {} : { net: faultyNet(fault) });
  await parent.pull();
  await stage.node("seed").stop();
  await stage.untilHosts(2);
  await stage.untilContentsKnown();
  stack.move();
  return stage;
}

function bansOf(node: Node): number {
  return node.runtime?.metrics.value("dragonfly_client_parent_banned_total") ?? 0;
}

Deno.test("the seed peer dies in the middle of a pull: the rest comes from the registry", async () => {
  await using stage = await Stage.open({ nodes: ["seed", "child"] });
  const { opened, open } = gate();
  let gets = 0;
  stage.fault = ({ method, path }) => {
    if (method !== "GET" || !path.endsWith(layer.digest) || gets++ > 0) return undefined;
    return { kind: "hold", afterBytes: 3 * PIECE_BYTES + 1000, until: opened };
  };
  const child = stage.node("child");
  const pulling = child.blob();
  await child.untilTraffic(({ remotePeer }) => remotePeer >= 3 * PIECE_BYTES);
  const stoppedAt = performance.now();
  await stage.node("seed").stop();
  assert.ok(performance.now() - stoppedAt < STOP_MS_MAX, "the stop waited for a stream that never ends");
  open();
  await assertRight(await pulling);
  const { remotePeer, backToSource } = child.traffic;
  assert.equal(remotePeer, 3 * PIECE_BYTES);
  assert.equal(backToSource, layer.size - 3 * PIECE_BYTES);
});

Deno.test("a peer dies while it sends pieces: the rest comes from the registry", async () => {
  await using stage = await stageWithOneHolder(holdAfter(PIECE_BYTES + 1000, FOREVER));
  const child = stage.node("child");
  const pulling = child.blob();
  await child.untilTraffic(({ remotePeer }) => remotePeer >= PIECE_BYTES);
  await stage.node("parent").stop();
  await assertRight(await pulling);
  assert.ok(child.traffic.backToSource > 0);
});

for (
  const [what, fault] of [
    ["cuts its pieces short", cutAfter(PIECE_BYTES / 2)],
    ["garbles its pieces", flipBits],
  ] as const
) {
  Deno.test(`a parent that ${what} is given up, and the pull ends right`, async () => {
    await using stage = await stageWithOneHolder(fault);
    const child = stage.node("child");
    const startedAt = performance.now();
    await assertRight(await child.blob());
    const ms = performance.now() - startedAt;

    assert.ok(ms < PULL_MS_MAX, `the pull took ${Math.round(ms)} ms`);
    assert.equal(child.traffic.remotePeer, 0);
    assert.equal(stage.layerBytesSent(), layerBytes + layer.size);
  });
}

Deno.test("a parent that falls silent in the middle of a piece costs a pull at most five seconds", async () => {
  await using stage = await stageWithOneHolder(holdAfter(PIECE_BYTES / 2, FOREVER));
  const startedAt = performance.now();
  await assertRight(await stage.node("child").blob());
  const ms = performance.now() - startedAt;

  assert.ok(ms < LOST_MS_MAX + PULL_MS_MAX, `the pull took ${Math.round(ms)} ms`);
});

Deno.test("a parent that lies is found and banned; nobody gets a wrong blob as a complete one", async () => {
  await using stage = await stageWithOneHolder();
  const [liar, child] = [stage.node("parent"), stage.node("child")];
  await liar.stop();
  await makeLiar(join(liar.dir, "storage"), TASK_ID);
  await liar.start();
  await stage.untilHosts(2);
  await stage.untilContentsKnown();

  const first = await drain(await child.blob());
  const digest = `sha256:${createHash("sha256").update(first.bytes).digest("hex")}`;
  assert.ok(!first.isComplete || digest === layer.digest, "a wrong blob was delivered as a complete one");
  assert.ok(child.traffic.remotePeer > 0, "the liar was never asked");
  assert.equal(bansOf(child), 1);

  const before = child.traffic.remotePeer;
  assert.equal((await child.pull()).digest, image.index.digest);
  assert.equal(child.traffic.remotePeer, before, "the liar was asked again");
});
