import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatBytes, formatMs, formatProgress } from "../cli/format.ts";
import { StatusLine } from "../cli/status_line.ts";
import { formatHostPort } from "../config/addresses.ts";
import { pullImage } from "../oci/image_pull.ts";
import type { PeerProcess } from "../peer/peer.ts";
import { silentLog } from "../runtime/log.ts";
import { realRuntime, type Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";
import { ComponentLogs } from "./component_logs.ts";
import { CountingFetch } from "./counting_fetch.ts";
import { type PullRecord, reportSummary, reportTable } from "./demo_report.ts";
import { type DemoSource, openDemoSource } from "./demo_source.ts";
import { type LocalCluster, startLocalCluster } from "./local_cluster.ts";

const LOOPBACK = "127.0.0.1";

/** What to show. */
export interface DemoOptions {
  /** Left out: a well-known image, or a sample where that cannot be reached. */
  readonly image: string | undefined;
  /** The image's registry speaks plain HTTP. */
  readonly isInsecure: boolean;
}

/** Pulls an image three times through a cluster of its own, and prints what it took. */
export async function runDemo(options: DemoOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const runtime = realRuntime("demo", { log: silentLog() });
  await using source = await openDemoSource(options.image, options.isInsecure, runtime, signal);
  if (source.note !== undefined) terminal.print(`${source.note}\n`);
  const dir = await mkdtemp(join(tmpdir(), "damselfly-demo-"));
  let isLogWanted = false;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => runtime.disk.remove(isLogWanted ? join(dir, "cluster") : dir));
  try {
    const logs = stack.use(new ComponentLogs(join(dir, "logs")));
    const registry = new CountingFetch(runtime.fetch);
    const cluster = stack.use(await startDemoCluster(source, join(dir, "cluster"), logs, registry, runtime, signal));
    terminal.print("Started a manager, a scheduler, a seed peer and two peers on 127.0.0.1.\n");
    await new Demo({ source, cluster, registry, runtime, terminal, signal }).run();
  } catch (error) {
    isLogWanted = !signal.aborted;
    if (isLogWanted) terminal.printError(`The logs of the cluster are in ${join(dir, "logs")}\n`);
    throw error;
  }
}

function startDemoCluster(
  source: DemoSource,
  dir: string,
  logs: ComponentLogs,
  registry: CountingFetch,
  { clock }: Runtime,
  signal: AbortSignal,
): Promise<LocalCluster> {
  const place = { ip: LOOPBACK, firstPort: 0 };
  return startLocalCluster({
    ...{ dir, clock, manager: { ip: LOOPBACK, grpcPort: 0, restPort: 0 }, scheduler: { ip: LOOPBACK, port: 0 } },
    ...{ seed: place, peers: [place, place] },
    upstreams: [{ namespace: source.image.namespace, addr: source.endpoint.origin }],
    runtimeOf: (name) => ({ ...realRuntime(name, { log: logs.open(name) }), fetch: registry.fetch }),
  }, signal);
}

interface DemoParts {
  readonly source: DemoSource;
  readonly cluster: LocalCluster;
  readonly registry: CountingFetch;
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** The three pulls. */
class Demo {
  readonly #parts: DemoParts;

  constructor(parts: DemoParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { cluster: { peers: [first, second] }, source, terminal } = this.#parts;
    if (first === undefined || second === undefined) throw new Error("Cannot run the demo: it needs two peers");
    terminal.print(`Pulling ${source.name}\n`);
    const pulls: PullRecord[] = [];
    let imageBytes = 0;
    for (const [title, peer] of [["peer 1", first], ["peer 2", second], ["peer 2 again", second]] as const) {
      const { record, bytes } = await this.#pull(title, peer);
      pulls.push(record);
      imageBytes = bytes;
    }
    terminal.print(`\n${reportTable(pulls)}\n${reportSummary(pulls, imageBytes)}`);
  }

  async #pull(title: string, peer: PeerProcess): Promise<{ record: PullRecord; bytes: number }> {
    const { source, runtime, terminal, signal, registry } = this.#parts;
    const before = { own: peer.traffic(), registryBytes: this.#registryBytes(), requests: registry.requests };
    using line = new StatusLine(terminal, runtime.clock);
    const { ms, bytes } = await pullImage(
      {
        image: source.image,
        endpoint: `http://${formatHostPort(peer.mirror)}`,
        platform: { os: "linux", architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64" },
        onProgress: ({ bytesDone, bytesTotal }) =>
          line.show(() => `  through ${title}  ${formatProgress(bytesDone, bytesTotal)}`),
      },
      { fetch: runtime.fetch, clock: runtime.clock },
      signal,
    );
    line[Symbol.dispose]();
    terminal.print(`  through ${title}: ${formatBytes(bytes)} in ${formatMs(ms)}\n`);
    const after = peer.traffic();
    const record = {
      ...{ title: `through ${title}`, ms },
      backToSource: after.backToSource - before.own.backToSource,
      remotePeer: after.remotePeer - before.own.remotePeer,
      localPeer: after.localPeer - before.own.localPeer,
      registryBytes: this.#registryBytes() - before.registryBytes,
      registryRequests: registry.requests - before.requests,
    };
    return { record, bytes };
  }

  /** Bytes of tasks that any peer of the cluster has downloaded from the registry. */
  #registryBytes(): number {
    const { seed, peers } = this.#parts.cluster;
    return [seed, ...peers].reduce((sum, peer) => sum + peer.traffic().backToSource, 0);
  }
}
