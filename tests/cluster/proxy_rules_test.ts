/** Where requests by URL go besides to their own host: rules, lists, limits, and the proxy of the environment. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { selfSignedCertificate, testCertificates } from "../../src/testing/certificates.ts";
import { BLOB_PATH, CONTENT, SHA256, startNode, startOrigin } from "./proxy_stage.ts";

const authority = testCertificates("a").caCert;
const trusting = { registryMirror: { cert: authority } };

Deno.test("a URL of https is passed on over TLS, to whom the peer trusts alone", async () => {
  await using origin = startOrigin(undefined, "a");
  await using stranger = startOrigin(undefined, "b");
  await using node = await startNode(origin.origin, trusting);
  assert.deepEqual((await node.ask(`GET ${origin.origin}/file`)).body, CONTENT);
  const refused = await node.ask(`GET ${stranger.origin}/file`);
  assert.equal(refused.status, 502);
  assert.match(refused.body.toString(), /certificate/);
  assert.deepEqual(stranger.seen, []);
});

Deno.test("a registry whose certificate is its own authority is trusted by whoever is told to, and by nobody else", async () => {
  await using origin = startOrigin(undefined, "own");
  const { caCert } = selfSignedCertificate();
  const upstreams = [{ namespace: new URL(origin.origin).host, addr: origin.origin, ca: caCert }];
  await using node = await startNode(origin.origin, { registryMirror: { upstreams } });
  for (const path of [BLOB_PATH, "/file"]) {
    assert.deepEqual((await node.ask(`GET ${origin.origin}${path}`)).body, CONTENT, path);
  }
  assert.deepEqual((await node.ask("GET /v2/team/app/manifests/v1")).body, CONTENT);
  await using stranger = await startNode(origin.origin, trusting);
  for (const path of [BLOB_PATH, "/file"]) {
    assert.equal((await stranger.ask(`GET ${origin.origin}${path}`)).status, 502, path);
  }
});

Deno.test("a rule sends what it matches to another host, or by https, with all that was sent", async () => {
  await using asked = startOrigin();
  await using other = startOrigin(undefined, "a");
  const rules = [{ regex: "/v2/|/moved", redirect: `127.0.0.1:${other.port}`, useTLS: true }];
  await using node = await startNode(asked.origin, { rules, ...trusting });
  const authorization = "Basic c2VjcmV0";
  const answers = [
    await node.ask(`GET ${asked.origin}/moved`, { authorization }),
    await node.ask(`POST ${asked.origin}/moved`, { authorization, "content-length": "2" }, "hi"),
    await node.ask(`GET ${asked.origin}${BLOB_PATH}`, { authorization }),
    await node.ask("GET /v2/team/app/manifests/v1", { authorization }),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
  assert.equal(answers[2]?.headers.get("x-dragonfly-task-id"), SHA256);
  assert.deepEqual(asked.seen, []);
  assert.ok(other.seen.every(({ headers }) => headers.get("authorization") === authorization));
  assert.deepEqual((await node.ask(`GET ${asked.origin}/here`)).body, CONTENT);
  assert.equal(asked.gets(), 1);
});

Deno.test("a rule that says direct keeps what it matches out of the swarm, whatever later ones say", async () => {
  await using origin = startOrigin();
  const rules = [{ regex: "/secret/", direct: true }, { regex: ".*" }];
  await using node = await startNode(origin.origin, { rules });
  const taskOf = async (line: string) => (await node.ask(line)).headers.get("x-dragonfly-task-id");
  assert.equal(await taskOf(`GET ${origin.origin}/secret/f`), null);
  assert.equal(await taskOf(`GET /v2/secret/app/blobs/sha256:${SHA256}`), null);
  assert.notEqual(await taskOf(`GET ${origin.origin}/f`), null);
});

Deno.test("with proxy.whiteList requests by URL and tunnels go to nobody else, and the mirror as before", async () => {
  await using registry = startOrigin();
  await using listed = startOrigin();
  const whiteList = [{ host: "127.0.0.1", ports: [listed.port] }, { regex: "^corp\\." }];
  await using node = await startNode(registry.origin, { whiteList });
  assert.equal((await node.ask(`GET ${listed.origin}/f`)).status, 200);
  for (const line of [`GET ${registry.origin}${BLOB_PATH}`, `CONNECT 127.0.0.1:${registry.port}`]) {
    const { status, headers, body } = await node.ask(line);
    assert.deepEqual([status, headers.get("x-dragonfly-error-type")], [403, "proxy"], line);
    assert.match(body.toString(), /proxy\.whiteList does not have it/);
  }
  assert.deepEqual(registry.seen, []);
  assert.notEqual((await node.ask("CONNECT corp.invalid:443")).status, 403);
  assert.equal((await node.ask(`GET ${BLOB_PATH}`)).status, 200);
});

Deno.test("a listed server cannot send a task on to one that proxy.whiteList does not have", async () => {
  await using other = startOrigin();
  await using listed = startOrigin(({ url }) => {
    const { pathname } = new URL(url);
    return pathname.startsWith("/here") ? undefined : Response.redirect(`${other.origin}${pathname}`, 307);
  });
  const whiteList = [{ host: "127.0.0.1", ports: [listed.port] }];
  await using node = await startNode(other.origin, { whiteList });
  const shared = { "x-dragonfly-use-p2p": "true" };
  for (const path of ["/f", BLOB_PATH]) {
    const { status, body } = await node.ask(`GET ${listed.origin}${path}`, shared);
    assert.equal(status, 403, path);
    assert.match(body.toString(), /proxy\.whiteList does not have it/);
  }
  assert.deepEqual(other.seen, []);
  assert.deepEqual((await node.ask(`GET ${listed.origin}/here`, shared)).body, CONTENT);
  await using free = await startNode(other.origin);
  assert.deepEqual((await free.ask(`GET ${listed.origin}${BLOB_PATH}`, shared)).body, CONTENT);
});

Deno.test("security.deniedNetworks and allowedNetworks hold for mirror, proxy and tunnels, and not for what is configured", async () => {
  await using registry = startOrigin();
  await using other = startOrigin();
  const shared = { "x-dragonfly-use-p2p": "true" };
  for (const security of [{ deniedNetworks: ["127.0.0.0/8"] }, { allowedNetworks: ["192.0.2.0/24"] }]) {
    await using node = await startNode(registry.origin, {}, { security });
    const lines = [`GET ${other.origin}/f`, `GET http://localhost:${other.port}${BLOB_PATH}`];
    for (const line of [...lines, `CONNECT 127.0.0.1:${other.port}`, `GET ${BLOB_PATH}?ns=${other.origin}`]) {
      const { status, headers, body } = await node.ask(line, shared);
      assert.deepEqual([status, headers.get("x-dragonfly-error-type")], [403, "proxy"], line);
      assert.match(body.toString(), /security\./);
    }
    assert.equal((await node.ask(`GET ${BLOB_PATH}`)).status, 200);
  }
  assert.deepEqual(other.seen, []);
});

Deno.test("requests above proxy.server.requestRateLimit wait, and then are refused with Retry-After", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin, { server: { requestRateLimit: 1 } });
  const answers = await Promise.all(Array.from({ length: 8 }, () => node.ask(`GET ${origin.origin}/f`)));
  const refused = answers.filter(({ status }) => status === 503);
  assert.ok(refused.length >= 3 && refused.length <= 5, `${refused.length} were refused`);
  assert.ok(refused.every(({ headers }) => headers.get("retry-after") === "1"));
  assert.ok(node.runtime.log.lines.some(({ level, fields }) => {
    return level === "warn" && JSON.stringify(fields).includes("requestRateLimit");
  }));
});

/** A proxy that remembers what it was asked for, and knows every name as this host. */
function startCorporateProxy() {
  const lines: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      head += new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
    }
    lines.push(head);
    const port = Number(/:(\d+)/.exec(head.split("\r\n")[0] ?? "")?.[1]);
    const isConnect = head.startsWith("CONNECT");
    const far = await Deno.connect({ hostname: "127.0.0.1", port });
    const first = isConnect ? "HTTP/1.1 200 OK\r\nX: y\r\n\r\n" : head.replace(/ http:\/\/[^/]+/, " ");
    await (isConnect ? conn : far).write(new TextEncoder().encode(first));
    const pass = (from: Deno.Conn, to: Deno.Conn) => from.readable.pipeTo(to.writable).catch(() => {});
    await Promise.all([pass(conn, far), pass(far, conn)]);
  };
  const serving = (async () => {
    const open: Promise<void>[] = [];
    for await (const conn of listener) open.push(serve(conn));
    await Promise.all(open);
  })();
  return {
    lines,
    url: `http://me:secret@127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

Deno.test("tunnels and what is passed on go by the proxy of the environment, names that only it knows too", async () => {
  await using origin = startOrigin();
  await using secured = startOrigin(undefined, "a");
  await using proxy = startCorporateProxy();
  const env = { HTTP_PROXY: proxy.url, https_proxy: proxy.url, NO_PROXY: ".direct.invalid" };
  await using node = await startNode(origin.origin, trusting, undefined, env);
  const answer = await node.ask(`GET http://far.invalid:${origin.port}/f?x=1`);
  assert.deepEqual([answer.status, answer.body.length], [200, CONTENT.length]);
  assert.match(proxy.lines[0] ?? "", new RegExp(`^GET http://far\\.invalid:${origin.port}/f\\?x=1 HTTP/1\\.1\r\n`));
  assert.match(proxy.lines[0] ?? "", new RegExp(`proxy-authorization: Basic ${btoa("me:secret")}`, "i"));
  {
    using client = await node.connect();
    await client.write(`CONNECT far.invalid:${secured.port} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.until(/^HTTP\/1\.1 200 /);
    assert.match(proxy.lines[1] ?? "", new RegExp(`^CONNECT far\\.invalid:${secured.port} HTTP/1\\.1\r\n`));
  }
  assert.equal((await node.ask("GET http://a.direct.invalid/f")).status, 502);
  assert.equal((await node.ask(`GET ${origin.origin}/f`)).status, 200, "what is on loopback is asked directly");
  assert.equal(proxy.lines.length, 2);
});

Deno.test("a registry is shown the certificate of its row, and one whose certificate is not checked is spoken to", async () => {
  const { caCert, cert, key } = testCertificates("b");
  const dir = await Deno.makeTempDir();
  const ca = join(dir, "ca.pem");
  await Deno.writeTextFile(ca, readFileSync(caCert, "utf8"));
  await using registry = await startMutual();
  await using unchecked = startOrigin(undefined, "b");
  const row = (addr: string, tls: Record<string, unknown>) => ({ namespace: new URL(addr).host, addr, ...tls });
  const rows = [
    row(registry.origin, { ca, cert, key }),
    row(unchecked.origin, { skipVerify: true }),
  ];
  await using node = await startNode(registry.origin, { registryMirror: { upstreams: rows } });
  for (const { origin } of [registry, unchecked]) {
    for (const line of [`GET ${origin}${BLOB_PATH}`, `GET ${origin}/file`]) {
      assert.deepEqual((await node.ask(line)).body, CONTENT, line);
    }
  }
  await using without = await startNode(registry.origin, {
    registryMirror: { upstreams: [row(registry.origin, { ca })] },
  });
  for (const path of [BLOB_PATH, "/file"]) {
    assert.equal((await without.ask(`GET ${registry.origin}${path}`)).status, 502);
  }
  await Deno.remove(dir, { recursive: true });
});

/** A registry that lets in who shows a certificate of the authority `b` alone. */
async function startMutual() {
  const { caCert, cert, key } = testCertificates("b");
  const [ca, own, ownKey] = [caCert, cert, key].map((path) => readFileSync(path, "utf8"));
  const server = createServer({ ca, cert: own, key: ownKey, requestCert: true, rejectUnauthorized: true });
  server.on("request", (request, answer) => {
    answer.writeHead(200, { "content-length": CONTENT.length, etag: '"v1"' });
    answer.end(request.method === "HEAD" ? undefined : CONTENT);
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
