import assert from "node:assert/strict";
import { DamselflyError, errorText } from "../../core/error.ts";
import type { Net } from "../../runtime/net.ts";
import type { Fetch } from "../../runtime/runtime.ts";
import { rangeAnswer } from "../../testing/range_answer.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { VirtualClock } from "../../testing/virtual_clock.ts";
import { createSource } from "./sources.ts";
import type { Source, SourceBody, SourceRequest } from "./source.ts";
import { sourceAnswerOf } from "./source_failure.ts";
import { swarmUserAgent } from "./user_agent.ts";
import { testDestinations } from "../../testing/destinations.ts";

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
const NEVER = new AbortController().signal;

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
}

/** A real HTTP server on a free port that remembers what it was asked. */
function serve(answer: (request: Request) => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    seen.push({ method: request.method, path: new URL(request.url).pathname, headers: request.headers });
    return answer(request);
  });
  return {
    seen,
    url: (path: string) => `http://127.0.0.1:${server.addr.port}${path}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Answers as a plain file server does. */
function file(request: Request, content = CONTENT, headers: Record<string, string> = {}): Response {
  return rangeAnswer(request, content, { etag: '"v1"', ...headers });
}

/** A server that writes `answer` to every connection and hangs up. */
function serveRaw(answer: string | Uint8Array) {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const done = (async () => {
    for await (const conn of listener) {
      await conn.read(new Uint8Array(65_536));
      await conn.write(typeof answer === "string" ? new TextEncoder().encode(answer) : answer);
      conn.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/blob`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done.catch(() => {});
    },
  };
}

function source(): Source {
  return sourceOf((url, init) => fetch(url, init));
}

function sourceOf(fetch: Fetch, isConfigured = (_origin: string) => false, net: Pick<Net, "resolve"> = NAMES): Source {
  return createSource({
    ...testRuntime(),
    role: "seed peer",
    fetch,
    destinations: testDestinations(isConfigured, net),
  });
}

/** Names as they are known to the host. */
const NAMES: Pick<Net, "resolve"> = {
  resolve(name) {
    if (name === "metadata.internal") return Promise.resolve(["192.0.2.1", "169.254.169.254"]);
    if (name === "inside.example") return Promise.resolve(["127.0.0.1"]);
    if (name === "registry") return Promise.resolve(["192.0.2.7"]);
    return Promise.reject(new DamselflyError("unavailable", "No such name"));
  },
};

function request(url: string, headers: Record<string, string> = {}): SourceRequest {
  return { url, headers };
}

async function readAll(body: SourceBody): Promise<Uint8Array> {
  await using _body = body;
  const chunks: number[] = [];
  let buffer = new Uint8Array(64 * 1024);
  while (true) {
    const step = await body.read(buffer);
    if (step === null) return Uint8Array.from(chunks);
    for (const byte of step.bytes) chunks.push(byte);
    buffer = new Uint8Array(step.bytes.buffer);
  }
}

/** An origin `http://registry` whose paths are where it redirects to; all others have 7 bytes. */
function redirecting(): { fetch: Fetch; asked: string[] } {
  const asked: string[] = [];
  const fetch: Fetch = (url) => {
    asked.push(`${url}`);
    const location = decodeURIComponent(new URL(url).pathname.slice(1));
    return Promise.resolve(
      location === "" ? new Response(null, { headers: { "content-length": "7" } }) : Response.redirect(location),
    );
  };
  return { fetch, asked };
}

function redirectTo(url: string): string {
  return `http://registry/${encodeURIComponent(url)}`;
}

async function failureOf(promise: Promise<unknown>): Promise<DamselflyError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof DamselflyError);
    return error;
  }
  assert.fail("it did not fail");
}

