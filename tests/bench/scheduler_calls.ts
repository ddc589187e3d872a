/**
 * What a scheduler takes over its gRPC port: peers registered per second, what one of them costs, and its memory with
 * very many streams open. The load comes from another process on the same machine, so that the processor time of the
 * scheduler says more than the time on the clock.
 *
 *     deno task bench:scheduler:calls [--json] [--peers N] [--streams N]
 */
import "../../src/rpc/http2_guard.ts";
import { parseArgs } from "node:util";
import { SchedulerConfig } from "../../src/config/scheduler.ts";
import { createRpcClient } from "../../src/rpc/client.ts";
import { Download } from "../../src/rpc/gen/common/v2/common.ts";
import { AnnouncePeerRequest, SchedulerService } from "../../src/rpc/gen/scheduler/v2/scheduler.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { startScheduler } from "../../src/scheduler/scheduler.ts";
import { announce, type SchedulerClient } from "../../src/testing/hand_peer.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";
import { type Row, tableOf } from "./manager/report.ts";
import { type Part, serveAsPart, spawnPart } from "./part.ts";

const LOCAL = "127.0.0.1";
const SERVER = "server";
/** Hosts that the peers are spread over. */
const HOSTS = 100;
/** Connections of the load, and peers that register at a time. */
const CONNECTIONS = 4;
const AT_ONCE = 64;
const WARM_UP_PEERS = 3_000;
const NEVER = new AbortController().signal;

/** A peer that registers and is answered; it ends with `finish`. */
async function register(client: SchedulerClient, index: number) {
  const ids = { hostId: `host-${index % HOSTS}`, taskId: `task-${index % 50}`, peerId: `peer-${index}` };
  const controller = new AbortController();
  const stream = client.announcePeer({ signal: controller.signal });
  const answers = stream.responses[Symbol.asyncIterator]();
  const download = Download.fromPartial({
    url: "https://registry.example/v2/team/app/blobs/sha256:ab",
    actualContentLength: 400 << 20,
    actualPieceLength: 4 << 20,
    actualPieceCount: 100,
    needBackToSource: index < 50,
  });
  const send = (request: AnnouncePeerRequest["request"]) =>
    stream.send(AnnouncePeerRequest.create({ ...ids, request }));
  await send({ $case: "registerPeerRequest", value: { download } });
  if (index < 50) await send({ $case: "downloadPeerBackToSourceStartedRequest", value: {} });
  const { done } = await answers.next();
  if (done === true) throw new Error(`peer ${index} was not answered`);
  return {
    finish: async () => {
      await send({ $case: "downloadPeerFinishedRequest", value: {} });
      stream.end();
      while ((await answers.next()).done !== true);
    },
  };
}

/** Calls `run` with each number from `from` on, so many at a time. */
async function forEach(from: number, count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = from;
  const worker = async () => {
    while (next < from + count) await run(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function measure(server: Part, peers: number, streams: number): Promise<Row[]> {
  using stack = new DisposableStack();
  const clock = realClock();
  const clients = Array.from({ length: CONNECTIONS }, () => {
    return stack.use(createRpcClient(SchedulerService, `${LOCAL}:${server.port}`, { clock }));
  });
  const clientOf = (index: number) => clients[index % CONNECTIONS] as SchedulerClient;
  await forEach(0, HOSTS, (index) => announce(clientOf(index), `host-${index}`));
  const comeAndGo = async (index: number) => await (await register(clientOf(index), index)).finish();
  const idleMib = server.memoryMiB();
  for (let index = 0; index < 50; index++) await register(clientOf(index), index);
  await forEach(50, WARM_UP_PEERS, comeAndGo);
  const [beganMs, cpuBefore] = [clock.now(), server.cpuSeconds()];
  await forEach(50 + WARM_UP_PEERS, peers, comeAndGo);
  const [seconds, cpuSeconds] = [(clock.now() - beganMs) / 1_000, server.cpuSeconds() - cpuBefore];
  const before = server.memoryMiB();
  await forEach(50 + WARM_UP_PEERS + peers, streams, async (index) => void await register(clientOf(index), index));
  await clock.sleep(1_000, NEVER);
  const target = { atLeast: 3_000 };
  const peer = "peers that register, are answered and finish";
  return [
    { what: `${peer}, as fast as the load can ask`, value: peers / seconds, unit: "/s" },
    { what: "the same by the scheduler's processor time", value: peers / cpuSeconds, unit: "/s", target },
    { what: "memory, idle", value: idleMib, unit: "MiB" },
    { what: `memory after ${peers} peers`, value: before, unit: "MiB" },
    { what: `memory with ${streams} streams open`, value: server.memoryMiB(), unit: "MiB", target: { atMost: 600 } },
  ];
}

if (Deno.args[0] === SERVER) {
  const config = SchedulerConfig.parse({ server: { listenIP: LOCAL, port: 0 }, seedPeer: { enable: false } });
  const { port } = await startScheduler(config, testRuntime());
  await serveAsPart({ port });
}
const { values } = parseArgs({
  args: Deno.args,
  options: {
    json: { type: "boolean", default: false },
    peers: { type: "string", default: "20000" },
    streams: { type: "string", default: "10000" },
  },
});
await using server = await spawnPart(new URL(import.meta.url).pathname, "scheduler", [SERVER]);
const rows = await measure(server, Number(values.peers), Number(values.streams));
if (values.json) console.log(JSON.stringify(rows));
else console.log(tableOf(rows));
Deno.exit(0);
