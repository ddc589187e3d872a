import assert from "node:assert/strict";
import { RunningCluster } from "./running_cluster.ts";

Deno.test("programs that run say which methods and paths they serve", async () => {
  await using running = await RunningCluster.start(new AbortController().signal);
  for (
    const [at, path] of [
      ["manager", "/manager.v2.Manager/KeepAlive"],
      ["scheduler", "/scheduler.v2.Scheduler/AnnouncePeer"],
      ["upload", "/dfdaemon.v2.DfdaemonUpload/SyncHost"],
      ["download", "/dfdaemon.v2.DfdaemonDownload/DownloadTask"],
    ] as const
  ) {
    assert.equal(await running.serves(at, path), true, path);
    assert.equal(await running.serves(at, `${path}Not`), false, path);
  }
  await assert.rejects(running.serves("nowhere", "/a/b"), { code: "invalid_argument" });
  assert.equal(await running.answers("health", "GET /healthy"), true);
  assert.equal(await running.answers("health", "GET /nope"), false);
  assert.equal(await running.answers("metrics", "DELETE /metrics"), false);
  assert.ok(running.metricsOf("dfdaemon").has("dragonfly_client_upload_traffic"));
  assert.equal(running.metricsOf("nobody").size, 0);
});
