import assert from "node:assert/strict";
import { testRuntime } from "../../testing/test_runtime.ts";
import { createSource } from "./http_source.ts";
import { createUpstreamClients } from "./upstream_clients.ts";

const NEVER = new AbortController().signal;

/** A certificate for 127.0.0.1 that nobody has signed but itself; undefined when there is no openssl. */
async function selfSigned(): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  const dir = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command("openssl", {
      args: `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=registry -addext subjectAltName=IP:127.0.0.1
        -addext basicConstraints=critical,CA:FALSE -keyout ${dir}/key.pem -out ${dir}/cert.pem`.split(/\s+/),
      stderr: "null",
    }).output();
    if (!success) return undefined;
    return { cert: await Deno.readTextFile(`${dir}/cert.pem`), key: await Deno.readTextFile(`${dir}/key.pem`) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const pair = await selfSigned();
const isSkipped = pair === undefined && Deno.env.get("CI") !== "true";

Deno.test({
  name: "an authority of one's own is trusted for its origin only (needs openssl)",
  ignore: isSkipped,
  async fn() {
    assert.ok(pair !== undefined, "openssl is missing");
    const start = () =>
      Deno.serve(
        { port: 0, hostname: "127.0.0.1", ...pair, onListen() {} },
        () => new Response(null, { headers: { "content-length": "5" } }),
      );
    const [mine, other] = [start(), start()];
    const urlOf = (server: typeof mine) => `https://127.0.0.1:${server.addr.port}`;
    {
      using clients = createUpstreamClients([{ addr: urlOf(mine), ca: pair.cert }]);
      const source = createSource({
        ...{ ...testRuntime(), role: "peer", clientFor: clients.clientFor },
        isConfigured: () => true,
      });
      const stat = (server: typeof mine) => source.stat({ url: `${urlOf(server)}/v2/b`, headers: {} }, NEVER);
      assert.equal((await stat(mine)).contentLength, 5);
      await assert.rejects(stat(other), { code: "source_error" });
    }
    await Promise.all([mine.shutdown(), other.shutdown()]);
  },
});

Deno.test("an authority that is no PEM is refused, by the name of its origin", () => {
  assert.throws(() => createUpstreamClients([{ addr: "https://reg.corp:5000", ca: "-----BEGIN" }]), {
    code: "invalid_argument",
    message: /https:\/\/reg\.corp:5000/,
  });
});
