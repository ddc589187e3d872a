/** The stage of the proxy's tests: one peer, and servers behind it. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { type PeerProcess, startPeer } from "../../src/peer/peer.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { realNet } from "../../src/runtime/real_net.ts";
import { selfSignedCertificate, testCertificates } from "../../src/testing/certificates.ts";
import { RawClient } from "../../src/testing/raw_http.ts";
import { type TestRuntime, testRuntime } from "../../src/testing/test_runtime.ts";

/** What the origins of these tests have. */
export const CONTENT = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
);
export const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
export const BLOB_PATH = `/v2/team/app/blobs/sha256:${SHA256}`;

/** Answers in place of an origin, where it wants to. */
export type Handler = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** A server that has the content at every path, and remembers who asked for what; in TLS with a test identity. */
export function startOrigin(handler: Handler = () => undefined, identity?: "a" | "b" | "own") {
  const seen: { readonly method: string; readonly url: string; readonly headers: Headers }[] = [];
  const tls = identity === undefined ? {} : tlsOf(identity);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {}, ...tls }, async (request) => {
    seen.push({ method: request.method, url: request.url, headers: new Headers(request.headers) });
    const headers = { "content-length": `${CONTENT.length}`, "etag": '"v1"' };
    return await handler(request) ?? new Response(request.method === "HEAD" ? null : CONTENT, { headers });
  });
  const origin = `${identity === undefined ? "http" : "https"}://127.0.0.1:${server.addr.port}`;
  return {
    ...{ origin, seen, port: server.addr.port },
    gets: () => seen.filter(({ method }) => method === "GET").length,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A peer, and how its proxy is asked. */
export interface Node extends AsyncDisposable {
  readonly peer: PeerProcess;
  readonly dir: string;
  readonly runtime: TestRuntime;
  /** Sends a request line and headers as they are, and reads the whole answer. */
  ask(line: string, headers?: Readonly<Record<string, string>>, body?: string): Promise<Answer>;
  connect(): Promise<RawClient>;
}

/** The answer to {@link Node.ask}. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

function tlsOf(identity: "a" | "b" | "own") {
  const { cert, key } = identity === "own" ? selfSignedCertificate() : testCertificates(identity);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

/** A peer of its own, whose default registry is at `registry`. */
export async function startNode(
  registry: string,
  proxy: Record<string, unknown> = {},
  tables: Record<string, unknown> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Node> {
  const dir = await Deno.makeTempDir();
  const [ip, any] = ["127.0.0.1", { ip: "127.0.0.1", port: 0 }];
  const config = DfdaemonConfig.parse({
    host: { ip },
    server: { cacheDir: join(dir, "cache") },
    download: { server: { socketPath: join(dir, "dfdaemon.sock") } },
    storage: { dir: join(dir, "storage"), server: { ip, tcpPort: 0 } },
    ...{ upload: { server: any }, health: { server: any }, metrics: { server: any } },
    ...tables,
    proxy: {
      ...proxy,
      server: { ...any, ...proxy["server"] as object },
      registryMirror: { addr: registry, ...proxy["registryMirror"] as object },
    },
  });
  const runtime = testRuntime({ disk: realDisk(realRandom()), random: realRandom(), env });
  const peer = await startPeer(config, runtime);
  const connect = () => RawClient.connect(realNet(), peer.mirror);
  return {
    ...{ peer, dir, runtime, connect },
    async ask(line, headers = {}, body = "") {
      using client = await connect();
      const all = { host: "mirror", ...headers, connection: `close${headers["connection"] ?? ""}` };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      await client.write(`${line} HTTP/1.1\r\n${lines}\r\n${body}`);
      return answerOf(await client.untilEnd());
    },
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

function answerOf(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers(lines.map((line) => [line.split(":")[0] ?? "", line.slice(line.indexOf(":") + 1)]));
  const raw = text.slice(end + 4);
  const isChunked = headers.get("transfer-encoding") === "chunked";
  const body = Buffer.from(isChunked ? unchunked(raw) : raw, "latin1");
  return { status: Number(first.split(" ")[1]), headers, body };
}

function unchunked(text: string): string {
  const [size = ""] = text.split("\r\n", 1);
  const length = parseInt(size, 16);
  const start = size.length + 2;
  return length > 0 ? text.slice(start, start + length) + unchunked(text.slice(start + length + 2)) : "";
}
