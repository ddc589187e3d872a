/** What a stock child relies on at our peer's upload port (wire.md §0 fact 8, §8), with calls made by hand. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DfdaemonConfig } from "../../src/config/dfdaemon.ts";
import { type PeerProcess, startPeer } from "../../src/peer/peer.ts";
import { checkHealth, createRpcClient } from "../../src/rpc/client.ts";
import { Download } from "../../src/rpc/gen/common/v2/common.ts";
import { DfdaemonUploadService } from "../../src/rpc/gen/dfdaemon/v2/dfdaemon.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { limited } from "../../src/testing/hand_peer.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";

const LOCAL = { ip: "127.0.0.1", port: 0 };
const { clock } = testRuntime();
/** What a stock child sends along with its streams, only that there it is 10 s. */
const DEADLINE = { metadata: { "grpc-timeout": "50m" } };
/** A piece of a small content by the stock rule, which is what a stock child has in mind whatever our own rule says. */
const PIECE_BYTES = 4 * 1024 * 1024;

interface Served extends AsyncDisposable {
  readonly peer: PeerProcess;
  readonly client: ReturnType<typeof clientOf>;
}

function clientOf({ upload }: PeerProcess) {
  return createRpcClient(DfdaemonUploadService, `${LOCAL.ip}:${upload.port}`, { clock });
}

async function servePeer(): Promise<Served> {
  const directory = await Deno.makeTempDir();
  const config = DfdaemonConfig.parse({
    host: { ip: LOCAL.ip },
    server: { cacheDir: join(directory, "cache") },
    download: { server: { socketPath: join(directory, "d.sock") } },
    upload: { server: LOCAL },
    storage: { dir: join(directory, "storage"), server: { ip: LOCAL.ip, tcpPort: 0 } },
    proxy: { server: LOCAL },
    health: { server: LOCAL },
    metrics: { server: LOCAL },
  });
  const peer = await startPeer(config, testRuntime({ disk: realDisk(realRandom()) }));
  const client = clientOf(peer);
  return {
    peer,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await peer[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Reads two loads of the host from a stream; the second comes a second later, long after the deadline. */
async function readTwoLoads({ client }: Served): Promise<number> {
  let seen = 0;
  for await (const { network } of client.syncHost({ hostId: "child", peerId: "p" }, { ...limited, ...DEADLINE })) {
    assert.ok(network);
    if (++seen === 2) break;
  }
  return seen;
}

/** An origin that gives the first piece of two, and the second when it is told to. */
function startOrigin() {
  const second = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: LOCAL.ip, port: 0, onListen() {} }, (request) => {
    const [, first = "0", last = String(2 * PIECE_BYTES - 1)] =
      /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
    const end = Math.min(last === "" ? Infinity : Number(last), 2 * PIECE_BYTES - 1) + 1;
    let at = Number(first);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (at >= end) return controller.close();
        if (at >= PIECE_BYTES) await second.promise;
        const next = Math.min(end, at < PIECE_BYTES ? PIECE_BYTES : end);
        controller.enqueue(new Uint8Array(next - at));
        at = next;
      },
    }, { highWaterMark: 0 });
    const headers = {
      "content-range": `bytes ${first}-${end - 1}/${2 * PIECE_BYTES}`,
      "content-length": String(end - Number(first)),
      "accept-ranges": "bytes",
    };
    return new Response(body, { status: 206, headers });
  });
  return {
    url: `http://${LOCAL.ip}:${server.addr.port}/file`,
    giveSecond: second.resolve,
    async [Symbol.asyncDispose]() {
      second.resolve();
      await server.shutdown();
    },
  };
}

Deno.test("a peer's upload port is healthy under the empty name and under that of its service", async () => {
  await using served = await servePeer();
  const address = `${LOCAL.ip}:${served.peer.upload.port}`;
  for (const service of ["", "dfdaemon.v2.DfdaemonUpload"]) {
    assert.equal(await checkHealth(address, { ...limited, clock, service }), true);
  }
});

Deno.test("SyncHost goes on beyond the deadline that a stock child sends, for it means the headers", async () => {
  await using served = await servePeer();
  assert.equal(await readTwoLoads(served), 2);
});

Deno.test("SyncPieces goes on beyond that deadline, and names the piece server by IP address and port", async () => {
  await using origin = startOrigin();
  await using served = await servePeer();
  const { client, peer } = served;
  const download = Download.create({ url: origin.url });
  const answers = client.downloadTask({ download }, limited)[Symbol.asyncIterator]();
  const { taskId } = (await answers.next()).value ?? {};
  assert.match(taskId ?? "", /^[0-9a-f]{64}$/);
  const request = { hostId: "child", taskId: taskId ?? "", interestedPieceNumbers: [0, 1] };
  const told = [];
  for await (const piece of client.syncPieces(request, { ...limited, ...DEADLINE })) {
    told.push(piece);
    if (told.length === 1) await readTwoLoads(served);
    origin.giveSecond();
  }
  const server = { ip: LOCAL.ip, tcpPort: peer.pieces?.port, quicPort: undefined };
  assert.deepEqual(told, [
    { number: 0, offset: 0, length: PIECE_BYTES, ...server },
    { number: 1, offset: PIECE_BYTES, length: PIECE_BYTES, ...server },
  ]);
  while ((await answers.next()).done !== true);
});
