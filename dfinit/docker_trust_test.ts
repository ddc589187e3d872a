import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../src/testing/certificates.ts";
import { diskWith, filesOn } from "../src/testing/memory_files.ts";
import { EXIT } from "./cli.ts";
import { dfinit } from "./harness_test.ts";

const AUTHORITY = readFileSync(testCertificates("a").caCert, "utf8");
const RENEWED = readFileSync(testCertificates("b").caCert, "utf8");
const CA = "/etc/dragonfly/ca.pem";
const CERTS = "/etc/docker/certs.d";

function yaml(registries: readonly string[], proxy = "daemon"): string {
  return `containerRuntime: { docker: ${JSON.stringify({ proxy, ca: CA, registries })} }\n`;
}

async function node(registries: readonly string[], files: Readonly<Record<string, string>>, proxy?: string) {
  const disk = await diskWith({ "/dfinit.yaml": yaml(registries, proxy), "/etc/docker/daemon.json": "{}", ...files });
  return { disk, dfinit: (...args: string[]) => dfinit(disk, ...args) };
}

function fileOf(registry: string): string {
  return `${CERTS}/${registry}/damselfly.crt`;
}

Deno.test("Docker is told to trust the peer's authority for the registries that are listed, beside what it trusts", async () => {
  const own = `${CERTS}/reg.corp:5000/ca.crt`;
  const { disk, dfinit } = await node(["reg.corp:5000", "quay.io"], { [CA]: AUTHORITY, [own]: RENEWED });
  const before = await filesOn(disk);
  assert.equal((await dfinit()).code, EXIT.done);
  for (const registry of ["reg.corp:5000", "quay.io"]) {
    assert.ok((await disk.readText(fileOf(registry))).includes(AUTHORITY.trim()), registry);
  }
  assert.equal(await disk.readText(own), RENEWED);
  assert.match((await dfinit()).out, /^Nothing to do$/m);
  await dfinit("restore");
  assert.deepEqual(await filesOn(disk), before);
});

Deno.test("a registry that is taken off the list is trusted no more, and a renewed authority takes the old one's place", async () => {
  const { disk, dfinit } = await node(["reg.corp", "quay.io"], { [CA]: AUTHORITY });
  await dfinit();
  await disk.writeTextAtomic(CA, RENEWED);
  await disk.writeTextAtomic("/dfinit.yaml", yaml(["quay.io"]));
  await dfinit();
  assert.equal(await disk.stat(fileOf("reg.corp")), undefined);
  const trusted = await disk.readText(fileOf("quay.io"));
  assert.ok(trusted.includes(RENEWED.trim()) && !trusted.includes(AUTHORITY.trim()));
});

Deno.test("trust in a proxy that Docker does not have is not written, and an authority that is not made yet is told", async () => {
  const off = await node(["quay.io"], { [CA]: AUTHORITY }, "off");
  assert.match(
    (await off.dfinit()).error,
    /registries has no effect as long as containerRuntime\.docker\.proxy is off/,
  );
  assert.equal(await off.disk.stat(fileOf("quay.io")), undefined);
  const early = await node(["quay.io"], {});
  const { code, error } = await early.dfinit();
  assert.equal(code, EXIT.done);
  assert.match(error, /ca\.pem of containerRuntime\.docker\.ca is not there yet/);
});

Deno.test("what is no certificate is refused, and so is a registry whose name leads elsewhere", async () => {
  const noPem = await node(["quay.io"], { [CA]: "hello" });
  assert.match((await noPem.dfinit()).error, /it holds no certificate in PEM/);
  for (const registry of ["../../ssl", "..", "quay.io/team", ""]) {
    const { dfinit, disk } = await node([registry], { [CA]: AUTHORITY });
    const before = await filesOn(disk);
    assert.notEqual((await dfinit()).code, EXIT.done, registry);
    assert.deepEqual(await filesOn(disk), before);
  }
});
