/** dfget and a peer of its own: what its flags and exit codes are worth against a real dfdaemon. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDfget } from "../../src/cli/dfget.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { parseConfig } from "../../src/config/load.ts";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import { type SampleRegistryOptions, startSampleRegistry } from "../../src/oci/sample_registry.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";

const clock = realClock();
const image = await makeSampleImage({ layerBytes: [6 * 1024 * 1024] });
const [layer] = image.layers;
assert.ok(layer);

/** An origin, a peer without manager and scheduler, and a directory for what is downloaded. */
async function openStage(options: Partial<SampleRegistryOptions> = {}) {
  await using stack = new AsyncDisposableStack();
  const images = [{ repository: "file", tag: "v1", image }];
  const origin = stack.use(startSampleRegistry({ clock, images, ...options }));
  const dir = await mkdtemp(join(tmpdir(), "damselfly-dfget-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const runtime = testRuntime({ disk: realDisk(realRandom()), random: realRandom() });
  const socket = join(dir, "dfdaemon.sock");
  const listeners = ["upload", "proxy", "metrics", "health", "storage"];
  const { config } = parseConfig(DfdaemonConfig, "", "dfdaemon", {
    ...Object.fromEntries(listeners.map((name) => [`${name}.server.ip`, "127.0.0.1"])),
    ...Object.fromEntries(listeners.map((name) => [`${name}.server.${name === "storage" ? "tcpPort" : "port"}`, 0])),
    "host.ip": "127.0.0.1",
    "server.cacheDir": join(dir, "cache"),
    "storage.dir": join(dir, "storage"),
    "download.server.socketPath": socket,
  });
  const peer = stack.use(await startPeer(config, runtime));
  const out = join(dir, "out");
  await runtime.disk.mkdirAll(out);
  const run = async (path: string, name: string, ...flags: string[]) => {
    let said = "";
    const terminal = { isTty: false, print() {}, printError: (text: string) => void (said += text) };
    const args = [path.startsWith("/") ? `${origin.url}${path}` : path, "-O", join(out, name), "-e", socket, ...flags];
    return { code: await runDfget(args, { runtime, terminal }, new AbortController().signal), said };
  };
  const opened = stack.move();
  return { origin, out, peer, run, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const LAYER_PATH = `/v2/file/blobs/${layer.digest}`;

Deno.test("a file is downloaded once, and delivered in place and through the socket", async () => {
  await using stage = await openStage();
  assert.deepEqual(await stage.run(LAYER_PATH, "linked", "--digest", layer.digest), { code: 0, said: "" });
  assert.deepEqual(await stage.run(LAYER_PATH, "sent", "--transfer-from-dfdaemon"), { code: 0, said: "" });
  for (const name of ["linked", "sent"]) {
    const bytes = await readFile(join(stage.out, name));
    assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, layer.digest);
  }
  const sent = stage.origin.requests.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(sent <= layer.size + 1, `the origin sent ${sent} bytes for ${layer.size}`);
});

Deno.test("what the origin answers decides the exit code, and nothing is left behind", async () => {
  await using stage = await openStage({
    faultOf: ({ path }) => path.startsWith("/broken") ? { kind: "status", status: 500 } : undefined,
  });
  const missing = await stage.run("/v2/file/blobs/none", "missing");
  assert.equal(missing.code, 4);
  assert.match(missing.said, /answered 404/);
  const broken = await stage.run("/broken", "broken", "--transfer-from-dfdaemon");
  assert.equal(broken.code, 5);
  assert.match(broken.said, /answered 500/);
  const wrong = await stage.run(LAYER_PATH, "wrong", "--digest", `sha256:${"00".repeat(32)}`);
  assert.equal(wrong.code, 6, wrong.said);
  assert.deepEqual(await readdir(stage.out), []);
});

Deno.test("another digest is refused also when the content is there already", async () => {
  await using stage = await openStage();
  assert.equal((await stage.run(LAYER_PATH, "first")).code, 0);
  for (const flags of [[], ["--transfer-from-dfdaemon"]]) {
    const wrong = await stage.run(LAYER_PATH, "second", "--digest", `sha256:${"00".repeat(32)}`, ...flags);
    assert.equal(wrong.code, 6, wrong.said);
  }
  assert.deepEqual(await readdir(stage.out), ["first"]);
});

Deno.test("a range is what the output has, put in place and through the socket", async () => {
  await using stage = await openStage();
  const content = await stage.run(LAYER_PATH, "whole").then(() => readFile(join(stage.out, "whole")));
  for (const [name, ...flags] of [["placed"], ["sent", "--transfer-from-dfdaemon"]] as const) {
    for (const [range, start, end] of [["1048570-2097160", 1_048_570, 2_097_161], ["-7", -7, undefined]] as const) {
      const { code, said } = await stage.run(LAYER_PATH, name, "--range", range, "--overwrite", ...flags);
      assert.deepEqual([code, said], [0, ""]);
      assert.deepEqual(await readFile(join(stage.out, name)), content.subarray(start, end));
    }
  }
});

Deno.test("a text can stand for the URL, and the output can be a link to what the peer stores", async () => {
  await using stage = await openStage();
  const asText = ["--content-for-calculating-task-id", "the model"];
  assert.equal((await stage.run(LAYER_PATH, "first", ...asText)).code, 0);
  const other = await stage.run(`${LAYER_PATH}?mirror=2`, "second", "--force-hard-link", ...asText);
  assert.deepEqual([other.code, other.said], [0, ""]);
  const links = async (name: string) => (await stat(join(stage.out, name))).nlink;
  assert.deepEqual([await links("first"), await links("second")], [1, 2]);
  const paths = new Set(stage.origin.requests.map(({ path }) => path));
  assert.deepEqual([...paths], [LAYER_PATH], "the second one asked nobody");
});

Deno.test("what only the source can give comes from there, and a peer that stops costs a warning", async () => {
  await using stage = await openStage();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    return new Response(new Blob(["of unknown ", "length"]).stream());
  });
  const url = `http://127.0.0.1:${server.addr.port}/chunked`;
  const unknown = await stage.run(url, "unknown");
  assert.equal(unknown.code, 0, unknown.said);
  assert.match(unknown.said, /^dfget: warning: .*does not say how long.*; the download goes to the source itself/);
  assert.equal(await readFile(join(stage.out, "unknown"), "utf8"), "of unknown length");
  const refused = await stage.run(url, "refused", "--disable-back-to-source");
  assert.equal(refused.code, 5);

  await stage.peer[Symbol.asyncDispose]();
  const alone = await stage.run(LAYER_PATH, "alone", "--digest", layer.digest);
  assert.equal(alone.code, 0, alone.said);
  assert.match(alone.said, /^dfget: warning: Cannot reach dfdaemon/);
});
