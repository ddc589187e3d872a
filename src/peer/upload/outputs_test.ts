/** What a local program gets as a file. */
import assert from "node:assert/strict";
import { type ServiceError, status } from "@grpc/grpc-js";
import { DamselflyError } from "../../core/error.ts";
import { Download } from "../../rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService, DfdaemonUploadService } from "../../rpc/gen/dfdaemon/v2/dfdaemon.ts";
import type { Disk } from "../../runtime/disk.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { settle } from "../../testing/virtual_clock.ts";
import { collected, CONTENT, downloadClient, downloadOf, limited, rawClient, startBench } from "./harness_test.ts";

async function contentAt(disk: Disk, path: string): Promise<Uint8Array> {
  await using file = await disk.openFile(path);
  const bytes = new Uint8Array((await file.stat()).size);
  await file.read(bytes, 0);
  return bytes;
}

Deno.test("a local program gets the content at a path, which never shows a part of it", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  const running = get({ outputPath: "/out/file" });
  while (bench.tasks.requests.length === 0) await settle();
  assert.equal(bench.tasks.requests[0]?.source.remoteIp, undefined);
  await bench.tasks.finish(0, 1, 2);
  assert.equal((await bench.disk.stat("/out/file"))?.size, 0);
  await bench.tasks.finishAll();
  await running;
  assert.deepEqual(await contentAt(bench.disk, "/out/file"), CONTENT);
  assert.equal((await bench.disk.stat("/out/file"))?.links, 1, "a file of its own");
  await assert.rejects(get({ outputPath: "/out/file" }), { code: "already_exists" });
  await get({ outputPath: "/out/file", overwrite: true });
  await get({ outputPath: "/out/link", forceHardLink: true });
  assert.equal((await bench.disk.stat("/out/link"))?.links, 2);
  await get({ outputPath: "/out/part", range: { start: 150, length: 300 } });
  assert.deepEqual(await contentAt(bench.disk, "/out/part"), CONTENT.subarray(150, 450));
  const range = { start: 150, length: 300 };
  await assert.rejects(get({ outputPath: "/out/no", range, forceHardLink: true }), { code: "failed_precondition" });
  await assert.rejects(get({ outputPath: "out/x" }), { code: "invalid_argument" });
  await assert.rejects(get({ outputPath: "/out/dir" }), { code: "invalid_argument" });
  await assert.rejects(get({ outputPath: "/nowhere/x" }), { code: "not_found" });
  assert.deepEqual(await bench.disk.list("/out"), ["dir", "file", "link", "no", "part"]);
});

Deno.test("the output of a failed download is left to the caller, and goes when the caller has gone", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const caller = new AbortController();
  const start = async (outputPath: string, signal = limited.signal) => {
    const request = downloadOf({ outputPath, overwrite: outputPath === "/out/before" });
    const call = client.downloadTask(request, { ...limited, signal })[Symbol.asyncIterator]();
    await call.next();
    return call.next();
  };
  await bench.disk.writeTextAtomic("/out/before", "");
  const gone = ["before", "replaced", "gone"].map((name) => start(`/out/${name}`, caller.signal));
  const failed = start("/out/failed");
  while ((await bench.disk.list("/out")).length < 5 || bench.tasks.opened < 4) await settle();
  await bench.disk.writeTextAtomic("/out/replaced", "precious");
  caller.abort(new DamselflyError("cancelled", "the caller goes"));
  for (const call of gone) await assert.rejects(call, { code: "cancelled" });
  while (await bench.disk.stat("/out/gone") !== undefined || bench.tasks.opened > 1) await settle();
  bench.tasks.fail(new DamselflyError("data_loss", "Cannot accept the content: wrong digest"));
  await assert.rejects(failed, { code: "data_loss" });
  assert.deepEqual(await bench.disk.list("/out"), ["before", "dir", "failed", "replaced"]);
  assert.equal((await bench.disk.stat("/out/failed"))?.size, 0);
});

Deno.test("a file that comes to the output during the download is not overwritten, nor one from before by a failure", async () => {
  await using bench = await startBench();
  using client = downloadClient(bench);
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  const running = get({ outputPath: "/out/file" });
  while (await bench.disk.stat("/out/file") === undefined) await settle();
  await bench.disk.writeTextAtomic("/out/file", "precious");
  await bench.tasks.finishAll();
  await assert.rejects(running, { code: "already_exists" });
  await assert.rejects(
    get({ outputPath: "/out/file", overwrite: true, forceHardLink: true, range: { start: 0, length: 9 } }),
    {
      code: "failed_precondition",
    },
  );
  assert.equal(await bench.disk.readText("/out/file"), "precious");
});

Deno.test("a task that cannot be opened fails before the headers, with what the source said, and makes no output", async () => {
  await using bench = await startBench();
  const backend = { message: "404 Not Found", header: { a: "b" }, statusCode: 404 };
  bench.tasks.refuse(new DamselflyError("source_error", "Cannot fetch: 404", { details: backend }));
  using client = rawClient(bench);
  const methods = [DfdaemonDownloadService.downloadTask, DfdaemonUploadService.downloadTask];
  for (const [index, { path, requestSerialize, responseDeserialize }] of methods.entries()) {
    const request = downloadOf(index === 0 ? { outputPath: "/out/file" } : {});
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    let headers = 0;
    call.on("metadata", () => headers++);
    call.on("data", () => assert.fail("a message came"));
    const error = await new Promise<ServiceError>((resolve) => call.on("error", resolve));
    const details = JSON.parse(String(error.metadata.get("grpc-status-details-bin")[0]));
    assert.deepEqual([headers, error.code], [0, status.INTERNAL]);
    assert.deepEqual(details, { message: "404 Not Found", header: { a: "b" }, status_code: 404 });
  }
  assert.deepEqual(await bench.disk.list("/out"), ["dir"]);
});

/** A path on another volume, or a file system that knows no hard links; one that the system does not copy to either. */
class LinklessDisk extends MemoryDisk {
  override copy(_existing: string, created: string): Promise<void> {
    return Promise.reject(new DamselflyError("internal", `Cannot copy ${created}: EIO`));
  }

  override link(_existing: string, created: string): Promise<void> {
    return Promise.reject(new DamselflyError("internal", `Cannot create link ${created}: EXDEV`));
  }
}

Deno.test("where a hard link is impossible the content is copied, unless a link was asked for", async () => {
  await using bench = await startBench({}, new LinklessDisk());
  using client = downloadClient(bench);
  await bench.tasks.finishAll();
  const get = async (changes: Partial<Download>) => await collected(client.downloadTask(downloadOf(changes), limited));
  await get({ outputPath: "/out/copy" });
  assert.deepEqual(await contentAt(bench.disk, "/out/copy"), CONTENT);
  await assert.rejects(get({ outputPath: "/out/link", forceHardLink: true }), { code: "failed_precondition" });
  assert.equal((await bench.disk.stat("/out/link"))?.size, 0);
});
