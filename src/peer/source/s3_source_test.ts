import assert from "node:assert/strict";
import { S3_KEYS, type S3Storage, type S3StorageOptions, startS3Storage } from "../../testing/s3_storage.ts";
import { readFileSync } from "node:fs";
import { testCertificates } from "../../testing/certificates.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import type { ObjectStorageAccess, Source, SourceList, SourceRequest } from "./source.ts";
import { sourceAnswerOf } from "./source_failure.ts";
import { signedRequest } from "./s3_request.ts";
import { createRegistryFetch } from "./registry_fetch.ts";
import { createSource } from "./sources.ts";
import { testDestinations } from "../../testing/destinations.ts";

const NEVER = new AbortController().signal;
const CONTENT = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) & 0xff);
const KEY = "team a/models/é+(1).bin";

function request(storage: S3Storage, key: string, access: ObjectStorageAccess = {}): SourceRequest {
  const objectStorage = { region: "eu-west-1", endpoint: storage.endpoint, ...S3_KEYS, ...access };
  return { url: `s3://models/${key.split("/").map(encodeURIComponent).join("/")}`, headers: {}, objectStorage };
}

function open(options: S3StorageOptions = {}): S3Storage & { readonly source: Source & SourceList } {
  const storage = startS3Storage(options);
  const source = createSource({ ...testRuntime(), role: "peer", destinations: testDestinations() });
  storage.objects.set(KEY, CONTENT);
  return { ...storage, source };
}

async function readAll(source: Source, asked: SourceRequest, start = 0, end = CONTENT.length): Promise<Uint8Array> {
  const parts: number[] = [];
  await using body = await source.read(asked, { start, end }, { contentLength: CONTENT.length }, NEVER);
  for (let buffer: Uint8Array<ArrayBuffer> = new Uint8Array(65_536);;) {
    const step = await body.read(buffer);
    if (step === null) return Uint8Array.from(parts);
    parts.push(...step.bytes);
    buffer = new Uint8Array(step.bytes.buffer);
  }
}

/** From "Signature Calculations for the Authorization Header" of the S3 API reference. */
Deno.test("requests are signed as the examples of the storage's documentation are", async () => {
  const examples = [
    ["?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
    ["?lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
  ] as const;
  const objectStorage = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    accessKeySecret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
  };
  for (const [query, signature] of examples) {
    const url = new URL(`https://examplebucket.s3.amazonaws.com/${query}`);
    const asked = { url: "s3://examplebucket/", headers: { "user-agent": "curl", range: "bytes=0-9" }, objectStorage };
    const { headers } = await signedRequest(asked, url, "GET", Date.UTC(2013, 4, 24));
    assert.equal(headers["authorization"]?.split("Signature=")[1], signature);
    assert.equal(headers["user-agent"], "curl");
  }
});

Deno.test("an object is known and read, whole and in part, whatever its key", async () => {
  await using storage = open();
  const { source } = storage;
  for (const key of [KEY, "a%2Fb?c#d&e=f~g*h", "x//y", "empty"]) {
    const content = key === "empty" ? new Uint8Array(0) : CONTENT;
    storage.objects.set(key, content);
    const stat = await source.stat(request(storage, key), NEVER);
    assert.equal(stat.contentLength, content.length);
    assert.match(stat.responseHeaders["etag"] ?? "", /^"[0-9a-f]{32}"$/);
  }
  assert.deepEqual(await readAll(source, request(storage, KEY)), CONTENT);
  assert.deepEqual(await readAll(source, request(storage, KEY), 500, 70_000), CONTENT.slice(500, 70_000));
});

Deno.test("temporary keys bring their token, and headers that must be signed are", async () => {
  await using storage = open({ sessionToken: "token/of+temporary==" });
  const asked = request(storage, KEY, { sessionToken: "token/of+temporary==" });
  const headers = { "x-amz-request-payer": "requester", authorization: "Bearer of-another", "x-one": "1" };
  assert.equal((await storage.source.stat({ ...asked, headers }, NEVER)).contentLength, CONTENT.length);
  await assert.rejects(storage.source.stat(request(storage, KEY), NEVER), { message: /InvalidToken/ });
});

Deno.test("a refusal says in the storage's words what is wrong, and no secret", async () => {
  await using storage = open();
  const cases: readonly [string, ObjectStorageAccess, number, RegExp][] = [
    [KEY, { region: "us-east-1" }, 400, /AuthorizationHeaderMalformed, .*in region eu-west-1.*region eu-west-1\)$/],
    [KEY, { accessKeySecret: "another-secret" }, 403, /403: SignatureDoesNotMatch, The request signature/],
    [KEY, { accessKeyId: "AKIDOTHER" }, 403, /InvalidAccessKeyId/],
    [KEY, { accessKeyId: undefined }, 403, /403: AccessDenied, Access Denied$/],
    ["none", {}, 404, /404: NoSuchKey, The specified key does not exist\.$/],
  ];
  for (const [key, access, status, message] of cases) {
    const error = await storage.source.stat(request(storage, key, access), NEVER).then(() => undefined, (e) => e);
    assert.equal(sourceAnswerOf(error)?.status, status);
    assert.match(error.message, message);
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /another-secret|wJalr/);
  }
});

