/** Tunnels whose TLS ends at the proxy: who is intercepted, what becomes of the requests, and whom the peer trusts. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openTunnel } from "../../src/http/open_tunnel.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { RawClient } from "../../src/testing/raw_http.ts";
import { BLOB_PATH, CONTENT, type Node, SHA256, startNode, startOrigin } from "./proxy_stage.ts";

const never = new AbortController().signal;
const trusted = testCertificates("a").caCert;

/** A peer that intercepts, and what its clients trust. */
async function startInterceptor(registry: string, proxy: Record<string, unknown> = {}) {
  const dir = await Deno.makeTempDir();
  const files = { caCert: join(dir, "ca", "ca.pem"), caKey: join(dir, "ca", "ca.key") };
  const { server, registryMirror, ...others } = proxy as Record<string, Record<string, unknown>>;
  const node = await startNode(registry, {
    server: { ...files, generateCA: true, ...server },
    registryMirror: { cert: trusted, ...registryMirror },
    ...others,
  });
  return {
    node,
    files,
    authority: readFileSync(files.caCert, "utf8"),
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** Asks by the node's proxy, as a client that trusts one authority. */
async function ask({ peer }: Node, authority: string, url: string, init: RequestInit = {}) {
  const { hostname, port } = peer.mirror;
  using client = Deno.createHttpClient({
    proxy: { url: `http://${hostname}:${port}` },
    caCerts: [authority],
    ...{ poolMaxIdlePerHost: 0 },
  });
  const answer = await fetch(url, { ...init, client });
  return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.bytes()) };
}

/** Bytes and headers in TLS through a tunnel, as a client that asks for the certificate of `name`. */
async function inTunnel({ peer }: Node, authority: string, port: number, name = "127.0.0.1"): Promise<RawClient> {
  const conn = await realNet().connect(peer.mirror, never);
  await openTunnel(conn, { hostname: "127.0.0.1", port }, undefined, never);
  return new RawClient(await realNet().secure(conn, { hostname: name, authorities: [authority] }, never));
}

Deno.test("a blob of an intercepted registry is the task that it is by the mirror, with the requester's rights", async () => {
  const mayHave = ({ headers }: Request) =>
    headers.get("authorization") === "Bearer good" ? undefined : new Response("not you", { status: 401 });
  await using registry = startOrigin(mayHave, "a");
  await using it = await startInterceptor(registry.origin);
  const url = registry.origin + BLOB_PATH;
  const headers = { authorization: "Bearer good" };
  const first = await ask(it.node, it.authority, url, { headers });
  assert.deepEqual([first.status, first.headers.get("x-dragonfly-task-id")], [200, SHA256]);
  assert.deepEqual(first.body, CONTENT);
  assert.deepEqual((await ask(it.node, it.authority, url, { headers })).body, CONTENT);
  assert.equal((await ask(it.node, it.authority, url)).status, 401);
  const byMirror = await it.node.ask(`GET ${BLOB_PATH}`, headers);
  assert.equal(byMirror.headers.get("x-dragonfly-task-download-finished"), "true");
  assert.equal(
    registry.seen.filter(({ method, headers }) => method === "GET" && headers.has("authorization")).length,
    1,
  );
  assert.equal(it.node.runtime.metrics.value("damselfly_client_proxy_tunnel_total"), 0);
});

Deno.test("what is no blob is passed on to its own host over TLS, both ways", async () => {
  await using registry = startOrigin(
    async (request) =>
      new URL(request.url).pathname === "/upload"
        ? new Response(`${request.method} ${request.headers.get("content-length")} ${await request.text()}`)
        : undefined,
    "a",
  );
  await using it = await startInterceptor(registry.origin);
  const uploaded = await ask(it.node, it.authority, `${registry.origin}/upload`, { method: "PUT", body: "hello" });
  assert.equal(uploaded.body.toString(), "PUT 5 hello");
  const manifest = await ask(it.node, it.authority, `${registry.origin}/v2/team/app/manifests/v1?x=1`);
  assert.deepEqual(manifest.body, CONTENT);
  assert.ok(registry.seen.every(({ headers }) => headers.get("host") === `127.0.0.1:${registry.port}`));
});