Deno.test("stat asks by one HEAD, with the requester's headers and without compression", async () => {
  await using server = serve((r) => file(r, CONTENT, { "set-cookie": "a=b", "docker-content-digest": "sha256:ab" }));
  const stat = await source().stat(request(server.url("/b"), { authorization: "Bearer t" }), NEVER);
  assert.deepEqual(stat, {
    contentLength: CONTENT.length,
    acceptsRanges: true,
    responseHeaders: {
      etag: '"v1"',
      "docker-content-digest": "sha256:ab",
    },
  });
  assert.deepEqual(server.seen.map((s) => s.method), ["HEAD"]);
  assert.equal(server.seen[0]?.headers.get("authorization"), "Bearer t");
  assert.equal(server.seen[0]?.headers.get("accept-encoding"), "identity");
});

Deno.test("where HEAD is refused the length comes from a GET of one byte", async () => {
  for (const status of [405, 501]) {
    await using server = serve((r) => r.method === "HEAD" ? new Response(null, { status }) : file(r));
    const stat = await source().stat(request(server.url("/b")), NEVER);
    assert.equal(stat.contentLength, CONTENT.length);
    assert.equal(stat.acceptsRanges, true);
    assert.equal(server.seen[1]?.headers.get("range"), "bytes=0-0");
  }
});

Deno.test("where HEAD is refused and ranges are unknown, stat says that only a whole stream can be had", async () => {
  await using server = serve((r) =>
    r.method === "HEAD" ? new Response(null, { status: 405 }) : file(new Request(r.url))
  );
  const stat = await source().stat(request(server.url("/b")), NEVER);
  assert.deepEqual([stat.contentLength, stat.acceptsRanges], [CONTENT.length, false]);
});

Deno.test("an empty content has length 0 even where every range of it is refused", async () => {
  await using server = serve((r) =>
    r.method === "HEAD"
      ? new Response(null, { status: 405 })
      : r.headers.has("range")
      ? new Response(null, { status: 416 })
      : new Response(null, { headers: { "content-length": "0" } })
  );
  assert.equal((await source().stat(request(server.url("/b")), NEVER)).contentLength, 0);
});

Deno.test("a content whose length nobody says is an error, not a guess", async () => {
  await using server = serve((r) =>
    new Response(r.method === "HEAD" ? null : new ReadableStream({ pull: (c) => c.close() }), {
      headers: { "transfer-encoding": "chunked" },
    })
  );
  const error = await failureOf(source().stat(request(server.url("/b")), NEVER));
  assert.equal(error.code, "source_error");
  assert.equal(sourceAnswerOf(error)?.status, undefined);
});

Deno.test("a redirect to another origin is followed without the requester's credentials", async () => {
  await using store = serve((r) => file(r));
  await using registry = serve(() => new Response(null, { status: 307, headers: { location: store.url("/blob") } }));
  const secrets = {
    authorization: "Bearer t",
    cookie: "c=1",
    "proxy-authorization": "Basic x",
    "x-token": "secret",
    accept: "*/*",
  };
  const asked = request(registry.url("/b"), secrets);
  const stat = await source().stat(asked, NEVER);
  const body = await source().read(asked, { start: 10, end: 20 }, { contentLength: stat.contentLength }, NEVER);
  assert.deepEqual(await readAll(body), CONTENT.slice(10, 20));
  for (const { headers } of store.seen) {
    for (const name of ["authorization", "cookie", "proxy-authorization", "x-token"]) {
      assert.equal(headers.get(name), null);
    }
    assert.equal(headers.get("accept"), "*/*");
  }
  assert.equal(registry.seen[0]?.headers.get("authorization"), "Bearer t");
});

Deno.test("credentials stay gone when a redirect leads back to the first origin", async () => {
  await using second = serve(() => new Response(null, { status: 302, headers: { location: first.url("/end") } }));
  await using first = serve((r) =>
    r.url.endsWith("/end") ? file(r) : new Response(null, { status: 302, headers: { location: second.url("/x") } })
  );
  await source().stat(request(first.url("/start"), { authorization: "Bearer t" }), NEVER);
  assert.deepEqual(first.seen.map((s) => s.headers.get("authorization")), ["Bearer t", null]);
});

