import assert from "node:assert/strict";
import { DamselflyError } from "../../core/error.ts";
import { Download, Host } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService, StatLocalTaskResponse } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { service, startRpcServer } from "../../rpc/server.ts";
import type { CallContext } from "../../rpc/service.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import { limited } from "../../testing/hand_peer.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { HostCalls } from "./host_calls.ts";

const LOCAL = "127.0.0.1";

Deno.test("calls beyond the limits of all jobs wait for their turn, short ones not behind downloads", async () => {
  const { clock, log } = testRuntime();
  const begun = Promise.withResolvers<void>();
  let downloads = 0;
  let shortCalls = 0;
  let shortCallsMost = 0;
  await using server = await startRpcServer({
    ...{ listen: { hostname: LOCAL, port: 0 }, log, clock },
    services: [service(DfdaemonUploadService, {
      // deno-lint-ignore require-yield -- it never ends well
      downloadTask: async function* (_request: unknown, { signal }: CallContext) {
        downloads += 1;
        begun.resolve();
        await orAbort(new Promise(() => {}), signal);
      },
      statLocalTask: async ({ taskId }) => {
        shortCallsMost = Math.max(shortCallsMost, ++shortCalls);
        await clock.sleep(1, limited.signal);
        shortCalls -= 1;
        return StatLocalTaskResponse.create({ taskId });
      },
      deleteTask: () => Promise.resolve({}),
    })],
  });
  using calls = new HostCalls(clock, {}, { downloads: 1, short: 1 });
  const host = Host.create({ id: "a", ip: LOCAL, port: server.port });
  const stop = new AbortController();
  const errors = [1, 2].map(() => calls.download(host, Download.create({ url: "https://f.corp/a" }), stop.signal));
  await begun.promise;
  const found = await Promise.all(["x", "y", "z"].map((id) => calls.stat(host, [id], limited.signal)));
  assert.deepEqual([found.map((task) => task?.taskId), shortCallsMost], [["x", "y", "z"], 1]);
  assert.equal(await calls.delete(host, ["x"], limited.signal), true);
  stop.abort(new DamselflyError("cancelled", "enough"));
  for (const error of await Promise.all(errors)) assert.match(error?.message ?? "", /enough/);
  assert.equal(downloads, 1);
});
