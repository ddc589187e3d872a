/** The whole thing on real parts: containerd pulls an image through peers of two clusters under one manager. */
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type Peer, runDfinit } from "./lib/components.ts";
import { CONFIG_FILE, type ContainerdNode } from "./lib/containerd.ts";
import { blobsOf } from "./lib/image.ts";
import { type Traffic, trafficSince } from "./lib/metrics.ts";
import { e2eTest } from "./lib/programs.ts";
import { Stage, STAGE_NEEDS } from "./lib/stage.ts";
import { type Step, story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";

const DEFAULT_CLUSTER = 1;
const SECOND_IDC = "cluster-2";
const ANSWER_TIMEOUT_MS = 30_000;
/** Peers tell every minute. */
const TOLD_TIMEOUT_MS = 150_000;
/** Of what is counted. */
const LEDGER_ERROR_MAX = 0.01;
/** Of the image, by nodes with peers. */
const PULLS_SO_FAR = 4;

e2eTest(
  "containerd pulls an image through the peers of its cluster, and without any of them",
  STAGE_NEEDS,
  async (t) => {
    await using stage = await Stage.open();
    const step = story(t, stage.workspace);
    await nodesAreConfigured(stage, step);
    await clustersStart(stage, step);
    await firstClusterPulls(stage, step);
    await secondClusterPulls(stage, step);
    await ledgerAgrees(stage, step);
    await nothingOfOursIsNeeded(stage, step);
  },
);

async function nodesAreConfigured(stage: Stage, step: Step): Promise<void> {
  const init = (node: ContainerdNode) =>
    runDfinit(node.dir, {
      hostRoot: node.hostRoot,
      mirrorUrl: stage.mirrorUrl(stage.nodes.indexOf(node) + 1),
      registries: [{ hostNamespace: stage.registry.namespace, serverAddr: stage.registry.url }],
    });

  await step("dfinit sets config_path in the files of containerd 1.x and 2.x, and changes no other line", async () => {
    for (const node of stage.nodes) {
      const before = (await node.config()).split("\n");
      await init(node);
      const after = (await node.config()).split("\n");
      assert.equal(await node.configPath(), "/etc/containerd/certs.d");
      assert.equal(after.length, before.length);
      assert.equal(after.filter((line, i) => line !== before[i]).length, 1);
    }
  });

  await step("dfinit changes nothing when it runs again", async () => {
    for (const node of stage.nodes) {
      const written = [CONFIG_FILE, join(await node.configPath(), stage.registry.namespace, "hosts.toml")];
      const look = () =>
        Promise.all(written.map(async (path) => {
          const { mtimeMs, ino } = await stat(node.hostPath(path));
          return { mtimeMs, ino };
        }));
      const before = await look();
      await init(node);
      assert.deepEqual(await look(), before);
    }
  });

  await step("containerd 1.x and 2.x start with what dfinit wrote", async () => {
    for (const node of stage.nodes) await node.start();
  });
}

async function clustersStart(stage: Stage, step: Step): Promise<void> {
  await step("the manager starts with its default cluster", async () => {
    await stage.startManager();
    assert.deepEqual(await stage.session.clusters(), ["cluster-1"]);
  });

  await step("a scheduler, a seed peer and two peers find each other through the manager", async () => {
    const scheduler = await stage.startScheduler(DEFAULT_CLUSTER);
    for (const number of [0, 1, 2]) await stage.startPeer(number, scheduler);
  });

  await step("a second cluster, created over REST, gets its own scheduler and the peer of its IDC", async () => {
    const id = await stage.session.createCluster(SECOND_IDC, { idc: SECOND_IDC });
    const scheduler = await stage.startScheduler(id);
    const peer = await stage.startPeer(3, scheduler, SECOND_IDC);
    assert.deepEqual(await scheduler.hostIds(), [peer.hostId]);
    assert.equal((await stage.schedulers[0]?.hostIds())?.includes(peer.hostId), false);
  });

  await step(
    "a TLS greeting on the mirror's port is answered in plain HTTP, which containerd's fallback needs",
    async () => {
      assert.match(await answerToTlsHello(stage.peerIp(1), 4001), /^HTTP\/1\.1 400 /);
    },
  );
}

async function firstClusterPulls(stage: Stage, step: Step): Promise<void> {
  const [node1, node2] = stage.nodes;
  const imageBytes = blobsOf(stage.image).reduce((sum, { size }) => sum + size, 0);
  const manifestBytes = stage.image.index.size + stage.image.manifest.size;
  stage.registry.forget();

  await step("node 1 pulls the image, and gets every blob through its peer", async () => {
    const traffic = await during(stage.peer(1), async () => {
      console.log(`cold pull: ${await node1.pull(stage.imageName)} ms`);
    });
    await stage.assertHasImage(node1);
    const bytes = traffic.fromPeers + traffic.fromSource;
    assert(bytes >= imageBytes, `${bytes} of ${imageBytes} bytes went through the peer`);
  });

  await step("node 2 pulls it too, and gets every blob from peers", async () => {
    const traffic = await during(stage.peer(2), async () => {
      console.log(`warm pull: ${await node2.pull(stage.imageName)} ms`);
    });
    await stage.assertHasImage(node2);
    assert(traffic.fromPeers >= imageBytes, `${traffic.fromPeers} of ${imageBytes} bytes came from peers`);
    assert(traffic.fromSource <= manifestBytes, `${traffic.fromSource} bytes came from the registry`);
  });

  await step("the registry sent each blob once in all", async () => {
    await stage.assertSentOnce();
  });

  await step("a pull of what the peer still has costs the registry no blob", async () => {
    await node2.remove(stage.imageName);
    stage.registry.forget();
    const traffic = await during(stage.peer(2), async () => {
      console.log(`hot pull: ${await node2.pull(stage.imageName)} ms`);
    });
    await stage.assertHasImage(node2);
    assert(traffic.fromDisk >= imageBytes, `${traffic.fromDisk} of ${imageBytes} bytes came from the local disk`);
    assert.deepEqual(stage.sentByRegistry(), new Map());
  });
}

async function secondClusterPulls(stage: Stage, step: Step): Promise<void> {
  const node3 = stage.nodes[2];

  await step("a node of the second cluster is not served by peers of the first", async () => {
    const others = stage.peers.filter(({ ip }) => ip !== stage.peerIp(3));
    const given = () => Promise.all(others.map((peer) => peer.uploaded()));
    const before = await given();
    stage.registry.forget();
    const traffic = await during(stage.peer(3), async () => {
      console.log(`pull in the second cluster: ${await node3.pull(stage.imageName)} ms`);
    });
    await stage.assertHasImage(node3);
    assert.equal(traffic.fromPeers, 0);
    assert.deepEqual(await given(), before);
    await stage.assertSentOnce();
  });

  await step("each scheduler knows the hosts of its own cluster only", async () => {
    const ids = (numbers: number[]) => numbers.map((number) => stage.peer(number).hostId).sort();
    const known = await Promise.all(stage.schedulers.map(async (scheduler) => (await scheduler.hostIds()).sort()));
    assert.deepEqual(known, [ids([0, 1, 2]), ids([3])]);
  });
}

async function ledgerAgrees(stage: Stage, step: Step): Promise<void> {
  await step(
    "the ledger of the manager has the bytes that the registry, the peers and the nodes have counted",
    async () => {
      const counts = await Promise.all(stage.peers.map((peer) => peer.downloaded()));
      const of = (key: keyof Traffic) => counts.reduce((sum, count) => sum + count[key], 0);
      const imageBytes = blobsOf(stage.image).reduce((sum, { size }) => sum + size, 0);
      const peers = [of("fromSource"), of("fromPeers"), of("fromDisk")];
      const wanted = [stage.registry.sentBytes(), ...peers, PULLS_SO_FAR * imageBytes];
      let told: number[] = [];
      await waitFor("a ledger that agrees", TOLD_TIMEOUT_MS, async () => {
        const { total } = await stage.session.send("GET", "/api/v1/savings");
        told = [total.origin_bytes, total.origin_bytes, total.peer_bytes, total.local_bytes, total.served_bytes];
        return told.every((bytes, index) => Math.abs(bytes - (wanted[index] ?? 0)) <= LEDGER_ERROR_MAX * bytes) ||
          undefined;
      }).catch((cause) => assert.fail(`wanted ${wanted}, told ${told}: ${cause}`));
      console.log(`registry, peers and nodes have counted ${wanted}, the ledger has ${told}`);
    },
  );
}

async function nothingOfOursIsNeeded(stage: Stage, step: Step): Promise<void> {
  await step("with all of our processes stopped, containerd pulls from the registry", async () => {
    await stage.stopOurs();
    for (const node of stage.nodes) {
      await node.remove(stage.imageName);
      stage.registry.forget();
      console.log(`pull without us on ${node.name}: ${await node.pull(stage.imageName)} ms`);
      await stage.assertHasImage(node);
      await stage.assertSentOnce();
    }
  });
}

async function during(peer: Peer, run: () => Promise<void>): Promise<Traffic> {
  const before = await peer.downloaded();
  await run();
  return trafficSince(before, await peer.downloaded());
}

/** The first bytes that a server sends when a TLS 1.2 ClientHello opens the connection. */
function answerToTlsHello(host: string, port: number): Promise<string> {
  // Record header (handshake, TLS 1.0, 45 bytes), ClientHello of 41 bytes: version, random, no session, one cipher.
  const hello = new Uint8Array([22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, ...new Uint8Array(32), 0, 0, 2, 0xc0, 0x2f, 1, 0]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port }, () => socket.write(hello));
  socket.setTimeout(
    ANSWER_TIMEOUT_MS,
    () => reject(new Error(`No answer to a ClientHello within ${ANSWER_TIMEOUT_MS} ms`)),
  );
  socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
  socket.once("error", reject);
  socket.once("end", () => reject(new Error("The connection was closed without an answer to a ClientHello")));
  return promise.finally(() => socket.destroy());
}
