import assert from "node:assert/strict";
import { ManagerConfig } from "../../src/config/manager.ts";
import { startManager } from "../../src/manager/manager.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { checkRestFacts } from "./manager_rest_facts.ts";

const V1 = "/api/v1";

Deno.test("requests of scripts, Harbor and the console are answered as a stock manager answered them", async () => {
  const config = ManagerConfig.parse({
    server: { grpc: { listenIP: "127.0.0.1", port: 0 }, rest: { addr: "127.0.0.1:0" } },
    database: { sqlite: { path: ":memory:" } },
  });
  await using manager = await startManager(config, testRuntime());
  await checkRestFacts(`http://127.0.0.1:${manager.rest.port}`);
});

Deno.test("in TLS the cookie of a session is for TLS only", async () => {
  const { caCert, cert, key } = testCertificates("a");
  const config = ManagerConfig.parse({
    server: { grpc: { listenIP: "127.0.0.1", port: 0 }, rest: { addr: "127.0.0.1:0", tls: { cert, key } } },
    database: { sqlite: { path: ":memory:" } },
  });
  const disk = realDisk(realRandom());
  await using manager = await startManager(config, testRuntime({ disk }));
  using client = Deno.createHttpClient({ caCerts: [await disk.readText(caCert)] });
  const body = JSON.stringify({ name: "root", password: "dragonfly" });
  const url = `https://127.0.0.1:${manager.rest.port}${V1}/users/signin`;
  const response = await fetch(url, { method: "POST", body, client });
  await response.body?.cancel();
  assert.match(response.headers.get("set-cookie") ?? "", /^jwt=[^;]+;.*; HttpOnly; Secure; SameSite=Strict$/);
});
