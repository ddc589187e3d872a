import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { testCertificates } from "../testing/certificates.ts";
import { createNodeFetch, type TlsTrust } from "./node_fetch.ts";

const read = (path: string) => readFileSync(path, "utf8");

Deno.test({
  name: "it trusts whom it is told and nobody else, or everybody, and needs no right but the network's",
  permissions: { net: true, read: true },
  async fn() {
    const { cert, key, caCert } = testCertificates("a");
    const listen = { port: 0, hostname: "127.0.0.1", onListen() {}, cert: read(cert), key: read(key) };
    await using server = Deno.serve(listen, () => new Response("here"));
    const ask = async (trust: TlsTrust) => {
      return await (await createNodeFetch(trust)(`https://127.0.0.1:${server.addr.port}/`)).text();
    };
    assert.equal(await ask({ authorities: [read(caCert)] }), "here");
    assert.equal(await ask({ authorities: [], checksCertificates: false }), "here");
    for (const authorities of [[], [read(testCertificates("b").caCert)]]) {
      await assert.rejects(ask({ authorities }), /verify the first certificate/);
    }
  },
});

Deno.test({
  name: "an answer that cannot be one ends its connection",
  permissions: { net: true },
  async fn() {
    for (const head of ["HTTP/1.1 700 Odd\r\n", "HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n"]) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const asked = createNodeFetch({ authorities: [] })(`http://127.0.0.1:${listener.addr.port}/`);
      const refused = assert.rejects(asked);
      using conn = await listener.accept();
      const buffer = new Uint8Array(4096);
      await conn.read(buffer);
      await conn.write(new TextEncoder().encode(`${head}Content-Length: 10\r\n\r\nhalf`));
      await refused;
      assert.equal(await conn.read(buffer).catch(() => null), null, "the connection has ended");
    }
  },
});
