import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { MemoryLog } from "../testing/memory_log.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { openClientTlsFiles, openTlsFiles, type TlsMaterial } from "./tls_files.ts";

const PATHS = { caCert: "/tls/ca.pem", cert: "/tls/cert.pem", key: "/tls/key.pem" };

function material(name: "a" | "b"): TlsMaterial {
  const { caCert, cert, key } = testCertificates(name);
  const [ca, own, secret] = [caCert, cert, key].map((path) => readFileSync(path, "utf8"));
  return { caCert: ca, cert: own ?? "", key: secret ?? "" };
}

async function filesOf(given: TlsMaterial) {
  const disk = new MemoryDisk();
  await disk.mkdirAll("/tls");
  const write = async ({ caCert = "", cert, key }: TlsMaterial) => {
    await disk.writeTextAtomic(PATHS.caCert, caCert);
    await disk.writeTextAtomic(PATHS.cert, cert);
    await disk.writeTextAtomic(PATHS.key, key);
  };
  await write(given);
  return { disk, write, clock: new VirtualClock(), log: new MemoryLog() };
}

Deno.test("certificates that are renewed on disk are in use after 10 s", async () => {
  const made = await filesOf(material("a"));
  await using files = await openTlsFiles(PATHS, made);
  assert.deepEqual(files.current(), material("a"));
  const seen: TlsMaterial[] = [];
  const subscription = files.onChange((next) => seen.push(next));
  await made.clock.advance(10_000);
  await made.write(material("b"));
  await made.clock.advance(9_999);
  assert.deepEqual(seen, [], "unchanged files are no change");
  await made.clock.advance(1);
  assert.deepEqual([files.current(), seen], [material("b"), [material("b")]]);
  subscription[Symbol.dispose]();
  await made.write(material("a"));
  await made.clock.advance(10_000);
  assert.equal(seen.length, 1);
});

Deno.test("a client without a certificate of its own follows the file of its authority, with one those too", async () => {
  const made = await filesOf(material("a"));
  const { caCert, cert, key } = material("b");
  await using own = await openClientTlsFiles(PATHS, made);
  await using files = await openClientTlsFiles({ caCert: PATHS.caCert }, made);
  await using none = await openClientTlsFiles({}, made);
  assert.deepEqual(files.current(), { ...material("a"), cert: undefined, key: undefined });
  await made.write(material("b"));
  await made.clock.advance(10_000);
  assert.deepEqual(files.current(), { caCert, cert: undefined, key: undefined });
  assert.deepEqual(own.current(), { caCert, cert, key });
  assert.deepEqual(none.current(), { caCert: undefined, cert: undefined, key: undefined });
  await made.disk.writeTextAtomic(PATHS.caCert, "half a fi");
  await made.clock.advance(10_000);
  assert.equal(files.current().caCert, caCert, "what was good stays in use");
});

Deno.test("what one cannot use of a renewal reaches the others, and is told of", async () => {
  const made = await filesOf(material("a"));
  await using files = await openTlsFiles(PATHS, made);
  const seen: TlsMaterial[] = [];
  files.onChange(() => {
    throw new Error("no such curve");
  });
  files.onChange((next) => seen.push(next));
  await made.write(material("b"));
  await made.clock.advance(20_000);
  assert.deepEqual(seen, [material("b")]);
  assert.deepEqual(made.log.lines.map(({ level }) => level), ["info", "error"]);
});

Deno.test("a half-made renewal is warned of once, and what was good stays in use", async () => {
  const made = await filesOf(material("a"));
  await using files = await openTlsFiles(PATHS, made);
  await made.write({ ...material("a"), cert: material("b").cert });
  await made.clock.advance(30_000);
  assert.deepEqual(files.current(), material("a"));
  assert.deepEqual(made.log.lines.map(({ level }) => level), ["warn"]);
  await made.write(material("b"));
  await made.clock.advance(10_000);
  assert.deepEqual(files.current(), material("b"));
});

Deno.test("files that cannot serve TLS are named, and a key is not quoted", async () => {
  const good = material("a");
  const cases: [TlsMaterial, RegExp][] = [
    [{ ...good, cert: "" }, /cert\.pem: it holds no certificate/],
    [{ ...good, cert: good.cert.replace(/\n.{20}/, `\n${"A".repeat(20)}`) }, /cert\.pem: one of its cert/],
    [{ ...good, caCert: good.key }, /ca\.pem: it holds no certificate/],
    [{ ...good, key: "not a key" }, /key\.pem: it holds no private key/],
    [{ ...good, key: material("b").key }, /key\.pem: it is not the key of the certificate in \/tls\/cert\.pem/],
    [{ ...good, cert: good.cert + " ".repeat(1024 * 1024) }, /cert\.pem: it is too large/],
  ];
  for (const [wrong, message] of cases) {
    await assert.rejects(openTlsFiles(PATHS, await filesOf(wrong)), { code: "invalid_argument", message });
  }
  const absent = { ...await filesOf(good), disk: new MemoryDisk() };
  await assert.rejects(openTlsFiles(PATHS, absent), { code: "invalid_argument", message: /TLS file \/tls\// });
});

Deno.test("an outdated certificate is used with a warning that names it", async () => {
  const made = await filesOf(material("a"));
  const clock = new VirtualClock({ epochMs: Date.UTC(2200, 0) });
  await using files = await openTlsFiles(PATHS, { ...made, clock });
  assert.deepEqual(files.current(), material("a"));
  assert.match(JSON.stringify(made.log.lines), /outdated.*\/tls\/cert\.pem/);
});