Deno.test("a host that is not listed is tunnelled: its client sees its own certificate", async () => {
  await using registry = startOrigin(undefined, "a");
  await using other = startOrigin(undefined, "a");
  const own = readFileSync(trusted, "utf8");
  await using byDefault = await startInterceptor(registry.origin);
  await using listed = await startInterceptor(registry.origin, { server: { interceptHosts: [`:${other.port}$`] } });
  const cases = [[byDefault, registry, other], [listed, other, registry]] as const;
  for (const [{ node, authority }, inside, outside] of cases) {
    assert.equal((await ask(node, authority, inside.origin + BLOB_PATH)).headers.get("x-dragonfly-task-id"), SHA256);
    assert.equal((await ask(node, own, outside.origin + BLOB_PATH)).headers.get("x-dragonfly-task-id"), null);
    await assert.rejects(ask(node, authority, outside.origin + BLOB_PATH));
    assert.ok(node.runtime.metrics.value("damselfly_client_proxy_tunnel_total") > 0);
    assert.ok(
      node.runtime.log.lines.some(({ message }) => /name the host in proxy.server.interceptHosts/.test(message)),
    );
  }
});

Deno.test("a client that does not trust the authority fails once, which is told, and then is tunnelled", async () => {
  await using registry = startOrigin(undefined, "a");
  const own = readFileSync(trusted, "utf8");
  await using it = await startInterceptor(registry.origin);
  await assert.rejects(ask(it.node, own, registry.origin + BLOB_PATH));
  assert.deepEqual((await ask(it.node, own, registry.origin + BLOB_PATH)).body, CONTENT);
  const labels = { registry: `127.0.0.1:${registry.port}`, reason: "failed_precondition" };
  assert.equal(it.node.runtime.metrics.value("damselfly_client_fallback_total", labels), 1);
  assert.ok(it.node.runtime.log.lines.some(({ level, fields }) => {
    return level === "warn" && JSON.stringify(fields).includes("have it trust proxy.server.caCert");
  }));
});

Deno.test("a registry that the peer does not trust is an answer of 502 with the reason, and counted", async () => {
  await using registry = startOrigin(undefined, "b");
  await using it = await startInterceptor(registry.origin);
  for (const path of [BLOB_PATH, "/v2/team/app/manifests/v1"]) {
    const answer = await ask(it.node, it.authority, registry.origin + path);
    assert.deepEqual([answer.status, answer.headers.get("x-dragonfly-error-type")], [502, "backend"]);
    assert.match(answer.body.toString(), /certificate/);
  }
  assert.deepEqual(registry.seen, []);
  const labels = { registry: `127.0.0.1:${registry.port}`, reason: "certificate" };
  assert.equal(it.node.runtime.metrics.value("damselfly_client_fallback_total", labels), 2);
});

Deno.test("in a tunnel to one host there is no certificate for another one, and no request for it", async () => {
  await using registry = startOrigin(undefined, "a");
  await using other = startOrigin();
  await using it = await startInterceptor(registry.origin);
  await assert.rejects(inTunnel(it.node, it.authority, registry.port, "localhost"));
  assert.ok(it.node.runtime.log.lines.some(({ message }) => /it asked for another one/.test(message)));
  const lines = [
    `GET ${other.origin}${BLOB_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}`,
    `GET ${BLOB_PATH} HTTP/1.1\r\nHost: registry.other`,
    `GET ${BLOB_PATH} HTTP/1.1\r\nHost: 127.0.0.1`,
    `GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}@registry.other`,
  ];
  for (const line of lines) {
    using client = await inTunnel(it.node, it.authority, registry.port);
    await client.write(`${line}\r\nConnection: close\r\n\r\n`);
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 400 /, line);
  }
  assert.deepEqual([...registry.seen, ...other.seen], []);
});

