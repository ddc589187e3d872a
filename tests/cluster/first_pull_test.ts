/** A whole cluster in one process: what the first pulls cost the registry, and where their bytes come from. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalCluster, startLocalCluster } from "../../src/cmd/local_cluster.ts";
import { type PulledImage, pullImage } from "../../src/oci/image_pull.ts";
import { parseImageReference } from "../../src/oci/image_reference.ts";
import { makeSampleImage } from "../../src/oci/sample_image.ts";
import {
  type LoggedRequest,
  type SampleRegistry,
  type SampleRegistryOptions,
  startSampleRegistry,
} from "../../src/oci/sample_registry.ts";
import type { PeerProcess } from "../../src/peer/peer.ts";
import { realClock } from "../../src/runtime/clock.ts";
import { realRandom } from "../../src/runtime/random.ts";
import { realDisk } from "../../src/runtime/real_disk.ts";
import { seededRandom } from "../../src/testing/seeded_random.ts";
import { testRuntime } from "../../src/testing/test_runtime.ts";

const MIB = 1024 * 1024;
const IP = "127.0.0.1";
const account = { username: "ada", password: "lovelace" };
const clock = realClock();
const signal = new AbortController().signal;
const image = await makeSampleImage({ layerBytes: [12 * MIB, 1 * MIB, 100_000] });
const layerBytes = image.layers.reduce((sum, { size }) => sum + size, 0);

/** A registry with one image, and a cluster of two peers that knows it. */
class Stage implements AsyncDisposable {
  readonly registry: SampleRegistry;
  readonly cluster: LocalCluster;
  readonly #stack: AsyncDisposableStack;

  private constructor(registry: SampleRegistry, cluster: LocalCluster, stack: AsyncDisposableStack) {
    this.registry = registry;
    this.cluster = cluster;
    this.#stack = stack;
  }

  static async open(options: Partial<SampleRegistryOptions> = {}): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const images = [{ repository: "team/app", tag: "v1", image }];
    const registry = stack.use(startSampleRegistry({ clock, images, ...options }));
    const dir = await mkdtemp(join(tmpdir(), "damselfly-cluster-"));
    stack.defer(() => rm(dir, { recursive: true, force: true }));
    const place = { ip: IP, firstPort: 0 };
    const cluster = stack.use(
      await startLocalCluster({
        dir,
        clock,
        manager: { ip: IP, grpcPort: 0, restPort: 0 },
        scheduler: { ip: IP, port: 0 },
        seed: place,
        peers: [place, place],
        upstreams: [{ namespace: registry.namespace, addr: registry.url }],
        runtimeOf: () => testRuntime({ disk: realDisk(realRandom()), random: realRandom() }),
      }, signal),
    );
    return new Stage(registry, cluster, stack.move());
  }

  /** Pulls through the peer with this number, counted from 1. */
  async pull(number: number, credentials?: typeof account): Promise<PulledImage> {
    return await pullImage(
      {
        image: parseImageReference(`${this.registry.namespace}/team/app:v1`),
        endpoint: `http://${IP}:${this.peer(number).mirror.port}`,
        platform: { os: "linux", architecture: "amd64" },
        ...(credentials === undefined ? {} : { credentials }),
      },
      { fetch, clock },
      signal,
    );
  }

  peer(number: number): PeerProcess {
    const peer = this.cluster.peers[number - 1];
    assert.ok(peer);
    return peer;
  }

  /** Requests for the content of layers; a mirror's question for the rights of a requester is not one. */
  layerRequests(): LoggedRequest[] {
    const digests = image.layers.map(({ digest }) => digest);
    return this.registry.requests.filter(({ method, path, status }) =>
      method === "GET" && status < 300 && digests.some((digest) => path.endsWith(digest))
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

Deno.test("the registry sends each layer once, and the second node gets all of its bytes from peers", async () => {
  await using stage = await Stage.open();
  const first = await stage.pull(1);
  assert.equal(first.digest, image.index.digest);
  const afterFirst = stage.layerRequests();
  assert.equal(afterFirst.length, image.layers.length);
  assert.equal(afterFirst.reduce((sum, { bytes }) => sum + bytes, 0), layerBytes);

  await stage.pull(2);
  assert.equal(stage.layerRequests().length, image.layers.length, "the second pull went to the registry");
  const { backToSource, remotePeer } = stage.peer(2).traffic();
  assert.equal(backToSource, 0);
  assert.ok(remotePeer >= layerBytes, `${remotePeer} of ${layerBytes} bytes came from peers`);

  const before = stage.peer(2).traffic();
  await stage.pull(2);
  const after = stage.peer(2).traffic();
  assert.equal(after.remotePeer, before.remotePeer);
  assert.equal(after.backToSource, 0);
  assert.ok(after.localPeer - before.localPeer >= layerBytes);
});

Deno.test("an image that needs a token is shared among those who can get one, and refused to others", async () => {
  await using stage = await Stage.open({ login: { kind: "bearer", random: seededRandom(7), account } });
  await stage.pull(1, account);
  await stage.pull(2, account);
  assert.equal(stage.layerRequests().length, image.layers.length);
  await assert.rejects(stage.pull(2), /Cannot get a token/);
  const [layer] = image.layers;
  const answer = await fetch(
    `http://${IP}:${stage.peer(2).mirror.port}/v2/team/app/blobs/${layer?.digest}?ns=${stage.registry.namespace}`,
  );
  await answer.body?.cancel();
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer realm=/);
});

Deno.test("peers that pull the same image at the same moment cost the registry one copy", async () => {
  await using stage = await Stage.open();
  await Promise.all([stage.pull(1), stage.pull(2), stage.pull(1), stage.pull(2)]);
  const sent = stage.layerRequests().reduce((sum, { bytes }) => sum + bytes, 0);
  assert.equal(sent, layerBytes);
});
