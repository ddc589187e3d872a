/** The multi-cluster guide without Kubernetes: two clusters under one manager, in networks that do not meet. */
import assert from "node:assert/strict";
import { isolatedTest } from "./lib/own_namespaces.ts";
import { signIn } from "./lib/manager_api.ts";
import { type Traffic, trafficSince } from "./lib/metrics.ts";
import { blobBytes } from "./lib/registry.ts";
import { type Step, story } from "./lib/story.ts";
import { ROOT_PASSWORD, TWO_CLUSTERS_NEEDS, TwoClusters, type WalkCluster, type WalkNode } from "./lib/two_clusters.ts";
import { waitFor } from "./lib/wait.ts";

const DEFAULT_CLUSTER = 1;
const SECOND_IDC = "cluster-2";
const LOG_TIMEOUT_MS = 60_000;
/** Requests that only ask whether a range works, or how long a blob is, get at most this much of it. */
const PROBE_BYTES = 1;

isolatedTest(
  import.meta.url,
  "two clusters under one manager pull a copy each, and no peer of one asks a peer of the other",
  TWO_CLUSTERS_NEEDS,
  async (t) => {
    await using stage = await TwoClusters.open();
    const walk = new Walk(stage);
    const step = story(t, stage.workspace);
    await walk.installs(step);
    await walk.pulls(step);
    await walk.staysApart(step);
  },
);

/** The steps of the guide, and what they must not do. */
class Walk {
  readonly #stage: TwoClusters;
  #a: WalkCluster | undefined;
  #b: WalkCluster | undefined;

  constructor(stage: TwoClusters) {
    this.#stage = stage;
  }

  async installs(step: Step): Promise<void> {
    await step("cluster A starts with the manager", async () => {
      this.#a = await this.#stage.start("a", { id: DEFAULT_CLUSTER });
    });
    await step("cluster B, made over REST, joins the manager of A", async () => {
      const session = await signIn(this.#stage.manager.restUrl, ROOT_PASSWORD);
      const id = await session.createCluster(SECOND_IDC, { idc: SECOND_IDC });
      this.#b = await this.#stage.start("b", { id, idc: SECOND_IDC });
    });
  }

  async pulls(step: Step): Promise<void> {
    await step("A's first pull comes from the registry, and its second from peers", () => this.#pullsIn("A", 1));
    await step("B's first pull does not come from A, and its second from B's peers", () => this.#pullsIn("B", 2));
  }

  async staysApart(step: Step): Promise<void> {
    await step("each scheduler knows the hosts of its own cluster only", async () => {
      for (const { scheduler, seed, nodes } of [this.#clusterA, this.#clusterB]) {
        const own = [seed, ...nodes.map(({ peer }) => peer)].map(({ hostId }) => hostId);
        assert.deepEqual((await scheduler.hostIds()).sort(), own.sort());
      }
    });
    await step("nobody of one cluster has asked a peer of the other, and nobody could have", async () => {
      assert.equal(await this.#stage.crossings(), 0);
      const [here, there] = [nodeOf(this.#clusterA, 0), nodeOf(this.#clusterB, 0)];
      assert.equal(await this.#stage.reaches(here, nodeOf(this.#clusterA, 1).peer), true);
      assert.equal(await this.#stage.crossings(), 0);
      assert.equal(await this.#stage.reaches(there, here.peer), false);
      assert.notEqual(await this.#stage.crossings(), 0);
    });
  }

  /** Pulls the image on both nodes; the registry has sent `copies` to all clusters then, one of them to this. */
  async #pullsIn(name: "A" | "B", copies: number): Promise<void> {
    const cluster = name === "A" ? this.#clusterA : this.#clusterB;
    await this.#pull(`cluster ${name}, first pull`, nodeOf(cluster, 0));
    const { fromPeers, fromSource } = await this.#pull(`cluster ${name}, hit at a remote peer`, nodeOf(cluster, 1));
    const { layers } = this.#stage.image;
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    assert.ok(fromPeers >= bytes, `${fromPeers} of ${bytes} bytes came from peers`);
    assert.equal(fromSource, 0);
    const sent = await this.#sentByRegistry(copies);
    for (const { digest, size } of layers) assert.equal(sent.get(digest), copies * size, digest);
  }

  /** Pulls the image on a node, and prints how long that took. */
  async #pull(title: string, { containerd, peer }: WalkNode): Promise<Traffic> {
    const before = await peer.downloaded();
    console.log(`${title}: ${await containerd.pull(this.#stage.imageName)} ms`);
    return trafficSince(before, await peer.downloaded());
  }

  /** Bytes of each layer; the registry logs when a body ends. */
  async #sentByRegistry(copies: number): Promise<Map<string, number>> {
    const { registry, image } = this.#stage;
    return await waitFor("what was sent to be in the registry's log", LOG_TIMEOUT_MS, () => {
      const sent = blobBytes(registry.requests().filter(({ bytes }) => bytes > PROBE_BYTES));
      return image.layers.every(({ digest, size }) => (sent.get(digest) ?? 0) >= copies * size) ? sent : undefined;
    });
  }

  get #clusterA(): WalkCluster {
    assert(this.#a !== undefined);
    return this.#a;
  }

  get #clusterB(): WalkCluster {
    assert(this.#b !== undefined);
    return this.#b;
  }
}

function nodeOf({ nodes }: WalkCluster, index: number): WalkNode {
  const node = nodes[index];
  assert(node !== undefined);
  return node;
}
