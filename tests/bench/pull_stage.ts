/** The stage of the bench of pulls: registry, scheduler, seed and peers, each a process of its own on loopback. */
import { join } from "node:path";
import { peerSettings, schedulerSettings, type Settings } from "../../src/cmd/local_cluster_settings.ts";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import type { TracingConfig } from "../../src/config/shared.ts";
import { parseConfig } from "../../src/config/load.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { startPeer } from "../../src/peer/peer.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { realRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { startOtlpReceiver } from "../../src/testing/otlp_receiver.ts";
import { openTracing } from "../../src/tracing/open_tracing.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { startBlobRegistry } from "./blob_registry.ts";
import { type Part, serveAsPart, spawnPart } from "./part.ts";

/** Where everything listens. */
export const IP = "127.0.0.1";

/** The peers: one without a scheduler; a seed; two that pull, one after the other. */
export const PEERS = ["alone", "seed", "first", "second"] as const;
export type PeerName = typeof PEERS[number];

/** What pulls are measured against. */
export interface Stage extends AsyncDisposable {
  readonly contentBytes: number;
  /** The volume that peers write to. */
  readonly dir: string;
  readonly registry: Part;
  readonly peers: Readonly<Record<PeerName, Part & { readonly healthPort: number }>>;
}

const clock = realClock();

/** Starts all of it; each repository of the registry has a blob of so many bytes. Pulls may be traced by all members, and recorded by none. */
export async function startStage(
  contentBytes: number,
  { isTraced = false, recordsPulls = true } = {},
): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const start = async (role: string, settings: Settings = {}, dynconfig = "") => {
    const args = [role, JSON.stringify(settings), dynconfig, String(contentBytes), String(recordsPulls)];
    return stack.use(await spawnPart(import.meta.filename ?? "", role, args));
  };
  const registry = await start("registry");
  const collector = isTraced ? await start("collector") : undefined;
  const tracing = collector && { "tracing.protocol": "grpc", "tracing.endpoint": `${IP}:${collector.port}` };
  const scheduler = await start(
    "scheduler",
    { ...schedulerSettings({ name: "s", dir, ip: IP, port: 0, manager: undefined }), ...tracing },
  );
  const withScheduler = join(dir, "dynconfig.yaml");
  await Deno.writeTextFile(withScheduler, `scheduler:\n  addrs: ["${IP}:${scheduler.port}"]\n`);
  const without = join(dir, "alone.yaml");
  await Deno.writeTextFile(without, "{}\n");
  const upstreams = [{ namespace: `${IP}:${registry.port}`, addr: `http://${IP}:${registry.port}` }];
  const startNode = async (name: PeerName) => {
    const place = { ip: IP, firstPort: 0 };
    const settings = peerSettings({ name, isSeed: name === "seed", place, dir, upstreams, manager: undefined });
    return await start(
      name,
      { ...settings, ...tracing },
      name === "alone" ? without : withScheduler,
    ) as Stage["peers"][PeerName];
  };
  const peers = {
    alone: await startNode("alone"),
    seed: await startNode("seed"),
    first: await startNode("first"),
    second: await startNode("second"),
  };
  await untilHosts(PEERS.length - 1, scheduler);
  const held = stack.move();
  return { contentBytes, dir, registry, peers, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function untilHosts(count: number, { port }: Part): Promise<void> {
  const { signal } = new AbortController();
  using client = createRpcClient(SchedulerService, `${IP}:${port}`, { clock });
  while ((await client.listHosts({}, { signal, timeoutMs: 2_000 })).hosts.length < count) {
    await clock.sleep(100, signal);
  }
}

/** A part of the stage, in this process; the result is where it listens. */
async function startPart(
  role: string,
  settings: Settings,
  { dynconfig, contentBytes, recordsPulls }: { dynconfig: string; contentBytes: number; recordsPulls: boolean },
): Promise<unknown> {
  if (role === "registry") return startBlobRegistry(IP, contentBytes);
  if (role === "collector") return { port: Number((await startOtlpReceiver(IP)).grpc.split(":").at(-1)) };
  if (role === "scheduler") {
    const { config } = parseConfig(SchedulerConfig, "", role, settings);
    const { port } = await startScheduler(config, runtimeOf(role, config));
    return { port };
  }
  const { config } = parseConfig(DfdaemonConfig, "", role, settings);
  const { mirror, health } = await startPeer(config, runtimeOf(role, config), { dynconfig, recordsPulls });
  return { port: mirror.port, healthPort: health.port };
}

function runtimeOf(role: string, { tracing }: { readonly tracing: TracingConfig }): Runtime {
  const runtime = realRuntime(role, { log: silentLog() });
  const { protocol, endpoint } = tracing;
  if (protocol === undefined || endpoint === undefined) return runtime;
  return { ...runtime, tracer: openTracing({ ...tracing, protocol, endpoint, serviceName: role }, runtime) };
}

if (import.meta.main) {
  const [role = "", settings = "{}", dynconfig = "", contentBytes = "0", recordsPulls = ""] = Deno.args;
  const facts = { dynconfig, contentBytes: Number(contentBytes), recordsPulls: recordsPulls === "true" };
  await serveAsPart(await startPart(role, JSON.parse(settings) as Settings, facts));
}
