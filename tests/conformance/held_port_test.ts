/**
 * A stock program that has ended keeps its ports for a minute, by its connections (wire.md §8). Whatever listens in a
 * component waits for that, says so, and can be stopped meanwhile.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { ManagerConfig } from "../../src/config/manager.ts";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { DamselflyError } from "../../src/core/error.ts";
import { startManager } from "../../src/manager/manager.ts";
import { startPeer } from "../../src/peer/peer.ts";
import type { StartOptions } from "../../src/runtime/port_wait.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { MemoryLog } from "../../src/testing/memory_log.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";

const LOCAL = "127.0.0.1";

/** A port that connections of nobody keep: the side that closes first keeps it for a minute. */
async function heldPort(): Promise<number> {
  using server = Deno.listen({ hostname: LOCAL, port: 0 });
  const ended = await Deno.connect({ hostname: LOCAL, port: server.addr.port });
  const accepted = await server.accept();
  ended.close();
  await accepted.read(new Uint8Array(1));
  accepted.close();
  return ended.localAddr.port;
}

/** A log that stops the start as soon as that waits for a port. */
class StoppingLog extends MemoryLog {
  readonly #stop: AbortController;

  constructor(stop: AbortController) {
    super();
    this.#stop = stop;
  }

  override warn(message: string, fields: Record<string, unknown> = {}): void {
    super.warn(message, fields);
    if (fields["waitMs"] !== undefined) this.#stop.abort(new DamselflyError("cancelled", "Stopped"));
  }
}

type Start = (port: number, dir: string, runtime: Runtime, options: StartOptions) => Promise<AsyncDisposable>;

async function assertWaits(start: Start): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const stop = new AbortController();
    const log = new StoppingLog(stop);
    const port = await heldPort();
    const runtime = { ...testRuntime({ disk: realDisk(realRandom()) }), log };
    await assert.rejects(start(port, dir, runtime, { signal: stop.signal }), { code: "cancelled" });
    const [line] = log.lines.filter(({ fields }) => fields["waitMs"] !== undefined);
    assert.deepEqual(line?.fields, { hostname: LOCAL, port, waitMs: 90_000 });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const manager =
  (part: (port: number) => { grpc?: number; rest?: number; metrics?: number }): Start => (port, ...rest) => {
    const [dir, runtime, options] = rest;
    const { grpc = 0, rest: restPort = 0, metrics = 0 } = part(port);
    const config = ManagerConfig.parse({
      server: { grpc: { listenIP: LOCAL, port: grpc }, rest: { addr: `${LOCAL}:${restPort}` } },
      database: { sqlite: { path: join(dir, "manager.db") } },
      metrics: { enable: true, addr: `${LOCAL}:${metrics}` },
    });
    return startManager(config, runtime, options);
  };

const scheduler =
  (part: (port: number) => { grpc?: number; metrics?: number }): Start => (port, dir, runtime, options) => {
    const { grpc = 0, metrics = 0 } = part(port);
    const config = SchedulerConfig.parse({
      server: { listenIP: LOCAL, port: grpc, cacheDir: join(dir, "cache") },
      metrics: { enable: true, addr: `${LOCAL}:${metrics}` },
    });
    return startScheduler(config, runtime, options);
  };

type PeerPart = "pieces" | "upload" | "mirror" | "health" | "metrics";

const peer = (part: PeerPart): Start => (port, dir, runtime, options) => {
  const server = (name: PeerPart) => ({ ip: LOCAL, port: name === part ? port : 0 });
  const config = DfdaemonConfig.parse({
    host: { ip: LOCAL },
    server: { cacheDir: join(dir, "cache") },
    download: { server: { socketPath: join(dir, "d.sock") } },
    upload: { server: server("upload") },
    storage: { dir: join(dir, "storage"), server: { ip: LOCAL, tcpPort: server("pieces").port } },
    proxy: { server: server("mirror") },
    health: { server: server("health") },
    metrics: { server: server("metrics") },
  });
  return startPeer(config, runtime, options);
};

const LISTENERS: Readonly<Record<string, Start>> = {
  "the manager's gRPC": manager((grpc) => ({ grpc })),
  "the manager's REST": manager((rest) => ({ rest })),
  "the manager's metrics": manager((metrics) => ({ metrics })),
  "the scheduler's gRPC": scheduler((grpc) => ({ grpc })),
  "the scheduler's metrics": scheduler((metrics) => ({ metrics })),
  "a peer's pieces": peer("pieces"),
  "a peer's upload gRPC": peer("upload"),
  "a peer's mirror": peer("mirror"),
  "a peer's health": peer("health"),
  "a peer's metrics": peer("metrics"),
};

for (const [name, start] of Object.entries(LISTENERS)) {
  Deno.test(`${name} waits for a port that a program which has ended still holds`, () => assertWaits(start));
}