Deno.test("credentials are kept on a redirect within the origin", async () => {
  await using server = serve((r) =>
    r.url.endsWith("/end") ? file(r) : new Response(null, { status: 301, headers: { location: "/end" } })
  );
  await source().stat(request(server.url("/start"), { authorization: "Bearer t" }), NEVER);
  assert.deepEqual(server.seen.map((s) => s.headers.get("authorization")), ["Bearer t", "Bearer t"]);
});

Deno.test("a URL that is signed for GET only is asked by GET", async () => {
  await using store = serve((r) =>
    r.method === "HEAD" ? new Response("SignatureDoesNotMatch", { status: 403 }) : file(r)
  );
  await using registry = serve(() => new Response(null, { status: 307, headers: { location: store.url("/blob") } }));
  const stat = await source().stat(request(registry.url("/b")), NEVER);
  assert.equal(stat.contentLength, CONTENT.length);
});

Deno.test("a redirect from HTTPS to plain HTTP is refused, for anybody on the way could answer", async () => {
  const asked: string[] = [];
  const fake: Fetch = (url) => {
    asked.push(`${url}`);
    return Promise.resolve(Response.redirect("http://files.example/blob", 307));
  };
  const error = await failureOf(sourceOf(fake).stat(request("https://registry.example/blob"), NEVER));
  assert.match(error.message, /redirects to plain HTTP at http:\/\/files\.example\/blob/);
  assert.deepEqual(asked, ["https://registry.example/blob"]);
});

Deno.test("redirects in a circle end after ten", async () => {
  await using server = serve(() => new Response(null, { status: 302, headers: { location: "/again" } }));
  const error = await failureOf(source().stat(request(server.url("/b")), NEVER));
  assert.match(error.message, /more than 10/);
  assert.equal(server.seen.length, 11);
});

Deno.test("a refusal keeps its status, challenge and body, and tells no secrets of the URL", async () => {
  await using server = serve(() =>
    new Response('{"errors":[]}', {
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="r"', "set-cookie": "a=b", "content-type": "application/json" },
    })
  );
  const asked = request(server.url("/b?X-Amz-Signature=secret"));
  const error = await failureOf(source().read(asked, { start: 0, end: 5 }, { contentLength: 5 }, NEVER));
  const answer = sourceAnswerOf(error);
  assert.equal(answer?.status, 401);
  assert.equal(answer?.headers["www-authenticate"], 'Bearer realm="r"');
  assert.equal(answer?.headers["set-cookie"], undefined);
  assert.equal(new TextDecoder().decode(answer?.body), '{"errors":[]}');
  assert.doesNotMatch(error.message, /secret/);
  assert.equal(sourceAnswerOf(await failureOf(source().stat(asked, NEVER)))?.status, 401);
});

Deno.test("a challenge of another origin is not relayed", async () => {
  await using store = serve(() => new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } }));
  await using registry = serve(() => new Response(null, { status: 307, headers: { location: store.url("/blob") } }));
  const error = await failureOf(
    source().read(request(registry.url("/b")), { start: 0, end: 5 }, { contentLength: 5 }, NEVER),
  );
  assert.equal(sourceAnswerOf(error)?.headers["www-authenticate"], undefined);
});

Deno.test("a refusal's body is cut at 64 KiB", async () => {
  await using server = serve(() => new Response(new Uint8Array(200_000), { status: 500 }));
  const error = await failureOf(
    source().read(request(server.url("/b")), { start: 0, end: 5 }, { contentLength: 5 }, NEVER),
  );
  assert.equal(sourceAnswerOf(error)?.body.length, 64 * 1024);
});

