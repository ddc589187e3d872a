import assert from "node:assert/strict";
import { realNet } from "../runtime/real_net.ts";
import { testCertificates } from "../testing/certificates.ts";
import { RawClient } from "../testing/raw_http.ts";

const CERTIFICATES = testCertificates("a");

/** A server in a process of its own, which may have few files open. It prints its port, and what is wrong. */
const SERVER = `
  import { startHttpServer } from "${new URL("./serve.ts", import.meta.url)}";
  import { realClock } from "${new URL("../runtime/clock.ts", import.meta.url)}";
  import { realNet } from "${new URL("../runtime/real_net.ts", import.meta.url)}";
  Deno.addSignalListener("SIGTERM", () => Deno.exit()); // what signals need is opened now, and not when it is too late
  const [cert, key] = Deno.args.map((path) => Deno.readTextFileSync(path));
  const tls = { current: () => ({ cert, key }), onChange: () => ({ [Symbol.dispose]() {} }) };
  const server = startHttpServer({
    listen: { hostname: "127.0.0.1", port: 0 },
    handler: () => new Response("here"),
    onError: (error) => console.log(String(error)),
    clock: realClock(),
    net: realNet(),
    ...(cert === undefined ? {} : { tls }),
  });
  console.log(server.port);
`;
const LIMIT = 64;

for (const scheme of ["http", "https"]) {
  Deno.test(`an ${scheme} server out of descriptors says so once, and serves again when there are some`, async () => {
    const dir = await Deno.makeTempDir();
    const script = `${dir}/server.ts`;
    await Deno.writeTextFile(script, SERVER);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const run = `ulimit -n ${LIMIT} && exec "$0" run -q --no-check --allow-net --allow-read --config "$@"`;
    const files = scheme === "https" ? [CERTIFICATES.cert, CERTIFICATES.key] : [];
    const child = new Deno.Command("sh", {
      args: ["-c", run, Deno.execPath(), config, script, ...files],
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    try {
      const net = realNet();
      const at = { hostname: "127.0.0.1", port: Number((await lines.next()).value) };
      const clients = await Promise.all(Array.from({ length: 2 * LIMIT }, () => RawClient.connect(net, at)));
      assert.match((await lines.next()).value ?? "", /Cannot accept connections.*os error 24.*limit of open files/);
      for (const client of clients) client[Symbol.dispose]();
      using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(CERTIFICATES.caCert)] });
      assert.equal(await (await fetch(`${scheme}://127.0.0.1:${at.port}/`, { client })).text(), "here");
    } finally {
      child.kill();
      await child.status;
      await lines.return(undefined);
      await Deno.remove(dir, { recursive: true });
    }
  });
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void, undefined> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}
