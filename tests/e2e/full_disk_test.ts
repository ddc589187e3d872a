/** A volume that fills up while a peer writes to it: a real one, a few MiB large. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import { startPeer } from "./lib/components.ts";
import { e2eTest, run } from "./lib/programs.ts";
import { story } from "./lib/story.ts";
import { Workspace } from "./lib/workspace.ts";

const MIB = 1024 * 1024;
const VOLUME_BYTES = 24 * MIB;
/** How much of a blob comes before the volume is filled by somebody else. */
const HEAD_BYTES = 4 * MIB;

const needs = { programs: ["mount", "umount"], root: true };

/** A registry of one blob, which waits in the middle of its first transfer for {@link Origin.goOn}. */
interface Origin extends AsyncDisposable {
  readonly url: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly path: string;
  /** Ranges that were asked for, from the first byte on. */
  readonly starts: number[];
  readonly halfway: Promise<void>;
  goOn(): void;
}

function startOrigin(ip: string, bytes: number, seed: number): Origin {
  const content = Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 9) * seed) & 0xff);
  const path = `/v2/lab/blob/blobs/sha256:${createHash("sha256").update(content).digest("hex")}`;
  const starts: number[] = [];
  const [halfway, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = Deno.serve({ hostname: ip, port: 0, onListen: () => {} }, (request) => {
    if (new URL(request.url).pathname !== path) return new Response(null, { status: 404 });
    const headers = { "accept-ranges": "bytes", "content-length": String(bytes) };
    if (request.method === "HEAD") return new Response(null, { headers });
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    starts.push(start);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async start(controller) {
        controller.enqueue(content.subarray(start, Math.max(start, HEAD_BYTES)));
        halfway.resolve();
        await gate.promise;
        controller.enqueue(content.subarray(Math.max(start, HEAD_BYTES)));
        controller.close();
      },
    });
    const part = { "content-length": String(bytes - start), "content-range": `bytes ${start}-${bytes - 1}/${bytes}` };
    return start === 0
      ? new Response(body, { headers })
      : new Response(body, { status: 206, headers: { ...headers, ...part } });
  });
  return {
    url: `http://${ip}:${server.addr.port}`,
    ...{ content, path, starts, halfway: halfway.promise },
    goOn: () => gate.resolve(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

e2eTest("a volume that fills up costs a pull its place in the cache, and nothing else", needs, async (t) => {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  const step = story(t, workspace);
  const dir = join(workspace.dir, "peer");
  const volume = join(dir, "storage");
  await mkdir(volume, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${VOLUME_BYTES}`, "tmpfs", volume]);
  await using mounted = new AsyncDisposableStack();
  mounted.defer(() => run("umount", ["-l", volume]).then(() => undefined));
  await using origin = startOrigin(addresses.ip(1), 12 * MIB, 7);
  await using peer = await startPeer({ name: "peer", ip: addresses.ip(2), dir }, { registryUrl: origin.url });
  const pull = async () => new Uint8Array(await (await fetch(`${peer.mirrorUrl}${origin.path}`)).arrayBuffer());
  const filler = join(volume, "filler");

  await step("the pull that is under way gets all of its bytes, the rest straight from the registry", async () => {
    const pulled = pull();
    await origin.halfway;
    await run("sh", ["-c", `cat /dev/zero > ${filler} || true`]);
    origin.goOn();
    assert.deepEqual(await pulled, origin.content);
  });

  await step("so do the pulls that follow, and the peer lives", async () => {
    assert.deepEqual(await pull(), origin.content);
    const health = await fetch(`http://${peer.ip}:4003/healthy`);
    await health.body?.cancel();
    assert.equal(health.status, 200);
  });

  await step("once there is room again the content is cached", async () => {
    await Deno.remove(filler);
    assert.deepEqual(await pull(), origin.content);
    const asked = origin.starts.length;
    assert.deepEqual(await pull(), origin.content);
    assert.equal(origin.starts.length, asked);
  });
});
