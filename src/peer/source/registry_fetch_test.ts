import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../../testing/certificates.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { createSource } from "./http_source.ts";
import { certificatesOf, createRegistryFetch, type Trust } from "./registry_fetch.ts";

const NEVER = new AbortController().signal;
const read = (path: string) => readFileSync(path, "utf8");
const AUTHORITY = read(testCertificates("a").caCert);
const STRANGER = read(testCertificates("b").caCert);

/** A registry whose certificate {@link AUTHORITY} has signed. */
function startTls() {
  const { cert, key } = testCertificates("a");
  const listen = { port: 0, hostname: "127.0.0.1", onListen() {}, cert: read(cert), key: read(key) };
  const server = Deno.serve(listen, () => new Response(null, { headers: { "content-length": "5" } }));
  return { origin: `https://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Asks an origin with a trust; throws when that does not do. */
async function ask(origin: string, trust: Trust): Promise<void> {
  const runtime = testRuntime();
  using registries = createRegistryFetch(trust, runtime.fetch);
  const source = createSource({ ...runtime, fetch: registries.fetch, role: "peer", isConfigured: () => true });
  assert.equal((await source.stat({ url: `${origin}/v2/b`, headers: {} }, NEVER)).contentLength, 5);
}

Deno.test("an authority for one origin is trusted there only, one for all everywhere", async () => {
  await using mine = startTls();
  await using other = startTls();
  const own = { everywhere: [], byOrigin: new Map([[mine.origin, AUTHORITY]]) };
  await ask(mine.origin, own);
  await assert.rejects(ask(other.origin, own), { code: "source_error", message: /cannot be reached/ });
  const everywhere = { everywhere: [STRANGER, AUTHORITY], byOrigin: new Map([[mine.origin, STRANGER]]) };
  for (const { origin } of [mine, other]) await ask(origin, everywhere);
});

Deno.test("an authority that is no PEM is refused, by the name of its origin", () => {
  const byOrigin = new Map([["https://reg.corp:5000", "-----BEGIN"]]);
  assert.throws(() => createRegistryFetch({ everywhere: [], byOrigin }, testRuntime().fetch), {
    code: "invalid_argument",
    message: /https:\/\/reg\.corp:5000/,
  });
});

Deno.test("of a text with authorities the good ones count, and one that is damaged spoils none of them", () => {
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.deepEqual(certificatesOf(`# some\n${damaged}\n${AUTHORITY}\n${STRANGER}`), [
    AUTHORITY.trim(),
    STRANGER.trim(),
  ]);
  assert.deepEqual(certificatesOf("nothing"), []);
});
