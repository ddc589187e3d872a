/** Requests that make no sense, contents that are not what they should be: an error for the requester, and nothing else. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { open, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRpcClient } from "../../src/rpc/client.ts";
import { Download } from "../../src/rpc/gen/common/v2/common.ts";
import { DfdaemonDownloadService } from "../../src/rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { drain, image, layer, layerBytes, type Node, REPOSITORY, Stage } from "./stage.ts";

const TASK_ID = layer.digest.replace("sha256:", "");
const GIVE_UP_MS_MAX = 8_000;

function openStage(): Promise<Stage> {
  return Stage.open({ hasManager: false, nodes: ["peer"] });
}

async function assertServes(node: Node): Promise<void> {
  assert.equal((await node.pull()).digest, image.index.digest);
}

Deno.test("a Range beyond the end is refused as by the stock proxy, with the length, whether the blob is there or not", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  for (let time = 0; time < 2; time++) {
    for (const range of [`bytes=${layer.size}-`, `bytes=${layer.size + 5}-${layer.size + 9}`, "bytes=-0"]) {
      const answer = await node.blob({ range });
      await answer.body?.cancel();
      assert.deepEqual([answer.status, answer.headers.get("content-range")], [500, `bytes */${layer.size}`], range);
    }
    for (const [range, length] of [["bytes=5-9", 5], ["bytes=-7", 7], [`bytes=${layer.size - 1}-`, 1]] as const) {
      const answer = await node.blob({ range });
      assert.deepEqual([answer.status, (await answer.bytes()).length], [206, length], range);
    }
    for (const range of ["bytes=9-5", "bytes=x-y", "lines=1-2"]) {
      const answer = await node.blob({ range });
      assert.deepEqual([answer.status, (await answer.bytes()).length], [200, layer.size], range);
    }
  }
});

Deno.test("a registry, a path or a digest that is none is a client's error with a reason", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  const blob = `/v2/${REPOSITORY}/blobs/${layer.digest}`;
  const requests: readonly [string, HeadersInit, number][] = [
    [blob, { "x-dragonfly-registry": "no url" }, 400],
    [blob, { "x-dragonfly-registry": "ftp://registry" }, 400],
    [blob, { "x-dragonfly-registry": "http://user:secret@registry" }, 400],
    [`${blob}?ns=a/b`, {}, 400],
    [`${blob}?ns=%00`, {}, 400],
    [blob, { "x-dragonfly-registry": "http://169.254.169.254" }, 403],
    ["/v1/search", {}, 404],
    ["/v2/UPPER/blobs/sha256:12", {}, 404],
    [`/v2/${REPOSITORY}/blobs/sha256:../../../etc/passwd`, {}, 404],
  ];
  for (const [path, headers, status] of requests) {
    const answer = await fetch(`${node.mirror}${path}`, { headers });
    const body = await answer.text();
    assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}: ${body}`);
    assert.ok(JSON.parse(body).errors[0].message.length > 0);
    assert.ok(!body.includes("secret"));
  }
  await assertServes(node);
});

Deno.test("DownloadTask refuses a URL that is none, and a file that is there", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  using client = createRpcClient(DfdaemonDownloadService, `unix:${join(node.dir, "dfdaemon.sock")}`, {
    clock: realClock(),
  });
  const download = async (values: Partial<Download>) => {
    const request = { download: Download.fromPartial(values) };
    await Array.fromAsync(client.downloadTask(request, { signal: new AbortController().signal }));
  };
  for (const url of ["", "no url", "http://"]) {
    await assert.rejects(download({ url }), { code: "invalid_argument" }, url);
  }
  await assert.rejects(download({ url: "ftp://host/file" }), { code: "unimplemented" });
  const outputPath = join(stage.dir, "file");
  await writeFile(outputPath, "precious");
  const url = `${stage.registry.url}/v2/${REPOSITORY}/blobs/${layer.digest}`;
  await assert.rejects(download({ url, outputPath }), { code: "already_exists" });
  await assertServes(node);
});

Deno.test("a registry that hangs up again and again without a new byte is given up within seconds", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  stage.fault = ({ method, path }) =>
    method === "GET" && path.endsWith(layer.digest) ? { kind: "hang_up", afterBytes: 0 } : undefined;
  const startedAt = performance.now();
  const answer = await node.blob();
  await answer.body?.cancel();
  assert.equal(answer.status, 502, "nothing was promised before the first byte");
  assert.ok(performance.now() - startedAt < GIVE_UP_MS_MAX);
  stage.fault = undefined;
  await assertServes(node);
});

Deno.test("damaged metadata is set aside with a warning, and the content is fetched anew", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  await node.pull();
  const storage = join(node.dir, "storage");
  for (
    const damage of [
      (path: string) => writeFile(path, "no database ".repeat(999)),
      (path: string) => truncate(path, 5_000),
    ]
  ) {
    await node.stop();
    await damage(join(storage, "metadata.db"));
    const before = stage.layerBytesSent();
    await node.start();
    assert.ok(node.runtime?.log.lines.some(({ level, message }) => level === "warn" && /damaged/.test(message)));
    await assertServes(node);
    assert.equal(stage.layerBytesSent() - before, layerBytes);
  }
  const aside = (await readdir(storage)).filter((name) => name.startsWith("metadata.db.corrupt-"));
  assert.equal(aside.length, 2);
});

Deno.test("a content file that is gone or cut short is noticed at the start, and fetched anew", async () => {
  await using stage = await openStage();
  const node = stage.node("peer");
  await node.pull();
  await node.stop();
  await truncate(join(node.dir, "storage", "content", "tasks", TASK_ID.slice(0, 3), TASK_ID), 1000);
  const before = stage.layerBytesSent();
  await node.start();
  await assertServes(node);
  assert.equal(stage.layerBytesSent() - before, layer.size);
});

Deno.test("a content file that changed is noticed before its bytes are given to anybody", async () => {
  await using stage = await Stage.open({ nodes: ["holder", "child"] });
  const [holder, child] = [stage.node("holder"), stage.node("child")];
  await holder.pull();
  await holder.stop();
  const path = join(holder.dir, "storage", "content", "tasks", TASK_ID.slice(0, 3), TASK_ID);
  {
    await using file = await open(path, "r+");
    await file.write(new Uint8Array(100), 0, 100, layer.size / 2);
  }
  await holder.start();
  await stage.untilHosts(2);
  await stage.untilContentsKnown();
  for (const node of [child, holder, holder]) {
    if (node === holder) {
      assert.ok(holder.runtime?.log.lines.some(({ message }) => /content file is damaged/.test(message)));
    }
    const { bytes, isComplete } = await drain(await node.blob());
    assert.equal(isComplete, true, node.name);
    assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, layer.digest);
  }
  assert.equal(
    child.runtime?.metrics.value("dragonfly_client_parent_banned_total"),
    0,
    "the holder was taken for a liar",
  );
});
