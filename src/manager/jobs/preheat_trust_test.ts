import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PreheatFileRequest, PreheatImageRequest } from "../../rpc/gen/scheduler/v2/scheduler.ts";
import { testCertificates } from "../../testing/certificates.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { withTrust } from "./job_requests.ts";
import { readPreheatTrust } from "./preheat_trust.ts";

const PEM = readFileSync(testCertificates("a").caCert, "utf8");
const OTHER = readFileSync(testCertificates("b").caCert, "utf8");

Deno.test("authorities are written in the configuration, or in a file, which is read again each time", async () => {
  const disk = new MemoryDisk();
  const read = (caCert?: string) => readPreheatTrust({ insecureSkipVerify: false, caCert }, disk);
  assert.deepEqual(await read(), { authorities: [], checksCertificates: true });
  assert.deepEqual((await read(`${PEM}\n${OTHER}`)).authorities, [PEM.trim(), OTHER.trim()]);
  await disk.writeTextAtomic("/ca.pem", PEM);
  assert.deepEqual((await read("/ca.pem")).authorities, [PEM.trim()]);
  await disk.writeTextAtomic("/ca.pem", OTHER);
  assert.deepEqual((await read("/ca.pem")).authorities, [OTHER.trim()]);
});

Deno.test("authorities that cannot be used are told by their file", async () => {
  const disk = new MemoryDisk();
  const read = (caCert: string) => readPreheatTrust({ insecureSkipVerify: true, caCert }, disk);
  await assert.rejects(read("/none.pem"), { code: "invalid_argument", message: /\/none\.pem of job\.preheat\.tls/ });
  await disk.writeTextAtomic("/empty.pem", "# nothing");
  await assert.rejects(read("/empty.pem"), /\/empty\.pem of job\.preheat\.tls\.caCert: it holds no certificate/);
  await disk.writeTextAtomic("/long.pem", PEM + " ".repeat(1024 * 1024));
  await assert.rejects(read("/long.pem"), /it holds no certificate/);
  await assert.rejects(read("-----BEGIN CERTIFICATE-----"), /the text of job\.preheat\.tls\.caCert/);
});

Deno.test("images are read without checks where that is configured, and sources of files never", async () => {
  const trust = await readPreheatTrust({ insecureSkipVerify: true, caCert: PEM }, new MemoryDisk());
  const requests = {
    images: [PreheatImageRequest.create()],
    files: [PreheatFileRequest.create()],
    atOnce: 1,
    timeoutMs: 1,
  };
  const { images: [image], files: [file] } = withTrust(requests, trust);
  assert.deepEqual([image?.insecureSkipVerify, file?.insecureSkipVerify], [true, false]);
  assert.deepEqual([image?.certificateChain.length, file?.certificateChain.length], [1, 1]);
  assert.equal(withTrust(requests, { authorities: [] }).images[0]?.insecureSkipVerify, false);
});
