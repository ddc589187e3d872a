/** The proxy on the mirror's port: requests by URL, tunnels, and what may be wished for by a header. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DamselflyError } from "../../src/core/error.ts";
import { taskIdOf } from "../../src/core/task_id.ts";
import { BLOB_PATH, CONTENT, SHA256, startNode, startOrigin } from "./proxy_stage.ts";

Deno.test("a request by URL goes to its own host, and no credentials of it to the default registry", async () => {
  await using registry = startOrigin();
  await using corp = startOrigin();
  await using node = await startNode(registry.origin);
  const authorization = "Basic c2VjcmV0";
  for (const path of [BLOB_PATH, "/v2/team/app/manifests/v1", "/v2/", "/file"]) {
    for (const method of ["GET", "HEAD"]) {
      const { status } = await node.ask(`${method} ${corp.origin}${path}`, { authorization });
      assert.equal(status, 200, path);
    }
  }
  assert.deepEqual(registry.seen, []);
  assert.ok(corp.seen.every(({ headers }) => headers.get("authorization") === authorization));
});

Deno.test("a request for a host that is not there is refused, and nobody else is asked", async () => {
  await using registry = startOrigin();
  await using node = await startNode(registry.origin);
  for (const path of [BLOB_PATH, "/file"]) {
    for (const host of ["127.0.0.1:1", "no-such-host.invalid"]) {
      const { status, headers } = await node.ask(`GET http://${host}${path}`);
      assert.deepEqual([status, headers.get("x-dragonfly-error-type")], [502, "backend"]);
    }
  }
  assert.deepEqual(registry.seen, []);
});

Deno.test("a blob by URL is the task that it is by the mirror", async () => {
  await using registry = startOrigin();
  await using node = await startNode(registry.origin);
  const answer = await node.ask(`GET ${registry.origin}${BLOB_PATH}`);
  assert.equal(answer.headers.get("x-dragonfly-task-id"), SHA256);
  assert.deepEqual(answer.body, CONTENT);
  const again = await node.ask(`GET ${BLOB_PATH}`);
  assert.equal(again.headers.get("x-dragonfly-task-download-finished"), "true");
  assert.equal(registry.gets(), 1);
});

Deno.test("while no name server answers, who had a blob by URL lately gets it still", async () => {
  await using registry = startOrigin();
  await using node = await startNode(registry.origin);
  const line = `GET http://localhost:${registry.port}${BLOB_PATH}`;
  assert.equal((await node.ask(line)).status, 200);
  const resolve = () => Promise.reject(new DamselflyError("unavailable", "no name server answers"));
  Object.assign(node.runtime.net, { resolve });
  const kept = await node.ask(line);
  assert.deepEqual([kept.status, kept.body.length], [200, CONTENT.length]);
  assert.equal((await node.ask(`GET http://no-such-host.invalid${BLOB_PATH}`)).status, 502);
});

Deno.test("a file is a task when a header says so, by its URL without the signature", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  const shared = { "x-dragonfly-use-p2p": "true" };
  const first = await node.ask(`GET ${origin.origin}/model?v=1&X-Amz-Signature=a`, shared);
  assert.equal(first.headers.get("x-dragonfly-task-id"), taskIdOf({ url: `${origin.origin}/model?v=1` }));
  assert.deepEqual(first.body, CONTENT);
  const part = await node.ask(`GET ${origin.origin}/model?X-Amz-Signature=b&v=1`, { ...shared, range: "bytes=5-9" });
  assert.deepEqual([part.status, part.headers.get("content-range")], [206, "bytes 5-9/300000"]);
  assert.deepEqual(part.body, CONTENT.subarray(5, 10));
  assert.equal(origin.gets(), 1);
});

Deno.test("what is told of a task, how it is cut and what its id is made from can be wished for", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  const url = `${origin.origin}/model?v=1`;
  const idOf = async (headers: Record<string, string>) =>
    (await node.ask(`GET ${url}`, { "x-dragonfly-use-p2p": "true", ...headers })).headers.get("x-dragonfly-task-id");
  const labels = { "x-dragonfly-tag": "t", "x-dragonfly-application": "a", "x-dragonfly-piece-length": "8mib" };
  const pieceLength = 8 * 1024 * 1024;
  assert.equal(await idOf(labels), taskIdOf({ url, tag: "t", application: "a", pieceLength }));
  assert.equal(await idOf({ "x-dragonfly-filtered-query-params": "v" }), taskIdOf({ url: `${origin.origin}/model` }));
  const content = "mine";
  assert.equal(await idOf({ "x-dragonfly-content-for-calculating-task-id": content }), taskIdOf({ url, content }));
  const tooSmall = await node.ask(`GET ${url}`, { "x-dragonfly-use-p2p": "true", "x-dragonfly-piece-length": "1kib" });
  assert.deepEqual([tooSmall.status, tooSmall.headers.get("x-dragonfly-error-type")], [400, "proxy"]);
  assert.match(tooSmall.body.toString(), /expected 4MiB to 64MiB/);
});

Deno.test("a rule makes a file a task, with the query parameters that it leaves out", async () => {
  await using origin = startOrigin();
  const rules = [{ regex: "/models/", filteredQueryParams: ["user"] }];
  await using node = await startNode(origin.origin, { rules });
  const answer = await node.ask(`GET ${origin.origin}/models/x?user=me&v=1`);
  const url = `${origin.origin}/models/x?v=1`;
  assert.equal(answer.headers.get("x-dragonfly-task-id"), taskIdOf({ url }));
  const other = await node.ask(`GET ${origin.origin}/other?from=/models/`);
  assert.equal(other.headers.get("x-dragonfly-task-id"), null);
});

Deno.test("what a loopback address has is a task only where the whole swarm is on one host, or if it is configured", async () => {
  await using registry = startOrigin();
  await using origin = startOrigin();
  await using node = await startNode(registry.origin, { rules: [{ regex: "blobs/" }] }, { host: { ip: "192.0.2.7" } });
  const shared = { "x-dragonfly-use-p2p": "true" };
  for (const host of [origin.origin, origin.origin.replace("127.0.0.1", "localhost")]) {
    for (const path of ["/f", BLOB_PATH]) {
      const answer = await node.ask(`GET ${host}${path}`, shared);
      assert.deepEqual([answer.status, answer.headers.get("x-dragonfly-task-id")], [200, null]);
      assert.deepEqual(answer.body, CONTENT);
    }
  }
  assert.equal(origin.seen.length, 4, "each of them asked the server once");
  assert.equal(node.runtime.log.lines.filter(({ message }) => /is not shared/.test(message)).length, 1);
  const path = join(node.dir, "out");
  const refused = await node.ask(`GET ${origin.origin}/f`, { ...shared, "x-dragonfly-output-path": path });
  assert.equal(refused.status, 400);
  const configured = await node.ask(`GET ${registry.origin}/f`, shared);
  assert.notEqual(configured.headers.get("x-dragonfly-task-id"), null);
  await using alone = await startNode(registry.origin);
  const here = await alone.ask(`GET ${origin.origin}/f`, shared);
  assert.equal(here.headers.get("x-dragonfly-task-id"), taskIdOf({ url: `${origin.origin}/f` }));
});

Deno.test("a shared file is given only to who may have it from its server", async () => {
  const answer = (request: Request) =>
    request.headers.get("authorization") === "Bearer good" ? undefined : new Response("not you", { status: 403 });
  await using origin = startOrigin(answer);
  await using node = await startNode(origin.origin);
  const ask = (authorization: string) =>
    node.ask(`GET ${origin.origin}/f`, { "x-dragonfly-use-p2p": "true", authorization });
  assert.equal((await ask("Bearer good")).status, 200);
  const refused = await ask("Bearer bad");
  assert.deepEqual([refused.status, refused.headers.get("x-dragonfly-error-type")], [403, "backend"]);
});

Deno.test("what no rule shares is passed on as it is, both ways", async () => {
  const moved = { location: "http://elsewhere.invalid/", "connection": "x-hop", "x-hop": "1", "x-kept": "1" };
  await using origin = startOrigin(async (request) =>
    new Response(`${request.method} ${await request.text()}`, { status: 307, headers: moved })
  );
  await using node = await startNode(origin.origin);
  const headers = {
    ...{ "content-length": "5", "accept-encoding": "gzip", "user-agent": "docker", "x-dragonfly-tag": "t" },
    ...{ "proxy-authorization": "Basic c2VjcmV0", "connection": ", x-mine", "x-mine": "1", "te": "trailers" },
  };
  const answer = await node.ask(`POST ${origin.origin}/a%2Fb?c=%20d`, headers, "hello");
  assert.deepEqual([answer.status, answer.body.toString()], [307, "POST hello"]);
  assert.equal(answer.headers.get("location"), moved.location);
  assert.deepEqual([answer.headers.get("x-hop"), answer.headers.get("x-kept")], [null, "1"]);
  const [seen] = origin.seen;
  assert.equal(seen?.url, `${origin.origin}/a%2Fb?c=%20d`);
  assert.equal(seen?.headers.get("accept-encoding"), "gzip");
  assert.equal(seen?.headers.get("user-agent"), "docker");
  for (const name of ["x-dragonfly-tag", "proxy-authorization", "x-mine", "te"]) {
    assert.equal(seen?.headers.get(name), null, name);
  }
});

Deno.test("a GET or HEAD with a body is refused, for its server would wait for a body that does not come", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  for (const method of ["GET", "HEAD"]) {
    for (const length of [{ "content-length": "15" }, { "transfer-encoding": "chunked" }]) {
      const answer = await node.ask(`${method} ${origin.origin}/f`, length, "5\r\nhello\r\n0\r\n\r\n");
      assert.equal(answer.status, 400);
      if (method === "GET") assert.match(answer.body.toString(), /Cannot forward a GET that has a body/);
    }
  }
  assert.deepEqual(origin.seen, []);
  assert.equal((await node.ask(`GET ${origin.origin}/f`, { "content-length": "0" })).status, 200);
});

Deno.test("a refusal that is passed on keeps its status and text, and says whose it is", async () => {
  await using origin = startOrigin(() => new Response("slow down", { status: 429, headers: { "retry-after": "7" } }));
  await using node = await startNode(origin.origin);
  const answer = await node.ask(`GET ${origin.origin}/f`);
  assert.deepEqual([answer.status, answer.body.toString()], [429, "slow down"]);
  assert.equal(answer.headers.get("retry-after"), "7");
  assert.equal(answer.headers.get("x-dragonfly-error-type"), "backend");
});

Deno.test("an upload is passed on while it comes, and its requester may leave", async () => {
  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  await using origin = startOrigin(async (request) => {
    const reader = request.body?.getReader();
    await reader?.read();
    began.resolve();
    await reader?.read().then(() => {}, ended.resolve);
    return new Response();
  });
  await using node = await startNode(origin.origin);
  {
    using client = await node.connect();
    await client.write(`PUT ${origin.origin}/f HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nfirst`);
    await began.promise;
  }
  await ended.promise;
});

Deno.test("nobody goes to link-local addresses through the proxy", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  for (const host of ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "0.0.0.0"]) {
    for (const line of [`GET http://${host}${BLOB_PATH}`, `GET http://${host}/latest/`, `CONNECT ${host}:443`]) {
      const { status, headers } = await node.ask(line);
      assert.deepEqual([status, headers.get("x-dragonfly-error-type")], [403, "proxy"], line);
    }
  }
});

Deno.test("what is no TLS does not pass a tunnel", async () => {
  const echo = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const far = (async () => {
    for await (const conn of echo) await conn.readable.pipeTo(conn.writable).catch(() => {});
  })();
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  const at = `127.0.0.1:${echo.addr.port}`;
  for (const [hello, answer] of [["\x16\x03\x01hello", /hello$/], ["GET / HTTP/1.1", /\r\n\r\n$/]] as const) {
    using client = await node.connect();
    await client.write(`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`);
    await client.until(/^HTTP\/1\.1 200 [^]*\r\n\r\n/);
    await client.write(hello);
    await client.closeWrite();
    assert.match(await client.untilEnd(), answer);
  }
  assert.equal(node.runtime.metrics.value("damselfly_client_proxy_tunnel_total"), 2);
  echo.close();
  await far;
});

Deno.test("with proxy.server.basicAuth nothing is served without it, and it goes no further", async () => {
  await using origin = startOrigin();
  const basicAuth = { username: "me", password: "secret" };
  await using node = await startNode(origin.origin, { server: { basicAuth } });
  const lines = [`GET ${BLOB_PATH}`, `GET ${origin.origin}/f`, "CONNECT 127.0.0.1:1"];
  for (const line of lines) {
    for (const given of [undefined, "Basic eA==", `Basic ${btoa("me:wrong")}`, `Bearer ${btoa("me:secret")}`]) {
      const answer = await node.ask(line, given === undefined ? {} : { "proxy-authorization": given });
      assert.equal(answer.status, 407, line);
      assert.match(answer.headers.get("proxy-authenticate") ?? "", /^Basic /);
    }
  }
  assert.equal(origin.seen.length, 0);
  for (const line of lines) {
    const { status } = await node.ask(line, { "proxy-authorization": `Basic ${btoa("me:secret")}` });
    assert.equal(status, line.startsWith("CONNECT") ? 502 : 200, line);
  }
  assert.ok(origin.seen.every(({ headers }) => headers.get("proxy-authorization") === null));
});

Deno.test("X-Dragonfly-Output-Path has a new file written before the answer ends, and no old one replaced", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin);
  for (const line of [`GET ${BLOB_PATH}`, `GET ${origin.origin}/f`]) {
    const path = join(node.dir, `out-${line.length}`);
    const headers = { "x-dragonfly-use-p2p": "true", "x-dragonfly-output-path": path };
    const answer = await node.ask(line, headers);
    assert.deepEqual(answer.body, CONTENT);
    assert.deepEqual(Buffer.from(await Deno.readFile(path)), CONTENT);
    const again = await node.ask(line, headers);
    assert.equal(again.status, 400);
    assert.match(again.body.toString(), /it exists/);
    assert.equal((await node.ask(line, { ...headers, "x-dragonfly-output-path": "here" })).status, 400);
  }
});

Deno.test("X-Dragonfly-Output-Path is refused where the configuration does not allow it", async () => {
  await using origin = startOrigin();
  await using node = await startNode(origin.origin, { allowOutputPath: false });
  const path = join(node.dir, "out");
  assert.equal((await node.ask(`GET ${BLOB_PATH}`, { "x-dragonfly-output-path": path })).status, 403);
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});