Deno.test("a directory is listed page by page, with URLs that lead to its objects", async () => {
  await using storage = open({ pageKeys: 2 });
  storage.objects.set("team a/models/", new Uint8Array(0));
  for (const key of ["b&c<d>.bin", "sub/", "sub/100%.bin", "zz"]) storage.objects.set(`team a/models/${key}`, CONTENT);
  storage.objects.set("team b/x", CONTENT);
  const entries = await storage.source.list(request(storage, "team a/models/"), NEVER);
  const models = "s3://models/team%20a/models/";
  assert.deepEqual(entries.map(({ url, isDirectory }) => [url, isDirectory]), [
    [`${models}b&c%3Cd%3E.bin`, false],
    [`${models}sub/`, true],
    [`${models}sub/100%25.bin`, false],
    [`${models}zz`, false],
    [`${models}%C3%A9+(1).bin`, false],
  ]);
  for (const { url } of entries) {
    const asked = { ...request(storage, ""), url };
    assert.equal((await storage.source.stat(asked, NEVER)).contentLength, CONTENT.length, url);
  }
  assert.deepEqual(await storage.source.list(request(storage, "nothing/"), NEVER), []);
});

Deno.test("a list that is too long, no list, or leads elsewhere is refused", async () => {
  await using storage = open();
  storage.objects.set("up/../secret", CONTENT);
  await assert.rejects(storage.source.list(request(storage, "up/"), NEVER), { code: "failed_precondition" });
  for (let i = 0; i <= 10_000; i++) storage.objects.set(`many/${i}`, new Uint8Array(0));
  await assert.rejects(storage.source.list(request(storage, "many/"), NEVER), { code: "resource_exhausted" });
  await using page = Deno.serve({ port: 0, onListen() {} }, () => new Response("<html>hello"));
  const elsewhere = request(storage, "up/", { endpoint: `http://127.0.0.1:${page.addr.port}` });
  await assert.rejects(storage.source.list(elsewhere, NEVER), { code: "source_error", message: /no list of objects/ });
});

Deno.test("storages are asked nothing where the requester may not go", async () => {
  const source = createSource({ ...testRuntime(), role: "peer", destinations: testDestinations() });
  await using storage = open();
  const cases = [
    { ...request(storage, KEY), remoteIp: "10.0.0.7" },
    request(storage, KEY, { endpoint: "http://169.254.169.254" }),
  ];
  for (const asked of cases) await assert.rejects(source.stat(asked, NEVER), { code: "permission_denied" });
  assert.deepEqual(storage.requests, []);
});

Deno.test("a page that is too large is refused, and blanks of a prefix are asked for as signatures have them", async () => {
  const asked: string[] = [];
  const padding = " ".repeat(8 * 1024 * 1024);
  await using server = Deno.serve({ port: 0, onListen() {} }, ({ url }) => {
    asked.push(url);
    return new Response(`<ListBucketResult>${padding}</ListBucketResult>`);
  });
  await using storage = open();
  const large = request(storage, "a b/", { endpoint: `http://127.0.0.1:${server.addr.port}` });
  await assert.rejects(storage.source.list(large, NEVER), { code: "source_error", message: /more than 8388608 bytes/ });
  assert.match(asked[0] ?? "", /prefix=a%20b%2F/);
});

Deno.test("a certificate is not checked where the requester says so, and there only", async () => {
  const { cert, key } = testCertificates("a");
  const tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  const listen = { port: 0, hostname: "127.0.0.1", onListen() {}, ...tls };
  await using other = Deno.serve(listen, () => new Response("other"));
  await using server = Deno.serve(listen, ({ url }) => {
    if (url.includes("moved")) return Response.redirect(`https://127.0.0.1:${other.addr.port}/x`);
    return new Response("x", { status: 206, headers: { "content-range": "bytes 0-0/5" } });
  });
  const runtime = testRuntime();
  const isConfigured = () => true;
  using client = createRegistryFetch({ everywhere: [], byOrigin: new Map() }, { ...runtime, isConfigured });
  const source = createSource({
    ...runtime,
    fetch: client.fetch,
    role: "peer",
    destinations: testDestinations(isConfigured),
  });
  const endpoint = `https://127.0.0.1:${server.addr.port}`;
  const ask = (key: string, insecureSkipVerify: boolean) =>
    source.stat({ url: `s3://models/${key}`, headers: {}, objectStorage: { endpoint, insecureSkipVerify } }, NEVER);
  assert.equal((await ask("key", true)).contentLength, 5);
  await assert.rejects(ask("key", false), { code: "source_error", message: /cannot be reached/ });
  await assert.rejects(ask("moved", true), { code: "source_error", message: /cannot be reached/ });
});
