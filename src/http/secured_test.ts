import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { realClock } from "../runtime/clock.ts";
import { realNet } from "../runtime/real_net.ts";
import type { TlsFiles, TlsMaterial } from "../runtime/tls_files.ts";
import { testCertificates } from "../testing/certificates.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { RawClient } from "../testing/raw_http.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { type HttpHandler, type HttpServerOptions, startHttpServer } from "./serve.ts";

const clock = realClock();
const net = realNet();
const loopback = { hostname: "127.0.0.1", port: 0 };

function material(name: "a" | "b"): TlsMaterial {
  const { cert, key } = testCertificates(name);
  return { caCert: undefined, cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

/** Certificates that a test changes by hand. */
class HeldFiles implements TlsFiles {
  #material = material("a");
  #listeners = new Set<(material: TlsMaterial) => void>();

  current(): TlsMaterial {
    return this.#material;
  }

  onChange(listener: (material: TlsMaterial) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  change(to: TlsMaterial): void {
    this.#material = to;
    for (const listener of this.#listeners) listener(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function serve(handler: HttpHandler, options: Partial<HttpServerOptions> = {}) {
  return startHttpServer({ listen: loopback, handler, tls: new HeldFiles(), onError() {}, clock, net, ...options });
}

/** Asks the server as one who trusts the authority of `name`. */
async function ask(port: number, name: "a" | "b", init: RequestInit = {}): Promise<Response> {
  using client = Deno.createHttpClient({ caCerts: [readFileSync(testCertificates(name).caCert, "utf8")] });
  const response = await fetch(`https://127.0.0.1:${port}/x?y=1`, { ...init, client });
  const body = await response.text();
  return new Response(body, { status: response.status, headers: response.headers });
}

Deno.test("a request in TLS reaches the handler whole, with the caller's address, and the answer comes back", async () => {
  await using server = serve(async (request, { remote }) => {
    const { protocol, pathname, search } = new URL(request.url);
    const said = `${request.method} ${protocol} ${pathname}${search} ${await request.text()} ${remote.hostname}`;
    return new Response(said, { status: 201, headers: { "x-a": "1" } });
  });
  const response = await ask(server.port, "a", { method: "POST", body: "body" });
  assert.deepEqual([response.status, response.headers.get("x-a")], [201, "1"]);
  assert.equal(await response.text(), "POST https: /x?y=1 body 127.0.0.1");
});

Deno.test("a renewed certificate is shown to new callers without a restart", async () => {
  const tls = new HeldFiles();
  await using server = serve(() => new Response("here"), { tls });
  assert.equal(await (await ask(server.port, "a")).text(), "here");
  await assert.rejects(ask(server.port, "b"));
  tls.change(material("b"));
  assert.equal(await (await ask(server.port, "b")).text(), "here");
  await assert.rejects(ask(server.port, "a"));
});

Deno.test("who speaks no TLS gets no answer", async () => {
  await using server = serve(() => new Response("here"));
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
});

Deno.test("what a handler throws goes to its owner, and the requester learns nothing of it", async () => {
  const errors: unknown[] = [];
  await using server = serve(() => Promise.reject(new Error("secret")), {
    onError: (error) => errors.push(error),
  });
  const response = await ask(server.port, "a");
  assert.deepEqual([response.status, await response.text()], [500, ""]);
  assert.deepEqual(errors.map(String), ["Error: secret"]);
});

Deno.test("stopping lets a request finish, but not for longer than its limit", async () => {
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const server = serve(async () => {
    began.resolve();
    await goOn.promise;
    return new Response("finished");
  });
  const answer = ask(server.port, "a");
  await began.promise;
  const stopped = server[Symbol.asyncDispose]();
  goOn.resolve();
  assert.equal(await (await answer).text(), "finished");
  await stopped;

  const stuck = Promise.withResolvers<void>();
  const gaveUp = Promise.withResolvers<void>();
  const other = serve(async (_request, { signal }) => {
    stuck.resolve();
    signal.addEventListener("abort", () => gaveUp.resolve());
    await gaveUp.promise;
    return new Response("late");
  }, { drainTimeoutMs: 50 });
  const broken = assert.rejects(ask(other.port, "a"));
  await stuck.promise;
  await other[Symbol.asyncDispose]();
  await Promise.all([broken, gaveUp.promise]);
});

Deno.test("a caller who never begins with TLS does not keep the server from stopping", async () => {
  const server = serve(() => new Response("here"), { drainTimeoutMs: 50 });
  using caller = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  assert.equal(await (await ask(server.port, "a")).text(), "here", "so the one before is accepted too");
  const beganAtMs = clock.now();
  await server[Symbol.asyncDispose]();
  assert.ok(clock.now() - beganAtMs < 5_000, "the server does not wait until the caller is late with TLS");
  assert.equal(await caller.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("a requester that leaves is no longer worked for", async () => {
  const began = Promise.withResolvers<void>();
  const gaveUp = Promise.withResolvers<void>();
  await using server = serve((_request, { signal }) => {
    signal.addEventListener("abort", () => gaveUp.resolve());
    began.resolve();
    return gaveUp.promise.then(() => new Response("late"));
  });
  const leave = new AbortController();
  const asked = assert.rejects(ask(server.port, "a", { signal: leave.signal }));
  await began.promise;
  leave.abort();
  await Promise.all([gaveUp.promise, asked]);
});

Deno.test("a long answer in TLS comes whole, also when the connection ends with it", async () => {
  const body = new Uint8Array(3 * 1024 * 1024).map((_, index) => index % 251);
  await using server = serve(() => new Response(body));
  using caller = await dial(server.port);
  await caller.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const came = await new Response(caller.readable).bytes();
  const head = new TextDecoder("latin1").decode(came).indexOf("\r\n0\r\n\r\n");
  assert.ok(came.length > body.length && head === came.length - 7, "up to the last chunk");
});

Deno.test("what is no HTTP is refused within TLS, and so is CONNECT", async () => {
  await using server = serve(() => new Response("here"), { onConnect: () => Promise.resolve(new Response()) });
  for (
    const [said, status] of [["nonsense\r\n\r\n", 400], ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405]] as const
  ) {
    using caller = await dial(server.port);
    await caller.write(new TextEncoder().encode(said));
    assert.match(await new Response(caller.readable).text(), new RegExp(`^HTTP/1.1 ${status} `));
  }
});

Deno.test("who begins with TLS and does not go on is cut off after ten seconds", async () => {
  const [memory, virtual] = [new MemoryNet(), new VirtualClock()];
  const listen = { hostname: "10.0.0.1", port: 443 };
  await using server = serve(() => new Response("here"), { listen, net: memory, clock: virtual });
  using client = await RawClient.connect(memory, server);
  await client.write("\x16\x03\x01");
  const ended = client.untilEnd();
  await virtual.advance(15_000);
  assert.equal(await ended, "");
});

/** A connection in TLS by somebody who trusts the server. */
function dial(port: number): Promise<Deno.TlsConn> {
  const caCerts = [readFileSync(testCertificates("a").caCert, "utf8")];
  return Deno.connectTls({ hostname: "127.0.0.1", port, caCerts });
}
