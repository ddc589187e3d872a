/** curl through port 4001 as a proxy: to its own host or to nobody, unread or with TLS that ends at the peer. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { testCertificates } from "../../src/testing/certificates.ts";
import { reserveAddresses } from "./lib/addresses.ts";
import { startPeer } from "./lib/components.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { Workspace } from "./lib/workspace.ts";

/** Of a private authority, for 127.0.0.1. */
const CERTIFICATE = testCertificates("a");
const LOGIN = "me:secret";
const AUTHORIZATION = `Basic ${btoa(LOGIN)}`;

/** A server that answers with its name, and keeps what it was sent as credentials. */
function startOrigin(name: string, hostname: string, tls: { cert?: string; key?: string } = {}) {
  const authorizations: (string | null)[] = [];
  const server = Deno.serve({ hostname, port: 0, onListen() {}, ...tls }, (request) => {
    authorizations.push(request.headers.get("authorization"));
    return new Response(name);
  });
  const host = `${hostname}:${server.addr.port}`;
  return { host, authorizations, [Symbol.asyncDispose]: () => server.shutdown() };
}

e2eTest("curl goes through the proxy by HTTP, by a tunnel, and by TLS that ends there, and no login leaks", {
  programs: ["curl"],
}, async () => {
  await using stack = new AsyncDisposableStack();
  const workspace = stack.use(await Workspace.create());
  const addresses = stack.use(await reserveAddresses());
  const tls = { cert: await readFile(CERTIFICATE.cert, "utf8"), key: await readFile(CERTIFICATE.key, "utf8") };
  const other = stack.use(startOrigin("the default registry", addresses.ip(1)));
  const plain = stack.use(startOrigin("plain", addresses.ip(2)));
  const unlisted = stack.use(startOrigin("unlisted", "127.0.0.1", tls));
  const listed = stack.use(startOrigin("listed", "127.0.0.1", tls));
  const [caCert, caKey] = ["ca.pem", "ca.key"].map((file) => join(workspace.dir, file));
  const peer = stack.use(
    await startPeer({ name: "dfdaemon", ip: addresses.ip(20), dir: join(workspace.dir, "dfdaemon") }, {
      registryUrl: `http://${other.host}`,
      upstreams: [{ namespace: listed.host, addr: `https://${listed.host}`, ca: CERTIFICATE.caCert }],
      proxyServer: { caCert, caKey, generateCA: true },
    }),
  );
  const curl = (url: string, ca = CERTIFICATE.caCert) => {
    const through = ["-sS", "--fail", "--noproxy", "", "--proxy", peer.mirrorUrl, "--cacert", ca];
    return run("curl", [...through, "--user", LOGIN, url]);
  };

  assert.equal(await curl(`http://${plain.host}/v2/team/app/manifests/1.0`), "plain");
  assert.deepEqual(plain.authorizations, [AUTHORIZATION]);

  // The authority of the server itself is enough: nobody else's certificate was shown.
  assert.equal(await curl(`https://${unlisted.host}/v2/`), "unlisted");
  assert.equal(await curl(`https://${listed.host}/v2/`, caCert), "listed");
  await assert.rejects(curl(`https://${unlisted.host}/v2/`, caCert), /certificate/);
  assert.deepEqual(listed.authorizations, [AUTHORIZATION]);

  await assert.rejects(curl(`http://${addresses.ip(3)}:9/v2/`), /50[0-9]/);
  assert.deepEqual(other.authorizations, []);
});
