import assert from "node:assert/strict";
import { service, startRpcServer } from "../rpc/server.ts";
import { SchedulerService } from "../rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../runtime/clock.ts";
import { EXIT } from "../runtime/main.ts";
import { MemoryNet } from "../testing/memory_net.ts";
import { silentLog } from "../runtime/log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { type HealthEndpoint, runHealth } from "./component_health.ts";

const HTTP = { kind: "http", listen: { hostname: "0.0.0.0", port: 8080 } } as const;

/** Asks, and returns the exit code and what was printed, errors behind a mark. */
async function ask(endpoint: HealthEndpoint, net: MemoryNet, clock = realClock()) {
  let printed = "";
  const terminal = {
    print: (text: string) => void (printed += text),
    printError: (text: string) => void (printed += `! ${text}`),
  };
  const code = await runHealth(endpoint, { net, clock }, terminal, new AbortController().signal);
  return { code, printed };
}

/** Answers the first request with parts of a text, and says what was asked for. */
async function answerOnce(net: MemoryNet, hostname: string, parts: readonly string[]): Promise<string> {
  using listener = net.listen({ hostname, port: 8080 });
  for await (const conn of listener) {
    const into = new Uint8Array(1000);
    const length = await conn.read(into) ?? 0;
    for (const part of parts) await conn.write(new TextEncoder().encode(part));
    conn.close();
    return new TextDecoder().decode(into.subarray(0, length));
  }
  return "";
}

Deno.test("a component that says over HTTP that it serves is healthy, by the address of this host", async () => {
  const net = new MemoryNet();
  const asked = answerOnce(net, "127.0.0.1", ["HTTP/1.", "1 200", " OK\r\n\r\n"]);
  assert.deepEqual(await ask(HTTP, net), { code: EXIT.done, printed: "127.0.0.1:8080 serves\n" });
  assert.match(await asked, /^GET \/healthy HTTP\/1\.1\r\nHost: 127\.0\.0\.1:8080\r\n/);
});

Deno.test("a component is not healthy when it says so, says nothing that is HTTP, hangs up, or is not there", async () => {
  for (
    const parts of [["HTTP/1.1 503 Service Unavailable\r\n\r\n"], ["HTTP/1.1 2000"], ["SSH-2.0-x HTTP/1.1 200 "], []]
  ) {
    const net = new MemoryNet();
    const asked = answerOnce(net, "127.0.0.1", parts);
    const { code, printed } = await ask(HTTP, net);
    assert.deepEqual([code, printed], [EXIT.failed, "! 127.0.0.1:8080 says that it does not serve\n"], parts.join());
    await asked;
  }
  const { code, printed } = await ask(HTTP, new MemoryNet());
  assert.equal(code, EXIT.failed);
  assert.match(printed, /^! 127\.0\.0\.1:8080 does not answer: .*refused/);
});

Deno.test("a component that hangs is not waited for longer than 4 s", async () => {
  const [net, clock] = [new MemoryNet(), new VirtualClock()];
  using _listener = net.listen(HTTP.listen);
  const asked = ask(HTTP, net, clock);
  await clock.advance(3_900);
  assert.equal(await Promise.race([asked, Promise.resolve("waits")]), "waits");
  await clock.advance(200);
  const { code, printed } = await asked;
  assert.equal(code, EXIT.failed);
  assert.match(printed, /^! 127\.0\.0\.1:8080 does not answer: Time limit of 4000 ms is over/);
});

Deno.test("in TLS a connection that is taken is enough", async () => {
  const net = new MemoryNet();
  const endpoint = { kind: "tcp", listen: { hostname: "::", port: 8080 } } as const;
  assert.equal((await ask(endpoint, net)).code, EXIT.failed);
  using _listener = net.listen({ hostname: "::1", port: 8080 });
  assert.deepEqual(await ask(endpoint, net), { code: EXIT.done, printed: "[::1]:8080 serves\n" });
});

Deno.test("a gRPC server is asked with gRPC's own health check", async () => {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const services = [service(SchedulerService, {} as never)];
  const server = await startRpcServer({ listen, services, log: silentLog(), clock: realClock() });
  const endpoint = { kind: "grpc", listen: { ...listen, port: server.port } } as const;
  try {
    assert.equal((await ask(endpoint, new MemoryNet())).code, EXIT.done);
  } finally {
    await server[Symbol.asyncDispose]();
  }
  assert.equal((await ask(endpoint, new MemoryNet())).code, EXIT.failed);
});
