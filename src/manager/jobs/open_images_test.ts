import assert from "node:assert/strict";
import { parseConfig } from "../../config/load.ts";
import { ManagerConfig } from "../../config/manager.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { openImages } from "./open_images.ts";

const NEVER = new AbortController().signal;
const blob = (letter: string) => ({ mediaType: "blob", digest: `sha256:${letter.repeat(64)}`, size: 1 });

/** Reads an image as a manager that is configured like this; with which headers the registry was asked. */
async function read(settings: Record<string, unknown>, host: string, login = {}) {
  await using stack = new AsyncDisposableStack();
  const asked: Record<string, string>[] = [];
  const fetch: Fetch = (_input, init) => {
    asked.push(Object.fromEntries(new Headers(init?.headers)));
    const headers = { "www-authenticate": 'Basic realm="x"' };
    const isIn = asked.at(-1)?.["authorization"] !== undefined || Object.keys(login).length === 0;
    const manifest = Response.json({ config: blob("a"), layers: [blob("b")] });
    if (init?.method === "HEAD" && isIn) manifest.headers.set("docker-content-digest", blob("f").digest);
    return Promise.resolve(isIn ? manifest : new Response(null, { status: 401, headers }));
  };
  const runtime = testRuntime({ fetch });
  const { config } = parseConfig(ManagerConfig, "", "manager", settings);
  const { images } = await openImages(config, runtime, stack);
  const url = `http://${host}/v2/app/manifests/v1`;
  const image = { url, headers: { "X-Key": "k" }, ...login };
  const { urls } = await images.blobs(image, NEVER);
  return { urls, asked, digest: await images.digest(image, NEVER) };
}

Deno.test("an image is read with the headers and the account that the question has", async () => {
  const { urls, asked, digest } = await read({}, "192.0.2.1");
  assert.equal(digest, blob("f").digest);
  assert.deepEqual(urls, ["a", "b"].map((letter) => `http://192.0.2.1/v2/app/blobs/${blob(letter).digest}`));
  assert.equal(asked[0]?.["x-key"], "k");
  const login = { username: "ada", password: "lovelace" };
  assert.equal((await read({}, "192.0.2.1", login)).asked[1]?.["authorization"], `Basic ${btoa("ada:lovelace")}`);
  await assert.rejects(read({}, "192.0.2.1", { platform: "linux" }), /Cannot read platform/);
});

Deno.test("the manager's own addresses are not for those who order jobs, unless they are named or it is on loopback", async () => {
  const at = "127.0.0.1:5000";
  await assert.rejects(read({}, at), /Cannot go to .*job\.preheat\.allowedRegistries/);
  await read({ "job.preheat.allowedRegistries": [`http://${at}`] }, at);
  await read({ "server.grpc.listenIP": "127.0.0.1" }, at);
  await assert.rejects(read({ "server.grpc.listenIP": "127.0.0.1" }, "169.254.169.254"), /Cannot go to/);
});

Deno.test("authorities that cannot be used stop the start, and registries that are not checked are warned of", async () => {
  const open = async (settings: Record<string, unknown>) => {
    await using stack = new AsyncDisposableStack();
    const runtime = testRuntime();
    await openImages(parseConfig(ManagerConfig, "", "manager", settings).config, runtime, stack);
    return runtime.log.lines.map(({ level, message }) => `${level}: ${message}`);
  };
  await assert.rejects(open({ "job.preheat.tls.caCert": "/none.pem" }), /\/none\.pem of job\.preheat/);
  assert.deepEqual(await open({}), []);
  const [warning = ""] = await open({ "job.preheat.tls.insecureSkipVerify": true });
  assert.match(warning, /^warn: job\.preheat\.tls\.insecureSkipVerify: .*caCert/);
});