Deno.test("no second tunnel begins in an intercepted one, and what is no HTTP is refused there", async () => {
  await using registry = startOrigin(undefined, "a");
  await using it = await startInterceptor(registry.origin);
  for (const [line, status] of [["CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a", 405], ["hello", 400]] as const) {
    using client = await inTunnel(it.node, it.authority, registry.port);
    await client.write(`${line}\r\n\r\n`);
    assert.match(await client.untilEnd(), new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

Deno.test("many requests come in one intercepted tunnel, one after the other", async () => {
  await using registry = startOrigin(undefined, "a");
  await using it = await startInterceptor(registry.origin);
  using client = await inTunnel(it.node, it.authority, registry.port);
  for (let turn = 1; turn <= 3; turn++) {
    await client.write(`HEAD ${BLOB_PATH} HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\n\r\n`);
    const heads = await client.until(new RegExp(`^(?:HTTP/1\\.1 200 OK[^]*?\\r\\n\\r\\n){${turn}}$`));
    assert.equal(heads.match(/etag: /gi)?.length, turn);
  }
});

Deno.test("with proxy.server.basicAuth a tunnel needs it, and what comes in the tunnel does not", async () => {
  await using registry = startOrigin(undefined, "a");
  const basicAuth = { username: "me", password: "secret" };
  await using it = await startInterceptor(registry.origin, { server: { basicAuth } });
  const authority = `127.0.0.1:${registry.port}`;
  assert.equal((await it.node.ask(`CONNECT ${authority}`)).status, 407);
  const conn = await realNet().connect(it.node.peer.mirror, never);
  const login = `Basic ${btoa("me:secret")}`;
  await openTunnel(conn, { hostname: "127.0.0.1", port: registry.port }, login, never);
  const secured = await realNet().secure(conn, { hostname: "127.0.0.1", authorities: [it.authority] }, never);
  using client = new RawClient(secured);
  await client.write(`GET ${BLOB_PATH} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 /);
});

Deno.test("an authority is made once, its key is for its owner alone, and it stays over restarts", async () => {
  await using registry = startOrigin(undefined, "a");
  await using it = await startInterceptor(registry.origin);
  assert.equal((await Deno.stat(it.files.caKey)).mode! & 0o777, 0o600);
  await using again = await startNode(registry.origin, {
    server: { ...it.files, generateCA: true },
    registryMirror: { cert: trusted },
  });
  assert.equal((await ask(again, it.authority, registry.origin + BLOB_PATH)).status, 200);
});

Deno.test("a start without the files of the authority is refused, and so is one with those of a server", async () => {
  const { cert, key, caCert } = testCertificates("a");
  const missing = startNode("http://127.0.0.1:1", { server: { caCert: "/nonexistent/ca.pem", caKey: key } });
  await assert.rejects(missing, { message: /\/nonexistent\/ca\.pem/ });
  const ofServer = startNode("http://127.0.0.1:1", { server: { caCert: cert, caKey: key } });
  await assert.rejects(ofServer, { message: /expected that of an authority \(CA:TRUE\)/ });
  const ofAnother = startNode("http://127.0.0.1:1", { server: { caCert, caKey: key } });
  await assert.rejects(ofAnother, { message: /is not the key of the certificate/ });
});

Deno.test("another protocol that a client asks for in an intercepted tunnel passes", async () => {
  await using registry = startOrigin((request) => {
    if (request.headers.get("upgrade") !== "websocket") return undefined;
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(`${data}!`);
    return response;
  }, "a");
  await using it = await startInterceptor(registry.origin);
  using client = await inTunnel(it.node, it.authority, registry.port);
  const key = btoa("0123456789abcdef");
  await client.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${registry.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await client.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[^]*\r\n\r\n/);
  await client.write(Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69));
  await client.until(/\u{81}.hi!$/su);
});
