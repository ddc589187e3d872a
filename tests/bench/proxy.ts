/**
 * What TLS through the proxy costs: the speed of a blob by a tunnel, and by one whose TLS ends at the peer (the first
 * time, and when the peer has the blob), as ratios to a direct TLS connection with the same server in the same run. The
 * server, the peer and the reader are processes of their own on loopback. Absolute numbers are the machine's.
 *
 *     deno task bench:proxy [MiB] [rounds]
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { peerSettings } from "../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { parseConfig } from "../../src/config/load.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realRuntime } from "../../src/runtime/runtime.ts";
import { testCertificates } from "../../src/testing/certificates.ts";
import { type Part, serveAsPart, spawnPart } from "./part.ts";

const MIB = 1024 * 1024;
const IP = "127.0.0.1";
/** The ratios that are promised on a machine on which nothing else runs. */
const PROMISED: Readonly<Record<string, number>> = { tunnel: 0.7, "intercepted, local hit": 0.5 };
const clock = realClock();
const [size = 256, rounds = 5] = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const CONTENT_BYTES = size * MIB;
const { caCert, cert, key } = testCertificates("a");

/** What a round reads: its name makes it another content. */
function blockOf(name: string): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(MIB);
  block.set(createHash("sha256").update(name).digest());
  return block;
}

function digestOf(name: string): string {
  const block = blockOf(name);
  const hash = createHash("sha256");
  for (let done = 0; done < CONTENT_BYTES; done += MIB) hash.update(block);
  return `sha256:${hash.digest("hex")}`;
}

/** A registry in TLS whose repositories have one blob each, under any digest. */
function startRegistry(): { port: number } {
  const tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  const server = Deno.serve({ hostname: IP, port: 0, onListen() {}, ...tls }, (request) => {
    const headers = { "content-length": String(CONTENT_BYTES) };
    if (request.method === "HEAD") return new Response(null, { headers });
    const block = blockOf(new URL(request.url).pathname.split("/")[2] ?? "");
    let left = size;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(block.slice());
        else controller.close();
      },
    });
    return new Response(body, { headers });
  });
  return { port: server.addr.port };
}

async function runPart(role: string): Promise<never> {
  if (role === "registry") return await serveAsPart(startRegistry());
  const [settings = "{}", dynconfig = ""] = Deno.args.slice(Deno.args.indexOf(role) + 1);
  const runtime = realRuntime(role, { log: silentLog() });
  const { config } = parseConfig(DfdaemonConfig, "", role, JSON.parse(settings));
  const { mirror } = await startPeer(config, runtime, { dynconfig });
  return await serveAsPart({ port: mirror.port });
}

/** Starts the peer, which is told to end the TLS of what `interceptHosts` match. */
async function spawnPeer(name: string, dir: string, interceptHosts: readonly string[]): Promise<Part> {
  const place = { ip: IP, firstPort: 0 };
  const settings = {
    ...peerSettings({ name, isSeed: false, place, dir, upstreams: [], manager: undefined }),
    "proxy.server.caCert": join(dir, "ca.pem"),
    "proxy.server.caKey": join(dir, "ca.key"),
    "proxy.server.generateCA": true,
    "proxy.server.interceptHosts": interceptHosts,
    "proxy.registryMirror.cert": caCert,
  };
  const dynconfig = join(dir, "alone.yaml");
  await Deno.writeTextFile(dynconfig, "{}\n");
  return await spawnPart(import.meta.filename ?? "", name, [`${size}`, name, JSON.stringify(settings), dynconfig]);
}

interface Pull {
  readonly bytesPerMs: number;
  /** Processor time of the peer. */
  readonly cpuSeconds: number;
}

/** Reads one blob; without a proxy straight from the registry. */
async function pull(registry: Part, name: string, proxy: Part | undefined, authority: string): Promise<Pull> {
  using client = Deno.createHttpClient({
    caCerts: [authority],
    ...(proxy !== undefined && { proxy: { url: `http://${IP}:${proxy.port}` } }),
  });
  const url = `https://${IP}:${registry.port}/v2/${name}/blobs/${digestOf(name)}`;
  const [startedAt, cpuBefore] = [clock.now(), proxy?.cpuSeconds() ?? 0];
  const response = await fetch(url, { client });
  const reader = response.body?.getReader({ mode: "byob" });
  let [buffer, count] = [new Uint8Array(MIB), 0];
  while (true) {
    const step = await reader?.read(buffer);
    if (step === undefined || step.done) break;
    count += step.value.length;
    buffer = new Uint8Array(step.value.buffer);
  }
  if (count !== CONTENT_BYTES) throw new Error(`${response.status}: ${count} bytes came of ${CONTENT_BYTES}`);
  return { bytesPerMs: count / (clock.now() - startedAt), cpuSeconds: (proxy?.cpuSeconds() ?? 0) - cpuBefore };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const registry = stack.use(await spawnPart(import.meta.filename ?? "", "registry", [`${size}`, "registry"]));
  const tunnelling = stack.use(await spawnPeer("tunnelling", dir, []));
  const intercepting = stack.use(await spawnPeer("intercepting", dir, [".*"]));
  const own = readFileSync(caCert, "utf8");
  const ours = await Deno.readTextFile(join(dir, "ca.pem"));
  const results = new Map<string, Pull[]>();
  for (let round = 0; round <= rounds; round++) {
    const name = `round-${round}`;
    const cases = [
      ["direct", undefined, own],
      ["tunnel", tunnelling, own],
      ["intercepted, first time", intercepting, ours],
      ["intercepted, local hit", intercepting, ours],
    ] as const;
    for (const [title, proxy, authority] of cases) {
      const one = await pull(registry, name, proxy, authority);
      if (round > 0) results.set(title, [...results.get(title) ?? [], one]); // the first one warms up
    }
  }
  print(results);
}

function print(results: ReadonlyMap<string, readonly Pull[]>): void {
  const speedOf = (title: string) => median((results.get(title) ?? []).map(({ bytesPerMs }) => bytesPerMs));
  for (const [title, pulls] of results) {
    const ratio = speedOf(title) / speedOf("direct");
    const promised = PROMISED[title];
    const verdict = promised === undefined ? "" : `  promised ${promised}${ratio < promised ? ": MISSED" : ""}`;
    const cpu = (median(pulls.map(({ cpuSeconds }) => cpuSeconds)) * 1024 / size).toFixed(2);
    const speed = `${(speedOf(title) / 1e3).toFixed(0).padStart(5)} MB/s`;
    console.log(`${title.padEnd(24)} ratio ${ratio.toFixed(2)}  ${speed}  peer's CPU ${cpu} s/GiB${verdict}`);
  }
}

const role = Deno.args.find((arg) => /^[a-z]+$/.test(arg));
if (role === undefined) await main();
else await runPart(role);
