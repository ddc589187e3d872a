import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { realClock } from "../runtime/clock.ts";
import type { TlsFiles, TlsMaterial } from "../runtime/tls_files.ts";
import { testCertificates } from "../testing/certificates.ts";
import type { HttpHandler } from "./serve.ts";
import { type HttpsServerOptions, startHttpsServer } from "./serve_tls.ts";

const clock = realClock();
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

function serve(handler: HttpHandler, options: Partial<HttpsServerOptions> = {}) {
  return startHttpsServer({ listen: loopback, handler, tls: new HeldFiles(), onError() {}, clock, ...options });
}

/** Asks the server as one who trusts the authority of `name`. */
async function ask(port: number, name: "a" | "b", init: RequestInit = {}): Promise<Response> {
  using client = Deno.createHttpClient({ caCerts: [readFileSync(testCertificates(name).caCert, "utf8")] });
  const response = await fetch(`https://127.0.0.1:${port}/x?y=1`, { ...init, client });
  const body = await response.text();
  return new Response(body, { status: response.status, headers: response.headers });
}

Deno.test("a request in TLS reaches the handler whole, with the caller's address, and the answer comes back", async () => {
  await using server = await serve(async (request, { remote }) => {
    const { pathname, search } = new URL(request.url);
    const said = `${request.method} ${pathname}${search} ${await request.text()} ${remote.hostname}`;
    return new Response(said, { status: 201, headers: { "x-a": "1" } });
  });
  const response = await ask(server.port, "a", { method: "POST", body: "body" });
  assert.deepEqual([response.status, response.headers.get("x-a")], [201, "1"]);
  assert.equal(await response.text(), "POST /x?y=1 body 127.0.0.1");
});

Deno.test("a renewed certificate is shown to new callers without a restart", async () => {
  const tls = new HeldFiles();
  await using server = await serve(() => new Response("here"), { tls });
  assert.equal(await (await ask(server.port, "a")).text(), "here");
  await assert.rejects(ask(server.port, "b"));
  tls.change(material("b"));
  assert.equal(await (await ask(server.port, "b")).text(), "here");
  await assert.rejects(ask(server.port, "a"));
});

Deno.test("who speaks no TLS gets no answer", async () => {
  await using server = await serve(() => new Response("here"));
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
});

Deno.test("what a handler throws goes to its owner, and the requester learns nothing of it", async () => {
  const errors: unknown[] = [];
  await using server = await serve(() => Promise.reject(new Error("secret")), {
    onError: (error) => errors.push(error),
  });
  const response = await ask(server.port, "a");
  assert.deepEqual([response.status, await response.text()], [500, ""]);
  assert.deepEqual(errors.map(String), ["Error: secret"]);
});

Deno.test("stopping lets a request finish, but not for longer than its limit", async () => {
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const server = await serve(async () => {
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
  const other = await serve(async (_request, { signal }) => {
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
  const server = await serve(() => new Response("here"), { drainTimeoutMs: 50 });
  using caller = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  assert.equal(await (await ask(server.port, "a")).text(), "here", "so the one before is accepted too");
  const beganAtMs = clock.now();
  await server[Symbol.asyncDispose]();
  assert.ok(clock.now() - beganAtMs < 5_000, "the server does not wait until the caller is late with TLS");
  assert.equal(await caller.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("a port that is in use is named", async () => {
  await using server = await serve(() => new Response());
  const again = { handler: () => new Response(), tls: new HeldFiles(), onError() {}, clock };
  await assert.rejects(startHttpsServer({ listen: { hostname: "127.0.0.1", port: server.port }, ...again }), {
    code: "already_exists",
    message: new RegExp(`:${server.port}`),
  });
});