Deno.test("read gives the whole content by one GET without a range", async () => {
  await using server = serve((r) => file(r));
  const whole = { start: 0, end: CONTENT.length };
  const body = await source().read(request(server.url("/b")), whole, { contentLength: CONTENT.length }, NEVER);
  assert.deepEqual(await readAll(body), CONTENT);
  assert.equal(server.seen[0]?.headers.get("range"), null);
});

Deno.test("a server that ignores ranges may answer from the first byte, and no other", async () => {
  await using server = serve((r) => file(new Request(r.url)));
  const body = await source().read(
    request(server.url("/b")),
    { start: 0, end: 100 },
    { contentLength: CONTENT.length },
    NEVER,
  );
  assert.deepEqual(await readAll(body), CONTENT.slice(0, 100));
  const error = await failureOf(
    source().read(request(server.url("/b")), { start: 7, end: 100 }, { contentLength: CONTENT.length }, NEVER),
  );
  assert.equal(sourceAnswerOf(error)?.ignoresRange, true);
});

Deno.test("a Content-Range that lies is refused", async () => {
  for (const range of ["bytes 0-9/300000", "bytes 10-19/299999", "bytes 10-29/300000", "bytes 10-19/*", "x"]) {
    await using server = serve(() =>
      new Response(CONTENT.slice(10, 20), { status: 206, headers: { "content-range": range } })
    );
    const read = source().read(
      request(server.url("/b")),
      { start: 10, end: 20 },
      { contentLength: CONTENT.length },
      NEVER,
    );
    assert.equal((await failureOf(read)).code, "source_error", range);
  }
});

Deno.test("a content of another length than it had is refused", async () => {
  await using server = serve((r) => file(r, CONTENT.slice(1)));
  const whole = { start: 0, end: CONTENT.length };
  const error = await failureOf(
    source().read(request(server.url("/b")), whole, { contentLength: CONTENT.length }, NEVER),
  );
  assert.match(error.message, /299999 bytes now and had 300000/);
});

Deno.test("a chunked content that is longer than it was is refused at its end", async () => {
  await using server = serve(() => new Response(ReadableStream.from([CONTENT.slice(0, 11)])));
  const body = await source().read(request(server.url("/b")), { start: 0, end: 10 }, { contentLength: 10 }, NEVER);
  assert.match((await failureOf(readAll(body))).message, /longer than it was/);
});

Deno.test("a body cut short throws, whether or not it said how long it would be", async () => {
  for (const header of ["Content-Length: 100\r\n", ""]) {
    await using server = serveRaw(`HTTP/1.1 200 OK\r\n${header}Connection: close\r\n\r\nonly this`);
    const body = await source().read(request(server.url), { start: 0, end: 100 }, { contentLength: 100 }, NEVER);
    assert.equal((await failureOf(readAll(body))).code, "source_error");
  }
});

