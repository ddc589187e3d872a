import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { testCertificates } from "../../testing/certificates.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { testRuntime } from "../../testing/test_runtime.ts";
import { settle, VirtualClock } from "../../testing/virtual_clock.ts";
import { openInterceptor } from "./interceptor.ts";

const HOUR_MS = 3_600_000;
const PATHS = { cert: "/ca/ca.pem", key: "/ca/ca.key", mayGenerate: true };

async function setup() {
  const [clock, disk] = [new VirtualClock(), new MemoryDisk()];
  const runtime = testRuntime({ clock, disk });
  return { clock, disk, runtime, interceptor: await openInterceptor(PATHS, runtime) };
}

Deno.test("a host has the same certificate until half a day before its end, and then another one", async () => {
  const { clock, interceptor } = await setup();
  const first = interceptor.contextFor("reg.corp");
  assert.equal(interceptor.contextFor("REG.corp."), first);
  assert.notEqual(interceptor.contextFor("other.corp"), first);
  clock.jump(35 * HOUR_MS); // without all the looks at the files that are due meanwhile
  assert.equal(interceptor.contextFor("reg.corp"), first);
  clock.jump(HOUR_MS);
  assert.notEqual(interceptor.contextFor("reg.corp"), first);
  await interceptor[Symbol.asyncDispose]();
});

Deno.test("certificates are kept for so many hosts, and the one that was not used for longest gives way", async () => {
  const { interceptor } = await setup();
  const [first, second] = [interceptor.contextFor("first"), interceptor.contextFor("second")];
  for (let index = 0; index < 998; index++) interceptor.contextFor(`host-${index}`);
  assert.equal(interceptor.contextFor("first"), first);
  interceptor.contextFor("one.more");
  assert.equal(interceptor.contextFor("first"), first);
  assert.notEqual(interceptor.contextFor("second"), second);
  await interceptor[Symbol.asyncDispose]();
});

Deno.test("when the files of the authority change the new one signs, and what cannot sign is warned of", async () => {
  const { clock, disk, runtime, interceptor } = await setup();
  const first = interceptor.contextFor("reg.corp");
  const server = testCertificates("a");
  await disk.writeTextAtomic(PATHS.cert, readFileSync(server.cert, "utf8"));
  await disk.writeTextAtomic(PATHS.key, readFileSync(server.key, "utf8"));
  await clock.advance(10_000);
  await settle();
  assert.equal(interceptor.contextFor("reg.corp"), first);
  assert.ok(runtime.log.lines.some(({ level, message }) => level === "warn" && /last good authority/.test(message)));
  for (const path of [PATHS.cert, PATHS.key]) await disk.remove(path);
  await using other = await openInterceptor(PATHS, runtime);
  await clock.advance(10_000);
  await settle();
  assert.notEqual(interceptor.contextFor("reg.corp"), first);
  assert.ok(other);
  await interceptor[Symbol.asyncDispose]();
});

Deno.test("an authority is made only where there is neither of its files, and a certificate without a key is told", async () => {
  const { disk, runtime, interceptor } = await setup();
  await interceptor[Symbol.asyncDispose]();
  const cert = await disk.readText(PATHS.cert);
  assert.equal(new X509Certificate(cert).ca, true);
  assert.equal((await disk.stat(PATHS.key))?.mode, 0o600);
  await disk.remove(PATHS.key);
  await assert.rejects(openInterceptor(PATHS, runtime), { code: "invalid_argument", message: /ca\.key/ });
  assert.equal(await disk.readText(PATHS.cert), cert);
});
