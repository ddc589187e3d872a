import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSampleImage } from "../../../src/oci/sample_image.ts";
import { evidenceOf } from "./evidence.ts";
import { startFileServer } from "./files.ts";
import { startHoldingRegistry } from "./holding_registry.ts";
import { makeImageAside } from "./image_aside.ts";
import { serve } from "./http_server.ts";
import type { PushedImage } from "./images.ts";
import { SteadyPulls } from "./steady_pulls.ts";
import { missingStock, StockPrograms } from "./stock_programs.ts";
import { together } from "./together.ts";
import { withoutParents } from "./without_parents.ts";

const IMAGE: PushedImage = {
  name: "registry.test/ring/image-1:v1",
  repository: "ring/image-1",
  index: { mediaType: "", digest: "", size: 0 },
  layers: [],
};

Deno.test("what is missing of Dragonfly's programs is named, with the variable that says where to look", async () => {
  assert.match(missingStock(undefined).join(), /DRAGONFLY_BIN_DIR/);
  const dir = await mkdtemp(join(tmpdir(), "stock-"));
  try {
    for (const name of ["df-manager.zst", "scheduler", "dfget"]) await writeFile(join(dir, name), "");
    assert.deepEqual(missingStock(dir), [`Dragonfly's dfdaemon in ${dir}`, `Dragonfly's dfcache in ${dir}`]);
    assert.equal(await new StockPrograms(dir, dir).path("scheduler"), join(dir, "scheduler"));
    await assert.rejects(new StockPrograms(dir, dir).path("dfcache"), /Cannot find Dragonfly's dfcache/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

Deno.test("a pull that fails is told with its node and what was going on, and a busy node is passed over", async () => {
  const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
  const { promise: done, resolve: finish } = Promise.withResolvers<number>();
  const nodes = [
    { name: "good", pull: () => done },
    { name: "bad", pull: () => Promise.reject(new Error("no such blob")).finally(fail) },
  ];
  const pulls = new SteadyPulls(nodes, [IMAGE]);
  pulls.during("our manager");
  await failed;
  finish(2);
  const { failures, aroundMirror } = await pulls.stop();
  assert.deepEqual(failures.slice(0, 1), ["bad, begun at: our manager, ended at: our manager: no such blob"]);
  assert.equal(aroundMirror, 2);
});

Deno.test("only a stock scheduler's word that it gave up on a stock peer of the image excuses a second copy", async () => {
  const line = (hostID: string, taskID: string, msg: string) => JSON.stringify({ msg, hostID, taskID });
  const givenUp = "send NeedBackToSourceResponse, because of scheduling exceeded RetryBackToSourceLimit 7";
  const excuse = line("127.0.0.3-node-3", "abc", givenUp);
  const dir = await mkdtemp(join(tmpdir(), "scheduler-"));
  try {
    await mkdir(join(dir, "log", "scheduler"), { recursive: true });
    const lines = [
      excuse,
      line("127.0.0.3-node-3", "def", givenUp),
      line("127.0.0.4-node-4", "abc", givenUp),
      line("127.0.0.3-node-3", "abc", "send NeedBackToSourceResponse, because of peer's NeedBackToSource is true"),
    ];
    await writeFile(join(dir, "log", "scheduler", "core.log"), lines.join("\n"));
    const image = { ...IMAGE, layers: [{ mediaType: "", digest: "sha256:abc", size: 1 }] };
    assert.deepEqual(await withoutParents(dir, image, ["127.0.0.3-node-3"]), [excuse]);
    assert.deepEqual(await withoutParents(dir, image, []), []);
  } finally {
    await rm(dir, { recursive: true });
  }
});

Deno.test("work that goes on at once fails when all of it has ended", async () => {
  const { promise: slow, resolve: finish } = Promise.withResolvers<number>();
  let hasFailed = false;
  const failing = together([Promise.reject(new Error("no such port")), slow]).finally(() => hasFailed = true);
  failing.catch(() => {}); // and seen below
  await Promise.allSettled([Promise.reject(new Error()), Promise.resolve()]);
  assert.equal(hasFailed, false);
  finish(1);
  await assert.rejects(failing, /no such port/);
  assert.deepEqual(await together([slow, Promise.resolve(2)]), [1, 2]);
});

Deno.test("the bytes of a held blob stop at 8 MiB, in a whole answer and in a part, until they are released", async () => {
  const MIB = 1024 * 1024;
  await using origin = serve("127.0.0.1", ({ headers }) => {
    const isPart = headers.has("range");
    const content = new Uint8Array(isPart ? 6 * MIB : 10 * MIB);
    const part = { status: 206, headers: { "content-range": `bytes ${4 * MIB}-${10 * MIB - 1}/${10 * MIB}` } };
    return new Response(content, isPart ? part : {});
  });
  await using registry = startHoldingRegistry("127.0.0.1", origin.url);
  const url = `${registry.url}/v2/a/blobs/sha256:aa`;
  for (const [headers, passed] of [[{}, 8 * MIB], [{ range: `bytes=${4 * MIB}-` }, 4 * MIB]] as const) {
    using hold = registry.hold("sha256:aa");
    const answer = await fetch(url, { headers });
    let bytes = 0;
    const read = (async () => {
      for await (const chunk of answer.body ?? []) bytes += chunk.length;
    })();
    await hold.reached();
    assert(bytes <= passed, `${bytes} bytes came`);
    hold.release();
    await read;
    assert.equal(bytes, passed + 2 * MIB);
  }
  assert.deepEqual(registry.asked().map(({ method, range }) => `${method} ${range}`), [
    "GET all",
    `GET bytes=${4 * MIB}-`,
  ]);
});

Deno.test("an image that is made aside is the one that its seed says", async () => {
  const options = { layerBytes: [1000, 2000], seed: "aside" };
  assert.deepEqual((await makeImageAside(options)).index.digest, (await makeSampleImage(options)).index.digest);
});

Deno.test("of a blob that cost too much it is told who asked, what was sent and what the logs say", async () => {
  const path = "/v2/a/blobs/sha256:aa";
  const asked = { at: "10:00", method: "GET", path, range: "all", userAgent: "seed" };
  const sent = { method: "GET", path, status: 200, bytes: 7, endedAt: "10:01" };
  const evidence = await evidenceOf("sha256:aa", {
    tap: { asked: () => [asked, { ...asked, path: "/v2/a/blobs/sha256:ab" }] },
    registry: { requests: () => [sent, { ...sent, path: "/v2/" }] },
    workspace: { linesAbout: (text) => Promise.resolve([`node-1.log: task ${text}`, "registry.log: GET"]) },
  });
  assert.deepEqual(evidence.split("\n"), [
    "sha256:aa",
    "  asked at 10:00: GET all, by seed",
    "  sent until 10:01: GET 200, 7 bytes",
    "  node-1.log: task aa",
  ]);
});

Deno.test("the file server counts whole copies and parts, and no probe", async () => {
  await using files = startFileServer("127.0.0.1");
  const file = files.fresh();
  const get = async (headers: Record<string, string>, url = file.url) => {
    const answer = await fetch(url, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await get({ range: "bytes=0-0", "x-ring": "1" }), 206);
  assert.equal(file.copies(), 0);
  assert.equal(await get({ range: `bytes=${file.bytes.length / 2}-` }), 206);
  assert.equal(await get({}), 200);
  assert.equal(file.copies(), 1.5);
  assert.deepEqual(file.headers("x-ring"), ["1"]);
  assert.equal(await get({}, files.missingUrl), 404);
});
