import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { HostResult, type TaskJobRequest } from "../../rpc/gen/damselfly/v1/jobs.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import type { ImageDistributionArgs } from "../rest/job_args.ts";
import type { SchedulerRecord } from "../store/services.ts";
import { imageDistribution } from "./image_distribution.ts";
import type { OnResult } from "./scheduler_calls.ts";

const NEVER = new AbortController().signal;
const HEX = ["a", "b", "c"].map((letter) => letter.repeat(64));
const URLS = HEX.map((hex) => `https://registry.corp/v2/app/blobs/sha256:${hex}`);
const CLUSTERS = new Map(
  [[1, ["a-1", "a-2"]], [2, ["b"]]].map(([id, names]) => {
    return [id as number, (names as string[]).map((hostname) => ({ hostname }) as SchedulerRecord)];
  }),
);

/** A question to schedulers that answer as a test says. */
function stage(
  answer: (hostname: string, request: TaskJobRequest, onResult: OnResult, signal: AbortSignal) => Promise<void> | void,
) {
  const clock = new VirtualClock();
  const state = { running: 0, runningMax: 0, asked: 0 };
  const calls = {
    async task(
      type: string,
      { hostname }: SchedulerRecord,
      { request }: { readonly request: TaskJobRequest },
      onResult: OnResult,
      signal: AbortSignal,
    ) {
      assert.equal(type, "get_task");
      state.asked += 1;
      state.runningMax = Math.max(state.runningMax, ++state.running);
      try {
        await Promise.resolve();
        await answer(hostname, request, onResult, signal);
      } finally {
        state.running -= 1;
      }
    },
  };
  const login = { authorization: () => Promise.resolve(undefined), renew: () => Promise.resolve(undefined) };
  const images = { blobs: () => Promise.resolve({ urls: URLS, foreign: [], login }) };
  const ask = (args: Partial<ImageDistributionArgs> = {}, caller = NEVER) => {
    const whole = { url: "https://registry.corp/v2/app/manifests/v1", ...args } as ImageDistributionArgs;
    return imageDistribution(whole, CLUSTERS, { images, calls, clock }, caller);
  };
  return { clock, state, ask };
}

const holder = (hostId: string, parts: Partial<HostResult> = {}) => {
  return HostResult.create({ hostId, hostname: `host-${hostId}`, ip: "10.0.0.1", isFinished: true, ...parts });
};

Deno.test("each peer that holds all of a layer is told with its cluster; seed peers and half copies are not", async () => {
  const { ask } = stage((hostname, { taskIds: [id] }, onResult) => {
    if (hostname === "b") return onResult(holder("y"));
    if (id === HEX[0]) onResult(holder("x"));
    if (id === HEX[1]) { for (const _ of [1, 2]) onResult(holder("x")); }
    onResult(holder("seed", { hostType: 1 }));
    onResult(holder("half", { isFinished: false }));
  });
  const layers = URLS.map((url) => ({ url }));
  const { image, peers } = await ask();
  assert.deepEqual(image, { layers });
  assert.deepEqual(peers.toSorted((a, b) => a.scheduler_cluster_id - b.scheduler_cluster_id), [
    { ip: "10.0.0.1", hostname: "host-x", cached_layers: layers.slice(0, 2), scheduler_cluster_id: 1 },
    { ip: "10.0.0.1", hostname: "host-y", cached_layers: layers, scheduler_cluster_id: 2 },
  ]);
});

Deno.test("the next scheduler of a cluster is asked when one is gone, and what another says is the failure", async () => {
  const { ask } = stage((hostname, _request, onResult) => {
    if (hostname === "a-1") throw new DamselflyError("unavailable", "gone");
    onResult(holder("x"));
  });
  assert.deepEqual((await ask()).peers.map(({ cached_layers }) => cached_layers.length), [3, 3]);
  const failing = stage(() => Promise.reject(new DamselflyError("unimplemented", "it is a stock one")));
  await assert.rejects(failing.ask(), { code: "unimplemented" });
});

Deno.test("layers are asked for under the names of a preheat with the same arguments, so many at a time", async () => {
  const requests: TaskJobRequest[] = [];
  const { ask, state } = stage((_hostname, request) => void requests.push(request));
  await ask({ tag: "t", concurrent_layer_count: 2, concurrent_peer_count: 7 });
  assert.deepEqual([state.asked, state.runningMax], [6, 2]);
  assert.deepEqual(requests.map(({ concurrentPeerCount }) => concurrentPeerCount), Array(6).fill(7));
  for (const { taskIds } of requests) assert.equal(taskIds.length, 2, "a blob has an id by its digest, and one by URL");
});

Deno.test("an answer is waited for as long as the question says, nine minutes at most, a minute if it says nothing", async () => {
  for (const [timeout, waitedMs] of [[5e9, 5_000], [undefined, 60_000], [3_600e9, 540_000]] as const) {
    const { ask, clock, state } = stage((_hostname, _request, _onResult, signal) => {
      return orAbort(new Promise(() => {}), signal);
    });
    const asked = assert.rejects(ask({ timeout }), { code: "timeout", message: /ask for one cluster or one platform/ });
    await clock.advance(waitedMs - 1);
    assert.ok(state.running > 0);
    await clock.advance(1);
    await asked;
    await clock.advance(0);
    assert.equal(state.running, 0);
  }
});

Deno.test("what the registry refuses is told as the registry's, for it is no refusal of ours", async () => {
  const parts = { calls: { task: () => Promise.resolve() }, clock: new VirtualClock() };
  const args = { url: "https://registry.corp/v2/app/manifests/v1" } as ImageDistributionArgs;
  for (const [code, told] of [["unavailable", "source_error"], ["not_found", "not_found"]] as const) {
    const images = { blobs: () => Promise.reject(new DamselflyError(code, "the answer was so")) };
    const refusal = { code: told, message: "the answer was so" };
    await assert.rejects(imageDistribution(args, CLUSTERS, { ...parts, images }, NEVER), refusal);
  }
});

Deno.test("a caller who leaves ends the question", async () => {
  const caller = new AbortController();
  const { ask, clock } = stage((_hostname, _request, _onResult, signal) => orAbort(new Promise(() => {}), signal));
  const asked = assert.rejects(ask({}, caller.signal), /he has left/);
  await clock.advance(0);
  caller.abort(new Error("he has left"));
  await asked;
});

Deno.test("an answer that would be too long is refused, with what to do", async () => {
  const { ask } = stage((_hostname, _request, onResult) => {
    for (let n = 0; n < 40_000; n++) onResult(holder(String(n)));
  });
  await assert.rejects(ask(), { code: "resource_exhausted", message: /more than 200000 copies of its layers/ });
});
