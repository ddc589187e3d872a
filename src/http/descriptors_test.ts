import assert from "node:assert/strict";
import { realNet } from "../runtime/real_net.ts";
import { testCertificates } from "../testing/certificates.ts";
import { RawClient } from "../testing/raw_http.ts";

const CERTIFICATES = testCertificates("a");

/**
 * A server in a process of its own. It prints its port, and what is wrong. Once it runs it takes all descriptors but
 * a few: with a limit that low from the start, a program is as likely to fail while it reads its modules.
 */
const SERVER = `
  import { startHttpServer } from "${new URL("./serve.ts", import.meta.url)}";
  import { realClock } from "${new URL("../runtime/clock.ts", import.meta.url)}";
  import { realNet } from "${new URL("../runtime/real_net.ts", import.meta.url)}";
  Deno.addSignalListener("SIGTERM", () => {}); // what signals need is opened now, and not when it is too late
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
  const taken = [];
  try {
    while (true) taken.push(Deno.openSync(new URL(import.meta.url)));
  } catch {
    for (const file of taken.splice(-FREE)) file.close();
  }
  console.log(server.port);
`;
const LIMIT = 256;
const FREE = 40;
/** Of each test: what waits without an end here would hold up all tests. */
const TIMEOUT_MS = 60_000;

for (const scheme of ["http", "https"]) {
  Deno.test(`an ${scheme} server out of descriptors says so once, and serves again when there are some`, async () => {
    const dir = await Deno.makeTempDir();
    const script = `${dir}/server.ts`;
    await Deno.writeTextFile(script, `const FREE = ${FREE};${SERVER}`);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const run = `ulimit -n ${LIMIT} && exec "$0" run -q --no-check --allow-net --allow-read --config "$@"`;
    const files = scheme === "https" ? [CERTIFICATES.cert, CERTIFICATES.key] : [];
    const child = new Deno.Command("sh", {
      args: ["-c", run, Deno.execPath(), config, script, ...files],
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    // Not SIGTERM: a process without descriptors may be past answering. What waits for it ends with it.
    const late = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    try {
      const net = realNet();
      const at = { hostname: "127.0.0.1", port: Number((await lines.next()).value) };
      const clients = await Promise.all(Array.from({ length: 2 * FREE }, () => RawClient.connect(net, at)));
      assert.match((await lines.next()).value ?? "", /Cannot accept connections.*os error 24.*limit of open files/);
      for (const client of clients) client[Symbol.dispose]();
      using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(CERTIFICATES.caCert)] });
      assert.equal(await (await fetch(`${scheme}://127.0.0.1:${at.port}/`, { client })).text(), "here");
    } finally {
      clearTimeout(late);
      child.kill("SIGKILL");
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
