/**
 * The memory of a peer while many slow readers read a blob that it is fetching, and what that costs the registry. The
 * peer is a process of its own; registry and readers are this one.
 *
 *     deno task bench:readers [MiB] [readers] [--json]
 */
import { join } from "node:path";
import { peerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { parseConfig } from "../../src/config/load.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realRuntime } from "../../src/runtime/runtime.ts";
import { digestOf, startBlobRegistry } from "./blob_registry.ts";
import { memoryMiB, serveAsPart, spawnPart } from "./part.ts";

const MIB = 1024 * 1024;
const IP = "127.0.0.1";
const PEER = "peer";
const REPOSITORY = "slow";
/** What a reader takes: so much, so often. */
const TAKEN_BYTES = 64 * 1024;
const PAUSE_MS = 100;
/** How long readers go on when the peer has all of the blob. */
const AFTER_MS = 5_000;
const FETCH_TIMEOUT_MS = 170_000;
const RSS_MIB_MAX = 256;
const clock = realClock();

async function runPeer(settings: string, dynconfig: string): Promise<never> {
  const { config } = parseConfig(DfdaemonConfig, "", PEER, JSON.parse(settings) as Settings);
  const { mirror } = await startPeer(config, realRuntime(PEER, { log: silentLog() }), { dynconfig });
  return await serveAsPart({ port: mirror.port });
}

/** Reads slowly until the signal aborts; the bytes that it got. */
async function readSlowly(url: string, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  try {
    const response = await fetch(url, { signal });
    const reader = response.body?.getReader({ mode: "byob" });
    let buffer = new Uint8Array(TAKEN_BYTES);
    while (reader !== undefined) {
      const { done, value } = await reader.read(buffer);
      if (done) break;
      bytes += value.length;
      buffer = new Uint8Array(value.buffer);
      await clock.sleep(PAUSE_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return bytes;
}

async function measure(contentBytes: number, readers: number) {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const registry = startBlobRegistry(IP, contentBytes);
  const namespace = `${IP}:${registry.port}`;
  const alone = join(dir, "alone.yaml");
  await Deno.writeTextFile(alone, "{}\n");
  const place = { ip: IP, firstPort: 0 };
  const upstreams = [{ namespace, addr: `http://${namespace}` }];
  const settings = peerSettings({ name: PEER, isSeed: false, place, dir, upstreams, manager: undefined });
  const peer = stack.use(
    await spawnPart(import.meta.filename ?? "", PEER, ["--part", JSON.stringify(settings), alone]),
  );
  const idleMib = memoryMiB(peer.pid, "VmHWM");
  const url = `http://${IP}:${peer.port}/v2/${REPOSITORY}/blobs/${digestOf(REPOSITORY, contentBytes)}?ns=${namespace}`;
  const stop = new AbortController();
  const startedAt = clock.now();
  const reading = Promise.all(Array.from({ length: readers }, () => readSlowly(url, stop.signal)));
  reading.catch(() => {}); // and seen below
  while (registry.sentBytes() < contentBytes && clock.now() - startedAt < FETCH_TIMEOUT_MS) {
    await clock.sleep(100, stop.signal);
  }
  const fetchSeconds = (clock.now() - startedAt) / 1_000;
  await clock.sleep(AFTER_MS, stop.signal);
  stop.abort();
  const read = await reading;
  return {
    ...{ readers, content_mib: contentBytes / MIB, idle_peak_rss_mib: Math.round(idleMib) },
    ...{ peak_rss_mib: Math.round(memoryMiB(peer.pid, "VmHWM")), fetch_s: Number(fetchSeconds.toFixed(1)) },
    origin_copies: Number((registry.sentBytes() / contentBytes).toFixed(3)),
    least_read_mib: Number((Math.min(...read) / MIB).toFixed(1)),
  };
}

async function main(): Promise<void> {
  const [mib = 1_024, readers = 64] = Deno.args.filter((arg) => /^\d+$/.test(arg)).map(Number);
  const result = await measure(mib * MIB, readers);
  if (Deno.args.includes("--json")) console.log(JSON.stringify(result));
  else console.table({ ...result, "peak_rss_mib, at most": RSS_MIB_MAX });
  Deno.exit(result.peak_rss_mib <= RSS_MIB_MAX && result.origin_copies === 1 ? 0 : 1);
}

const at = Deno.args.indexOf("--part");
if (at < 0) await main();
else await runPeer(Deno.args[at + 1] ?? "{}", Deno.args[at + 2] ?? "");
