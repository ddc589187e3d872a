import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { type Rest, startRest } from "../rest/start_rest_test.ts";
import { type ConsolePack, parseConsolePack } from "./console_pack.ts";

const SCRIPT = "/assets/main-0123456789ab.js";

function packed(type: string, text: string) {
  const bytes = Buffer.from(text);
  return {
    ...{ type, etag: "abc" },
    ...{ gzip: gzipSync(bytes).toString("base64"), br: brotliCompressSync(bytes).toString("base64") },
  };
}

const PACK: ConsolePack = {
  sources: "0",
  pages: ["/", "/clusters", "/clusters/:id"],
  index: packed("text/html; charset=utf-8", "the first page"),
  assets: { [SCRIPT]: packed("text/javascript; charset=utf-8", "the script") },
};

/** A manager with a console. */
function startWithConsole(): Promise<Rest> {
  return startRest({ console: parseConsolePack(JSON.stringify(PACK)) });
}

function get(rest: Rest, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return rest.send("GET", path, { token: null, headers });
}

Deno.test("every page of the console, whoever asks, is answered with the first page", async () => {
  await using rest = await startWithConsole();
  for (const path of ["/", "/clusters", "/clusters/", "/clusters/7", "/clusters/a%2Fb"]) {
    const response = await get(rest, path);
    assert.deepEqual([response.status, await response.text()], [200, "the first page"], path);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(response.headers.get("cache-control"), "no-cache");
  }
});

Deno.test("a page may load nothing of other sites and no script or style within it, and is framed by nobody", async () => {
  await using rest = await startWithConsole();
  const { headers } = await get(rest, "/clusters");
  const policy = headers.get("content-security-policy") ?? "";
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.split("; ").includes(rule), policy);
  }
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

Deno.test("what the console has no page for is not found, but a browser is shown a page that says so", async () => {
  await using rest = await startWithConsole();
  const program = await get(rest, "/nothing", { accept: "*/*" });
  assert.deepEqual([program.status, await program.json()], [404, { message: "Not found" }]);
  const browser = await get(rest, "/nothing", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  assert.deepEqual([browser.status, await browser.text()], [404, "the first page"]);
  for (const path of ["/clusters/7/8", "/clusterss", "/assets"]) {
    assert.equal((await get(rest, path)).status, 404, path);
  }
});

Deno.test("the API keeps its paths, also for browsers", async () => {
  await using rest = await startWithConsole();
  const accept = "text/html";
  for (const [path, status] of [["/api/v1/clusters", 401], ["/api/nothing", 401], ["/oapi/v1/jobs", 401]] as const) {
    const response = await get(rest, path, { accept });
    assert.deepEqual([response.status, await response.json()], [status, { message: "Unauthorized" }], path);
  }
  for (const path of ["/healthy", "/metrics", "/swagger/index.html", "/swagger/doc.json"]) {
    const response = await get(rest, path, { accept });
    assert.equal(response.status, 200, path);
    assert.doesNotMatch(await response.text(), /the first page/);
  }
});

Deno.test("files are kept by browsers for good, and pages are asked for again each time", async () => {
  await using rest = await startWithConsole();
  const file = await get(rest, SCRIPT);
  assert.deepEqual([file.status, await file.text()], [200, "the script"]);
  assert.equal(file.headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.equal(file.headers.get("content-type"), "text/javascript; charset=utf-8");
  assert.equal(file.headers.get("x-content-type-options"), "nosniff");
  const page = await get(rest, "/clusters");
  const etag = page.headers.get("etag") ?? "";
  const again = await get(rest, "/clusters", { "if-none-match": `"other", W/${etag}` });
  assert.deepEqual([again.status, await again.text()], [304, ""]);
  assert.match(again.headers.get("content-security-policy") ?? "", /script-src/);
  assert.equal((await get(rest, "/clusters", { "if-none-match": '"other"' })).status, 200);
});

Deno.test("files come compressed as the build made them, and each coding has a tag of its own", async () => {
  await using rest = await startWithConsole();
  const read = { br: brotliDecompressSync, gzip: gunzipSync } as const;
  const tags = new Set<string | null>();
  for (const coding of ["br", "gzip"] as const) {
    const response = await get(rest, SCRIPT, { "accept-encoding": coding });
    assert.equal(response.headers.get("content-encoding"), coding);
    assert.equal(response.headers.get("vary"), "accept-encoding");
    assert.equal(read[coding](new Uint8Array(await response.arrayBuffer())).toString(), "the script");
    tags.add(response.headers.get("etag"));
  }
  const plain = await get(rest, SCRIPT);
  assert.equal(plain.headers.get("content-encoding"), null);
  tags.add(plain.headers.get("etag"));
  assert.equal(tags.size, 3);
});

Deno.test("no path leads out of the files that were built", async () => {
  await using rest = await startWithConsole();
  const paths = ["/assets/../deno.json", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd"];
  for (const path of [...paths, "/assets/", "/assets/main.js", "/assets/__proto__", `${SCRIPT}/x`]) {
    assert.equal((await get(rest, path)).status, 404, path);
  }
});

Deno.test("a manager without a console says how to build it, to browsers, and nothing else changes", async () => {
  await using rest = await startRest();
  for (const [path, accept] of [["/", "*/*"], ["/clusters/1", "text/html"]] as const) {
    const response = await get(rest, path, { accept });
    assert.equal(response.status, 503);
    assert.match(await response.text(), /deno task console/);
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  }
  assert.equal((await get(rest, "/clusters/1", { accept: "*/*" })).status, 404);
});

Deno.test("what is no built console is refused with what to do", () => {
  for (
    const text of ["", "{}", '{"sources":"0"}', JSON.stringify({ ...PACK, assets: { "/etc/passwd": PACK.index } })]
  ) {
    assert.throws(() => parseConsolePack(text), { code: "data_loss", message: /deno task console/ });
  }
});
