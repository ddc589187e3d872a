/** Pulls that are slow for one reason each, in a cluster of real processes: `dfctl explain` names it. */
import assert from "node:assert/strict";
import { makeLiar } from "../cluster/liar.ts";
import { e2eTest } from "./lib/programs.ts";
import { SLOW_STAGE_NEEDS, SlowStage } from "./lib/slow_stage.ts";
import { type Step, story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";

const MIB = 1024 * 1024;
const BEGIN_TIMEOUT_MS = 30_000;
const TOO_MANY_REQUESTS = 429;
const slowBody = { bytesPerSecond: MIB };
const verySlowBody = { bytesPerSecond: 0.6 * MIB };

e2eTest("dfctl explain names why a pull was slow", SLOW_STAGE_NEEDS, async (t) => {
  await using stage = await SlowStage.open();
  const step = story(t, stage.workspace);
  await registryIsSlow(stage, step);
  await signInIsSlow(stage, step);
  await hostIsSlow(stage, step);
  await parentsAreSlow(stage, step);
  await nobodyDecides(stage, step);
});

/** Pulls a content on a host, and compares why that took so long. */
async function assertCause(
  stage: SlowStage,
  name: string,
  digest: string,
  [cause, reason]: readonly [cause: string, reason: RegExp],
): Promise<void> {
  await stage.pull(name, digest);
  const told = await stage.explained(name, digest);
  console.log(`${told.cause}: ${told.reason}`);
  assert.equal(told.cause, cause, JSON.stringify(told, undefined, 1));
  assert.match(told.reason, reason);
}

async function registryIsSlow(stage: SlowStage, step: Step): Promise<void> {
  await step("the registry is slow to answer", () => {
    const digest = stage.freshContent(() => ({ delayMs: 2_000 }));
    return assertCause(stage, "node-1", digest, ["slow_origin", /^waited \d+\.\d s /]);
  });

  await step("the registry is slow to send, and the bytes come by a seed peer", () => {
    const digest = stage.freshContent(() => verySlowBody);
    const reason = /^waited [2-9]\.\d s for seed peer 127\.\S+, which was still getting it from the registry$/;
    return assertCause(stage, "node-1", digest, ["slow_origin", reason]);
  });

  await step("the registry wants to be left alone for a while", () => {
    let refusals = 1;
    const headers = { "retry-after": "3" };
    const digest = stage.freshContent(() => {
      return refusals-- > 0 ? { refusal: new Response(null, { status: TOO_MANY_REQUESTS, headers }) } : undefined;
    });
    return assertCause(stage, "node-1", digest, [
      "busy_origin",
      /^waited \d\.\d s: 127\.\S+ was too busy \(HTTP 429\)$/,
    ]);
  });
}

async function signInIsSlow(stage: SlowStage, step: Step): Promise<void> {
  await step("the sign-in at the registry is slow", async () => {
    stage.signInMs = 2_000;
    await stage.pullClosed("node-1");
    const { cause, reason } = await stage.explained("node-1", stage.closedImage);
    console.log(`${cause}: ${reason}`);
    assert.equal(cause, "sign_in", reason);
    assert.match(reason, /^waited \d\.\d s until the requester had signed in at 127\.\S+ \(HTTP 401\)$/);
  });
}

async function hostIsSlow(stage: SlowStage, step: Step): Promise<void> {
  await step("the host has a bandwidth limit", () => {
    const reason = /^waited \d\.\d s for a bandwidth limit of this host \(download\.bandwidthLimit\)$/;
    return assertCause(stage, "limited", stage.freshContent(), ["rate_limit", reason]);
  });

  await step("the volume of the host has no room", async () => {
    const digest = stage.freshContent();
    await stage.pull("full", digest);
    const { error } = await stage.explained("full", digest);
    console.log(`failed: ${error}`);
    assert.match(error ?? "", /^Cannot store \d+ bytes in .*: \d+ bytes too many; free some space/);
  });
}

async function parentsAreSlow(stage: SlowStage, step: Step): Promise<void> {
  const others = ["full", "limited", "node-1", "node-2"];

  await step("the seed peer hangs", async () => {
    const { process } = stage.peer("seed");
    process.pause();
    const reason =
      /^waited [3-6]\.\d s for a seed peer or another host to begin \(nobody brought the task into the swarm\)$/;
    await assertCause(stage, "node-1", stage.freshContent(), ["dead_seed", reason]);
    await process.stop();
    await stage.untilKnown(others);
  });

  await step("a parent stalls half-way, and is replaced", async () => {
    const digest = stage.freshContent();
    await stage.pull("node-2", digest);
    await stage.untilHeld(digest);
    const [{ process }, child] = [stage.peer("node-2"), stage.peer("node-1")];
    const before = await child.downloaded();
    const pausing = waitFor("the first pieces", BEGIN_TIMEOUT_MS, async () => {
      return (await child.downloaded()).fromPeers > before.fromPeers || undefined;
    }).then(() => process.pause());
    try {
      const reason = /^waited \d\.\d s: parent 127\.\S+ stalled, replaced$/;
      await assertCause(stage, "node-1", digest, ["stalled_parent", reason]);
    } finally {
      await pausing;
      process.resume();
    }
  });

  await step("a parent gives wrong bytes", async () => {
    const digest = stage.freshContent();
    await stage.pull("node-2", digest);
    await stage.peer("node-2").process.stop();
    await stage.untilKnown(others.filter((name) => name !== "node-2"));
    await makeLiar(stage.storageOf("node-2"), digest.replace("sha256:", ""));
    await stage.startPeer("node-2");
    await stage.untilKnown(others);
    await stage.untilHeld(digest);
    await assertCause(stage, "node-1", digest, ["lying_parent", /^parent 127\.\S+ gave wrong bytes and is banned/]);
  });
}

async function nobodyDecides(stage: SlowStage, step: Step): Promise<void> {
  const { process } = stage.scheduler;

  await step("the scheduler hangs", async () => {
    process.pause();
    const reason = /^waited \d\S+ m?s: the scheduler did not answer/;
    await assertCause(stage, "node-1", stage.freshContent(), ["scheduler", reason]);
  });

  await step("no scheduler is there", async () => {
    await process.kill();
    const reason = /^no scheduler could be reached, so nobody shared: \d\.\d s at the registry$/;
    await assertCause(stage, "node-1", stage.freshContent(() => slowBody), ["no_scheduler", reason]);
  });

  await step("neither manager nor scheduler is there", async () => {
    const reason =
      /^the manager could not be reached and no scheduler is known, so nobody shared: \d\.\d s at the registry$/;
    await assertCause(stage, "lonely", stage.freshContent(() => slowBody), ["no_manager", reason]);
  });
}
