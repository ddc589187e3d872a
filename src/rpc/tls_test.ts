import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as secure } from "node:tls";
import type { Clock } from "../runtime/clock.ts";
import { realDisk } from "../runtime/real_disk.ts";
import { openTlsFiles } from "../runtime/tls_files.ts";
import { testCertificates } from "../testing/certificates.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { seededRandom } from "../testing/seeded_random.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { checkHealth } from "./client.ts";
import { startRpcServer } from "./server.ts";
import { clock, limited, loopback } from "./testdata/calls.ts";

const log = new MemoryLog();
const disk = realDisk(seededRandom(1));

function open(paths: ReturnType<typeof testCertificates>, time: Clock = clock) {
  return openTlsFiles(paths, { disk, clock: time, log });
}

Deno.test("callers with a certificate of the server's authority are served, by IP address and by name; others are not", async () => {
  await using a = await open(testCertificates("a"));
  await using b = await open(testCertificates("b"));
  await using mixed = await open({ ...testCertificates("b"), caCert: testCertificates("a").caCert });
  await using server = await startRpcServer({ listen: loopback, services: [], tls: a, log, clock });
  const ask = (tls: typeof a | undefined, host = "127.0.0.1") =>
    checkHealth(`${host}:${server.port}`, { ...limited, clock, tls });
  assert.equal(await ask(a), true);
  assert.equal(await ask(a, "localhost"), true);
  for (const [who, tls] of [["a stranger", b], ["a stranger who trusts us", mixed], ["nobody", undefined]] as const) {
    await assert.rejects(ask(tls), { code: "unavailable" }, who);
  }
});

Deno.test("a server whose certificate is for another address is not spoken to", async () => {
  await using a = await open(testCertificates("a"));
  await using server = await startRpcServer({
    ...{ listen: { hostname: "127.0.0.2", port: 0 }, services: [], tls: a, log, clock },
  });
  await assert.rejects(checkHealth(`127.0.0.2:${server.port}`, { ...limited, clock, tls: a }), { code: "unavailable" });
});

Deno.test("a plain server is not spoken to by a caller who wants TLS", async () => {
  await using a = await open(testCertificates("a"));
  await using server = await startRpcServer({ listen: loopback, services: [], log, clock });
  await assert.rejects(checkHealth(`127.0.0.1:${server.port}`, { ...limited, clock, tls: a }), { code: "unavailable" });
});

Deno.test("who agrees on TLS when the server has stopped is not served any more", async () => {
  await using a = await open(testCertificates("a"));
  const server = await startRpcServer({ listen: loopback, services: [], tls: a, log, clock });
  const early = connect(server.port, "127.0.0.1");
  await once(early, "connect");
  await checkHealth(`127.0.0.1:${server.port}`, { ...limited, clock, tls: a }); // by now the other one is accepted too
  await server[Symbol.asyncDispose]();
  const { caCert, cert, key } = a.current();
  const late = secure({ socket: early, cert, key, ALPNProtocols: ["h2"], ...(caCert && { ca: caCert }) });
  late.on("error", () => {});
  const closed = new Promise<void>((resolve) => late.on("close", () => resolve()));
  late.on("data", () => late.destroy(new Error("it is served")));
  late.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await closed;
  assert.equal(late.bytesRead, 0, "it is served");
});

Deno.test("a server and its callers take renewed certificates without a restart", async () => {
  const folder = await Deno.makeTempDir();
  await using _folder = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  const paths = { caCert: join(folder, "ca"), cert: join(folder, "cert"), key: join(folder, "key") };
  const copy = async (name: "a" | "b") => {
    const from = testCertificates(name);
    for (const key of ["caCert", "cert", "key"] as const) await writeFile(paths[key], await readFile(from[key]));
  };
  await copy("a");
  const time = new VirtualClock();
  await using files = await open(paths, time);
  await using a = await open(testCertificates("a"));
  await using b = await open(testCertificates("b"));
  await using server = await startRpcServer({ listen: loopback, services: [], tls: files, log, clock });
  const ask = (tls: typeof a) => checkHealth(`127.0.0.1:${server.port}`, { ...limited, clock, tls });
  assert.equal(await ask(a), true);
  await copy("b");
  const renewed = Promise.withResolvers<void>();
  files.onChange(() => renewed.resolve());
  await time.advance(10_000);
  await renewed.promise;
  assert.equal(await ask(b), true);
  assert.equal(await ask(files), true);
  await assert.rejects(ask(a), { code: "unavailable" });
});
