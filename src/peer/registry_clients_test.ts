import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { MemoryDisk } from "../testing/memory_disk.ts";
import { testRuntime } from "../testing/test_runtime.ts";
import { settle, VirtualClock } from "../testing/virtual_clock.ts";
import { openRegistryClients, type RegistryTrust } from "./registry_clients.ts";

const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const read = (path: string) => readFileSync(path, "utf8");
const AUTHORITY = read(testCertificates("a").caCert);
const STRANGER = read(testCertificates("b").caCert);

/** A registry whose certificate only {@link AUTHORITY} vouches for, and a machine with `files`. */
async function setup(files: Readonly<Record<string, string>>) {
  const { cert, key } = testCertificates("a");
  const listen = { port: 0, hostname: "127.0.0.1", onListen() {}, cert: read(cert), key: read(key) };
  const server = Deno.serve(listen, () => new Response("x"));
  const origin = `https://127.0.0.1:${server.addr.port}`;
  const [clock, disk] = [new VirtualClock(), new MemoryDisk()];
  const write = async (path: string, text: string) => {
    await disk.mkdirAll(path.slice(0, path.lastIndexOf("/")));
    await disk.writeTextAtomic(path, text);
  };
  for (const [path, text] of Object.entries(files)) await write(path, text);
  const runtime = testRuntime({ clock, disk });
  return {
    ...{ origin, clock, runtime, write },
    open: (config: Partial<RegistryTrust> = {}) =>
      openRegistryClients({ upstreams: [], ...config }, { ...runtime, isConfigured: () => false }),
    warnings: () => runtime.log.lines.filter(({ level }) => level === "warn"),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

type Clients = Awaited<ReturnType<typeof openRegistryClients>>;

async function isTrusted({ fetch }: Clients, origin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/v2/`);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

Deno.test("a registry that the system trusts is trusted, wherever the system keeps its authorities", async () => {
  for (const path of [BUNDLE, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]) {
    await using it = await setup({ [path]: `# Corp\n${STRANGER}\n${AUTHORITY}` });
    await using clients = await it.open();
    assert.equal(await isTrusted(clients, it.origin), true, path);
  }
  await using it = await setup({});
  await using clients = await it.open();
  assert.equal(await isTrusted(clients, it.origin), false);
  assert.deepEqual(it.warnings(), []);
});

Deno.test("the authority of proxy.registryMirror.cert is trusted for every registry, that of an upstream for its own", async () => {
  await using it = await setup({ "/ca/all.pem": AUTHORITY, "/ca/other.pem": STRANGER });
  {
    await using clients = await it.open({ cert: "/ca/all.pem", upstreams: [{ addr: it.origin, ca: "/ca/other.pem" }] });
    assert.equal(await isTrusted(clients, it.origin), true);
  }
  {
    await using clients = await it.open({ upstreams: [{ addr: it.origin, ca: "/ca/all.pem" }] });
    assert.equal(await isTrusted(clients, it.origin), true);
  }
  await using clients = await it.open({ upstreams: [{ addr: "https://elsewhere", ca: "/ca/all.pem" }] });
  assert.equal(await isTrusted(clients, it.origin), false);
});

Deno.test("an authority of the configuration that is absent or no certificate stops the start, by its name", async () => {
  await using it = await setup({ "/ca/no.pem": "no certificate" });
  const upstream = (ca: string) => ({ upstreams: [{ addr: "https://reg.corp", ca }] });
  await assert.rejects(it.open({ cert: "/ca/no.pem" }), { code: "invalid_argument", message: /\/ca\/no\.pem/ });
  await assert.rejects(it.open(upstream("/ca/no.pem")), { code: "invalid_argument", message: /https:\/\/reg\.corp/ });
  for (const config of [{ cert: "/ca/gone" }, upstream("/ca/gone")]) {
    await assert.rejects(it.open(config), { code: "not_found", message: /\/ca\/gone/ });
  }
});

Deno.test("an authority that the system learns of later is trusted within 30 s, and one it drops no more", async () => {
  await using it = await setup({ [BUNDLE]: STRANGER });
  await using clients = await it.open();
  assert.equal(await isTrusted(clients, it.origin), false);
  for (const [text, trusted] of [[AUTHORITY, true], [STRANGER, false]] as const) {
    await it.write(BUNDLE, text);
    await it.clock.advance(30_000);
    await settle();
    assert.equal(await isTrusted(clients, it.origin), trusted);
  }
});

Deno.test("files that cannot be read again change nothing, and are one warning", async () => {
  await using it = await setup({ [BUNDLE]: STRANGER, "/ca/all.pem": AUTHORITY });
  await using clients = await it.open({ cert: "/ca/all.pem" });
  await it.write("/ca/all.pem", "half a certif");
  for (let round = 0; round < 3; round++) {
    await it.clock.advance(30_000);
    await settle();
  }
  assert.equal(await isTrusted(clients, it.origin), true);
  assert.equal(it.warnings().length, 1);
});

Deno.test("a list of the system that is too large for one is left out, with a warning that names the keys", async () => {
  await using it = await setup({ [BUNDLE]: `${AUTHORITY}${"#".repeat(5_000_000)}` });
  await using clients = await it.open();
  assert.equal(await isTrusted(clients, it.origin), false);
  assert.match(it.warnings()[0]?.message ?? "", /proxy\.registryMirror\.cert/);
});
