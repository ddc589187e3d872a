import assert from "node:assert/strict";
import { BUILD_PLATFORM } from "../core/version.ts";
import { Download, Host } from "../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService } from "../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { service } from "../rpc/service.ts";
import { MemoryRpc } from "../testing/memory_rpc.ts";
import { settleAll } from "../testing/sim/quiet.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { SeedTrigger } from "./seed_trigger.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

function download(url: string, objectStorage?: Download["objectStorage"]): Download {
  return Download.fromPartial({ url, digest: DIGEST, objectStorage });
}

/** The URLs that a seed peer is asked for, when these requesters come while it fetches for the first. */
async function askedFor(first: Download, ...others: Download[]): Promise<(string | undefined)[]> {
  const clock = new VirtualClock({ settle: settleAll });
  const rpc = new MemoryRpc(clock, { latencyMs: () => 1 });
  const asked: (string | undefined)[] = [];
  const upload = service(DfdaemonUploadService, {
    downloadTask: async function* ({ download }, { signal }) {
      asked.push(download?.url);
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
      yield* [];
    },
  });
  using _served = rpc.serve("10.0.0.2:4000", [upload]);
  const host = Host.fromPartial({ id: "seed", ip: "10.0.0.2", port: 4000, build: { platform: BUILD_PLATFORM } });
  const trigger = new SeedTrigger(clock, { timeoutMs: 60_000, channels: rpc.channels("10.0.0.1") });
  trigger.start("task", host, first, () => {});
  for (const other of others) trigger.offer("task", other);
  await clock.advance(10);
  const stopping = trigger[Symbol.asyncDispose]();
  await clock.advance(10);
  await stopping;
  return asked;
}

Deno.test("a seed peer is told of each registry that has the content once, and of four at most", async () => {
  const urls = ["a", "b", "c", "d", "e"].map((host) => `https://${host}.example:5000/v2/x/blobs/${DIGEST}`);
  const [first = "", second = ""] = urls;
  assert.deepEqual(await askedFor(download(first), download(`${first}?x=1`), download(second), download(second)), [
    first,
    second,
  ]);
  assert.deepEqual(await askedFor(download(first), ...urls.map((url) => download(url))), urls.slice(0, 4));
});

Deno.test("two buckets are two origins, and so is one name at two storages", async () => {
  const [one, other] = ["s3://one/key", "s3://other/key"];
  const [here, there] = [{ endpoint: "https://here.example" }, { endpoint: "https://there.example" }];
  assert.deepEqual(await askedFor(download(one, here), download(other, here)), [one, other]);
  assert.deepEqual(await askedFor(download(one, here), download(one, there), download(one, here)), [one, one]);
});