Deno.test("an encoded answer is refused, since its bytes are not the content", async () => {
  const gzip = new Uint8Array(
    await new Response(new Response("hello").body?.pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
  const head = new TextEncoder().encode(
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzip.length}\r\nConnection: close\r\n\r\n`,
  );
  await using server = serveRaw(Uint8Array.of(...head, ...gzip));
  const error = await failureOf((async () => {
    await readAll(
      await source().read(request(server.url), { start: 0, end: gzip.length }, { contentLength: gzip.length }, NEVER),
    );
  })());
  assert.equal(error.code, "source_error");
});

Deno.test("nobody listening is a source error without a status", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const error = await failureOf(source().stat(request(`http://127.0.0.1:${port}/b?token=x`), NEVER));
  assert.equal(sourceAnswerOf(error)?.status, undefined);
  assert.match(error.message, /cannot be reached/);
  assert.match(errorText(error), /onnect/);
  assert.doesNotMatch(errorText(error), /token/);
});

Deno.test("an abort ends the wait with the caller's reason", async () => {
  const asked = Promise.withResolvers<void>();
  const never = Promise.withResolvers<Response>();
  await using server = serve(() => {
    asked.resolve();
    return never.promise;
  });
  const stop = new AbortController();
  const stat = source().stat(request(server.url("/b")), stop.signal);
  await asked.promise;
  stop.abort(new DamselflyError("cancelled", "Left"));
  assert.equal((await failureOf(stat)).code, "cancelled");
  never.resolve(new Response());
});

Deno.test("addresses of cloud metadata services are not asked, also when a redirect leads there", async () => {
  const { fetch: fake, asked } = redirecting();
  const literal = ["http://169.254.169.254", "http://[fe80::1]", "http://[::ffff:169.254.169.254]", "http://0.0.0.0"];
  for (const origin of [...literal, "http://metadata.internal"]) {
    for (const url of [`${origin}/`, redirectTo(`${origin}/`), redirectTo(redirectTo(`${origin}/`))]) {
      for (const remoteIp of ["127.0.0.1", "192.0.2.9", undefined]) {
        const stat = sourceOf(fake).stat({ ...request(url), ...(remoteIp !== undefined && { remoteIp }) }, NEVER);
        assert.equal((await failureOf(stat)).code, "permission_denied", url);
      }
    }
  }
  assert.ok(asked.every((url) => url.startsWith("http://registry/")), asked.join());
  const configured = sourceOf(fake, (origin) => origin === "http://169.254.1.1:5000");
  assert.equal((await configured.stat(request("http://169.254.1.1:5000/"), NEVER)).contentLength, 7);
});

Deno.test("a redirect leads nobody from elsewhere to addresses of this host, by number or by name", async () => {
  const { fetch: fake, asked } = redirecting();
  const content = { contentLength: 7 };
  for (const origin of ["http://127.0.0.1:9000", "http://[::1]:9000", "http://inside.example"]) {
    for (const url of [`${origin}/`, redirectTo(`${origin}/`)]) {
      for (const remoteIp of ["192.0.2.9", ""]) {
        const ask = { ...request(url), remoteIp };
        assert.equal((await failureOf(sourceOf(fake).stat(ask, NEVER))).code, "permission_denied", url);
        const read = sourceOf(fake).read(ask, { start: 0, end: 7 }, content, NEVER);
        assert.equal((await failureOf(read)).code, "permission_denied", url);
      }
      assert.ok(asked.every((url) => url.startsWith("http://registry/")), asked.join());
    }
    const own = [request(redirectTo(`${origin}/`)), { ...request(redirectTo(`${origin}/`)), remoteIp: "127.0.0.1" }];
    for (const ask of own) assert.equal((await sourceOf(fake).stat(ask, NEVER)).contentLength, 7);
    asked.length = 0;
  }
  const configured = sourceOf(fake, (origin) => origin === "http://127.0.0.1:9000");
  const ask = { ...request(redirectTo("http://127.0.0.1:9000/")), remoteIp: "192.0.2.9" };
  assert.equal((await configured.stat(ask, NEVER)).contentLength, 7);
});

Deno.test("a name that only an HTTP proxy may know is left to it, and one that is looked up for too long is given up", async () => {
  const { fetch: fake } = redirecting();
  const ask = { ...request("http://unknown.example/"), remoteIp: "192.0.2.9" };
  assert.equal((await sourceOf(fake).stat(ask, NEVER)).contentLength, 7);
  const clock = new VirtualClock();
  const net: Net = { ...testRuntime().net, resolve: () => new Promise(() => {}) };
  const slow = createSource({
    ...{ ...testRuntime({ clock, net }), role: "peer", fetch: fake, destinations: testDestinations(undefined, net) },
  });
  const late = failureOf(slow.stat(ask, NEVER));
  await clock.advance(25_000);
  assert.match((await late).message, /did not answer within 25000 ms/);
  const stop = new AbortController();
  const left = failureOf(slow.stat(ask, stop.signal));
  stop.abort(new DamselflyError("cancelled", "Left"));
  assert.equal((await left).code, "cancelled");
});

Deno.test("a part is asked for on the condition that the version is the same, by what tells most", async () => {
  await using server = serve((r) => file(r));
  const asked: [Record<string, string>, string | null][] = [
    [{ etag: '"v1"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" }, '"v1"'],
    [{ etag: 'W/"v1"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" }, "Thu, 01 Jan 2026 00:00:00 GMT"],
    [{ "content-type": "text/plain" }, null],
  ];
  for (const [version, expected] of asked) {
    const part = source().read(request(server.url("/b")), { start: 3, end: 9 }, {
      contentLength: CONTENT.length,
      version,
    }, NEVER);
    await part.then((body) => body[Symbol.asyncDispose](), () => {});
    assert.equal(server.seen.at(-1)?.headers.get("if-range"), expected);
  }
});

Deno.test("another version is refused, be it a part, all of it, or the whole that comes in place of a part", async () => {
  const version = { etag: '"v0"' };
  const content = { contentLength: CONTENT.length, version };
  await using server = serve((r) => file(new Request(r.url, r.url.endsWith("/part") ? r : {})));
  const ranges = [[3, 9, "/part"], [3, 9, "/whole"], [0, CONTENT.length, "/whole"]] as const;
  for (const [start, end, path] of ranges) {
    const error = await failureOf(source().read(request(server.url(path)), { start, end }, content, NEVER));
    assert.equal(sourceAnswerOf(error)?.isOtherVersion, true, `${start}-${end} ${path}`);
    assert.match(error.message, /another version/);
  }
});

Deno.test("what an answer says of its version is told with its bytes", async () => {
  await using server = serve((r) => file(r));
  await using body = await source().read(request(server.url("/b")), { start: 0, end: 5 }, {
    contentLength: CONTENT.length,
  }, NEVER);
  assert.equal(body.version["etag"], '"v1"');
});

Deno.test("whatever is asked for the swarm says so, and an origin that a redirect leads to is told as well", async () => {
  await using target = serve((r) => file(r));
  await using server = serve(() => Response.redirect(target.url("/b"), 307));
  const asked = request(server.url("/b"), { "user-agent": "containerd/2.1" });
  await source().stat(asked, NEVER);
  await readAll(await source().read(asked, { start: 0, end: 10 }, { contentLength: CONTENT.length }, NEVER));
  const told = [...server.seen, ...target.seen].map(({ headers }) => headers.get("user-agent"));
  assert.deepEqual(told, Array(4).fill(swarmUserAgent("seed peer", "containerd/2.1")));
});

Deno.test("a content that is begun costs one request, which tells what a HEAD would and gives all of it", async () => {
  await using server = serve((request) => file(request));
  const asked = request(server.url("/blob"));
  const { stat, body } = await source().begin(asked, NEVER);
  await using _body = body;
  assert.deepEqual(stat, await source().stat(asked, NEVER));
  assert.deepEqual(await readAll(body), CONTENT);
  assert.deepEqual(server.seen.map(({ method }) => method), ["GET", "HEAD"]);
});

Deno.test("what is begun and cannot be used is refused with the reason, and its transfer ends", async () => {
  const answers: Record<string, (request: Request) => Response> = {
    "answered 503": () => new Response("busy", { status: 503 }),
    "does not say how long": () => new Response(new Blob([CONTENT]).stream()),
    "an encoding": () => new Response(CONTENT, { headers: { "content-encoding": "zstd" } }),
  };
  for (const [why, answer] of Object.entries(answers)) {
    await using server = serve(answer);
    await assert.rejects(source().begin(request(server.url("/blob")), NEVER), (error) => {
      assert.ok(sourceAnswerOf(error) !== undefined && errorText(error).includes(why), errorText(error));
      return true;
    });
  }
});
