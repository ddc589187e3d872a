import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../../testing/certificates.ts";
import { errorText } from "../../core/error.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { createSource } from "./sources.ts";
import { createRegistryFetch, type Trust } from "./registry_fetch.ts";
import type { SourceBody } from "./source.ts";
import { sourceAnswerOf } from "./source_failure.ts";
import { BoundFetch } from "../../http/bound_fetch.ts";
import { testDestinations } from "../../testing/destinations.ts";

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
  using registries = createRegistryFetch(trust, { ...runtime, isConfigured: () => true });
  const source = createSource({
    ...runtime,
    fetch: registries.fetch,
    role: "peer",
    destinations: testDestinations(() => true),
  });
  assert.equal((await source.stat({ url: `${origin}/v2/b`, headers: {} }, NEVER)).contentLength, 5);
}

Deno.test("an authority for one origin is trusted there only, one for all everywhere", async () => {
  await using mine = startTls();
  await using other = startTls();
  const own = { everywhere: [], byOrigin: new Map([[mine.origin, { authority: AUTHORITY }]]) };
  await ask(mine.origin, own);
  await assert.rejects(ask(other.origin, own), { code: "source_error", message: /cannot be reached/ });
  const everywhere = { everywhere: [STRANGER, AUTHORITY], byOrigin: new Map([[mine.origin, { authority: STRANGER }]]) };
  for (const { origin } of [mine, other]) await ask(origin, everywhere);
});

Deno.test("an authority that is no PEM is refused, by the name of its origin", () => {
  const byOrigin = new Map([["https://reg.corp:5000", { authority: "-----BEGIN" }]]);
  assert.throws(
    () => createRegistryFetch({ everywhere: [], byOrigin }, { ...testRuntime(), isConfigured: () => true }),
    {
      code: "invalid_argument",
      message: /https:\/\/reg\.corp:5000/,
    },
  );
});

Deno.test("an authority that comes with a request is trusted for that request only, however many come", async () => {
  await using registry = startTls();
  const runtime = testRuntime();
  using registries = createRegistryFetch({ everywhere: [STRANGER], byOrigin: new Map() }, {
    ...{ ...runtime, isConfigured: () => true },
  });
  const source = createSource({
    ...runtime,
    fetch: registries.fetch,
    role: "peer",
    destinations: testDestinations(() => true),
  });
  const stat = (authorities?: string[]) => source.stat({ url: registry.origin, headers: {}, authorities }, NEVER);
  assert.equal((await stat([AUTHORITY])).contentLength, 5);
  await assert.rejects(stat(), { code: "source_error", message: /cannot be reached/ });
  await assert.rejects(stat([STRANGER]), { code: "source_error" });
  for (let count = 1; count <= 20; count++) await stat(Array(count).fill(AUTHORITY));
  await stat([AUTHORITY]);
});

const CONTENT = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

