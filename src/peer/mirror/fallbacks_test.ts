import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DamselflyError } from "../../core/error.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { createSource } from "../source/sources.ts";
import { createRegistryFetch } from "../source/registry_fetch.ts";
import { sourceFailure } from "../source/source_failure.ts";
import { fallbackReasonOf, Fallbacks } from "./fallbacks.ts";
import { testDestinations } from "../../testing/destinations.ts";

const NEVER = new AbortController().signal;
const METRIC = "damselfly_client_fallback_total";

/** What asking a real server at `url` fails with. */
async function failureOf(url: string): Promise<unknown> {
  const runtime = testRuntime();
  const isConfigured = () => true;
  using registries = createRegistryFetch({ everywhere: [], byOrigin: new Map() }, { ...runtime, isConfigured });
  const source = createSource({
    ...runtime,
    fetch: registries.fetch,
    role: "peer",
    destinations: testDestinations(isConfigured),
  });
  return await source.stat({ url, headers: {} }, NEVER).then(() => undefined, (error) => error);
}

Deno.test("the ways in which a registry cannot be reached are told apart, each with the key that mends it", async () => {
  const { cert, key } = testCertificates("a");
  const listen = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const pem = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  const [plain, tls, gone] = [{}, pem, {}].map((more) => Deno.serve({ ...listen, ...more }, () => new Response("x")));
  await gone?.shutdown();
  const cases = [
    [`https://127.0.0.1:${plain?.addr.port}/`, "plain_http", /upstreams an http:\/\/ address/],
    [`https://127.0.0.1:${tls?.addr.port}/`, "certificate", /as ca .*upstreams.*proxy\.registryMirror\.cert/],
    [`http://127.0.0.1:${gone?.addr.port}/`, "unreachable", /upstreams/],
    ["http://127.0.0.1:25/", "port", /upstreams/],
    ["http://nobody.invalid/", "name", /upstreams/],
  ] as const;
  for (const [url, reason, mend] of cases) {
    const found = fallbackReasonOf(await failureOf(url));
    assert.equal(found?.reason, reason, url);
    assert.match(found?.mend ?? "", mend);
  }
  const late = sourceFailure(new URL("http://r/"), "it did not answer within 25000 ms");
  assert.equal(fallbackReasonOf(late)?.reason, "timeout");
  await Promise.all([plain, tls].map((server) => server?.shutdown()));
});

Deno.test("our own failures are a reason, and what is the requester's or the source's own is none", () => {
  const reasonOf = (error: unknown) => fallbackReasonOf(error)?.reason;
  assert.equal(reasonOf(new DamselflyError("permission_denied", "no")), "forbidden");
  assert.equal(reasonOf(new DamselflyError("no_space", "full")), "no_space");
  assert.equal(reasonOf(new DamselflyError("resource_exhausted", "busy")), "resource_exhausted");
  assert.equal(reasonOf(new TypeError("a bug")), "internal");
  const details = { status: 503, headers: {}, body: new Uint8Array(0) };
  assert.equal(reasonOf(new DamselflyError("source_error", "503", { details })), undefined);
  for (const code of ["invalid_argument", "unimplemented", "cancelled"] as const) {
    assert.equal(reasonOf(new DamselflyError(code, "x")), undefined);
  }
});

Deno.test("a registry that goes on failing is one warning a minute, and is counted each time", async () => {
  const clock = new VirtualClock();
  const runtime = testRuntime({ clock });
  const fallbacks = new Fallbacks(runtime);
  const error = new DamselflyError("permission_denied", "Cannot go there");
  const warned = () => runtime.log.lines.map(({ fields }) => fields["registry"]);
  for (let n = 0; n < 60; n++) {
    fallbacks.failed("a:5000", error);
    if (n < 2) fallbacks.failed("b", error);
    await clock.advance(1_000);
  }
  assert.deepEqual(warned(), ["a:5000", "b"]);
  fallbacks.failed("a:5000", error);
  assert.deepEqual(warned(), ["a:5000", "b", "a:5000"]);
  const { level, fields } = runtime.log.lines[0] ?? {};
  assert.deepEqual([level, fields?.["reason"]], ["warn", "forbidden"]);
  assert.match(String(fields?.["mend"]), /proxy\.registryMirror\.upstreams/);
  assert.equal(runtime.metrics.value(METRIC, { registry: "a:5000", reason: "forbidden" }), 61);
});

Deno.test("registries that requesters make up do not fill the memory nor the metrics", () => {
  const runtime = testRuntime({ clock: new VirtualClock() });
  const fallbacks = new Fallbacks(runtime);
  const error = new DamselflyError("permission_denied", "Cannot go there");
  for (let n = 0; n < 5_000; n++) fallbacks.failed(`r${n}`, error);
  const other = runtime.metrics.value(METRIC, { registry: "other", reason: "other" });
  assert.ok(other > 4_900, `${other}`);
  fallbacks.failed("r4999", error);
  fallbacks.failed("r3976", error);
  assert.equal(runtime.log.lines.length, 5_000);
  fallbacks.failed("r3975", error);
  assert.equal(runtime.log.lines.length, 5_001);
});