/** A registry on one of the ports that `fetch` refuses; undefined where none is free. */
function startOnRefusedPort(isTls: boolean, answer: (request: Request) => Response) {
  const { cert, key } = testCertificates("a");
  for (const port of [6665, 6666, 6667, 6668, 6669, 10_080]) {
    try {
      const tls = isTls ? { cert: read(cert), key: read(key) } : {};
      const server = Deno.serve({ port, hostname: "127.0.0.1", onListen() {}, ...tls }, answer);
      return { origin: `http${isTls ? "s" : ""}://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => server.shutdown() };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no refused port is free");
}

async function readAll(body: SourceBody): Promise<Uint8Array> {
  await using _body = body;
  const chunks: Uint8Array[] = [];
  for (
    let step = await body.read(new Uint8Array(70_000));
    step !== null;
    step = await body.read(new Uint8Array(70_000))
  ) {
    chunks.push(step.bytes);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

for (const isTls of [false, true]) {
  Deno.test(`a registry on a port that browsers must not use is asked as any other, ${isTls ? "with" : "without"} TLS`, async () => {
    const seen: (string | null)[] = [];
    await using server = startOnRefusedPort(isTls, (request) => {
      seen.push(request.headers.get("authorization"));
      if (request.url.endsWith("/moved")) return Response.redirect(`${new URL(request.url).origin}/b`, 307);
      if (request.url.endsWith("/no")) return new Response("sorry", { status: 404 });
      const headers = { "content-length": String(CONTENT.length) };
      return new Response(request.method === "HEAD" ? null : CONTENT, { headers });
    });
    const runtime = testRuntime();
    const trust = { everywhere: [], byOrigin: new Map([[server.origin, { authority: AUTHORITY }]]) };
    using registries = createRegistryFetch(trust, { ...runtime, isConfigured: () => true });
    const source = createSource({
      ...runtime,
      fetch: registries.fetch,
      role: "peer",
      destinations: testDestinations(() => true),
    });
    const request = (path: string) => ({ url: `${server.origin}${path}`, headers: { authorization: "Basic eDp5" } });
    assert.equal((await source.stat(request("/moved"), NEVER)).contentLength, CONTENT.length);
    const whole = { start: 0, end: CONTENT.length };
    const body = await source.read(request("/b"), whole, { contentLength: CONTENT.length }, NEVER);
    assert.deepEqual(await readAll(body), CONTENT);
    assert.deepEqual(new Set(seen), new Set(["Basic eDp5"]));
    const reading = source.read(request("/no"), whole, { contentLength: 1 }, NEVER);
    const refused = sourceAnswerOf(await reading.then(() => undefined, (error) => error));
    assert.deepEqual([refused?.status, new TextDecoder().decode(refused?.body)], [404, "sorry"]);
    const left = await source.read(request("/b"), whole, { contentLength: CONTENT.length }, NEVER);
    await left.read(new Uint8Array(10));
    await left[Symbol.asyncDispose]();
    if (!isTls) return;
    using stranger = createRegistryFetch({ everywhere: [STRANGER], byOrigin: new Map() }, {
      ...runtime,
      isConfigured: () => true,
    });
    await assert.rejects(stranger.fetch(`${server.origin}/b`));
  });
}

Deno.test("ports of mail and the like stay refused", async () => {
  using registries = createRegistryFetch({ everywhere: [], byOrigin: new Map() }, {
    ...testRuntime(),
    isConfigured: () => true,
  });
  await assert.rejects(registries.fetch("http://127.0.0.1:25/"), /blocked/);
});

Deno.test("a registry of this host that nobody configured is asked by plain HTTP when it speaks no TLS, no other is", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("x"));
  const origin = `https://127.0.0.1:${server.addr.port}`;
  const asked: string[] = [];
  /** Any host but this one is `elsewhere`, where nobody speaks TLS. */
  const fetchOf = (isConfigured: boolean) => {
    const fetch: Fetch = (input, init) => {
      const url = new URL(input);
      asked.push(url.origin);
      if (url.hostname === "elsewhere") url.hostname = "127.0.0.1";
      return globalThis.fetch(url, init);
    };
    return createRegistryFetch({ everywhere: [], byOrigin: new Map() }, { fetch, isConfigured: () => isConfigured });
  };
  using assumed = fetchOf(false);
  assert.equal(await (await assumed.fetch(`${origin}/v2/`)).text(), "x");
  assert.deepEqual(asked.splice(0), [origin, origin.replace("https", "http")]);
  await assert.rejects(assumed.fetch(`${origin.replace("127.0.0.1", "elsewhere")}/v2/`));
  using configured = fetchOf(true);
  await assert.rejects(configured.fetch(`${origin}/v2/`));
  assert.equal(asked.some((origin) => origin.startsWith("http:")), false);
  await server.shutdown();
});

Deno.test("a request keeps to the address that was looked at, also where the name is another host by then", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("x"));
  const runtime = testRuntime();
  const isConfigured = () => false;
  // For us the name is at an address where nobody is; for whoever looks it up again it is where the server is.
  const net = { resolve: () => Promise.resolve(["127.0.0.2"]) };
  using bound = new BoundFetch(runtime);
  const ask = async (bound: BoundFetch | undefined, port: number) => {
    using registries = createRegistryFetch({ everywhere: [], byOrigin: new Map() }, {
      ...runtime,
      isConfigured,
      bound,
    });
    const parts = { ...runtime, fetch: registries.fetch, destinations: testDestinations(isConfigured, net) };
    const url = `http://localhost:${port}/`;
    return await createSource({ ...parts, role: "peer" }).stat({ url, headers: {} }, NEVER).then(() => "", errorText);
  };
  assert.match(await ask(bound, server.addr.port), /Connection refused/);
  assert.equal(await ask(undefined, server.addr.port), "", "the name alone leads to the server");
  await server.shutdown();
});
