/** containerd 1.6, 1.7 and 2.x pull public and private images: with peers, with peers that die, without peers. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Login } from "./lib/cri.ts";
import { crictl } from "./lib/crictl.ts";
import {
  LOGIN,
  PRIVATE_NEEDS,
  type PrivateImage,
  type PrivateNode,
  PrivateStage,
  STRANGER,
} from "./lib/private_stage.ts";
import { e2eTest } from "./lib/programs.ts";
import { type Step, story } from "./lib/story.ts";
import { waitFor } from "./lib/wait.ts";

/** A blob of this size is the larger one of the layers. */
const LAYER_BYTES_MIN = 8_000_000;
/** So much of an image has come that its pull is in the middle. */
const BEGUN_BYTES = 2 * 1024 * 1024;
const BEGIN_TIMEOUT_MS = 60_000;

e2eTest(
  "every containerd pulls public and private images, with its peer, with one that dies, and without any",
  PRIVATE_NEEDS,
  async (t) => {
    console.log(`pulls are made with ${await crictl() ?? "CRI's PullImage"}`);
    await using stage = await PrivateStage.start();
    const step = story(t, stage.workspace);
    await step("three containerds and their peers start", () => stage.startCluster());
    await nodesAreConfigured(stage, step);
    await peersServe(stage, step);
    await peersDie(stage, step);
    await partsAreServed(stage, step);
    await nobodyServes(stage, step);
    await registriesAreGone(stage, step);
  },
);

async function nodesAreConfigured(stage: PrivateStage, step: Step): Promise<void> {
  await step("dfinit adds the mirror where the owner has named the authority of a registry, which stays", async () => {
    for (const node of stage.nodes) {
      await stage.dfinit(node);
      const host = new URL(stage.basic.url).host;
      const hosts = await readFile(node.containerd.hostPath(`/etc/containerd/certs.d/${host}/hosts.toml`), "utf8");
      assert.match(hosts, /^ca = "ca.crt"$/m);
      assert(hosts.includes(`[host."${node.peer.mirrorUrl}"]`), hosts);
      assert.match(await stage.dfinit(node), /^Nothing to do$/m);
      await node.containerd.start();
    }
  });
}

async function peersServe(stage: PrivateStage, step: Step): Promise<void> {
  await step("a public image: each node through its peer, one copy of it from the registry", async () => {
    await pullEverywhere(stage, await stage.push(stage.open));
  });

  const basic = await stage.push(stage.basic);
  await step("without the login, and with a wrong one, nobody gets an image by basic authentication", async () => {
    await refused(stage, basic, undefined);
    await refused(stage, basic, { ...LOGIN, password: "guessed" });
    assert.equal(stage.registry.requests().length, 0);
  });
  await step("with the login each node gets it through its peer, one copy of it from the registry", async () => {
    await pullEverywhere(stage, basic, LOGIN);
  });
  await step("that everybody has it by now opens it to nobody else", async () => {
    await refused(stage, basic, undefined);
    await refused(stage, basic, { ...LOGIN, password: "guessed" });
  });

  const token = await stage.push(stage.token);
  await step("with tokens: each node through its peer, one copy of it from the registry", async () => {
    await pullEverywhere(stage, token, LOGIN);
  });
  await step("a token for another repository opens none that everybody has", async () => {
    await refused(stage, token, STRANGER);
  });
}

async function peersDie(stage: PrivateStage, step: Step): Promise<void> {
  for (const [kind, front] of [["basic authentication", stage.basic], ["tokens", stage.token]] as const) {
    await step(`peers that die in the middle of a pull with ${kind} fail none`, async () => {
      const image = await stage.push(front);
      const held = front.holdBlobs(LAYER_BYTES_MIN);
      const death = async () => {
        const release = await held;
        await Promise.all(stage.nodes.map(async ({ peer }) => {
          await waitFor(`the beginning of a layer at ${peer.hostId}`, BEGIN_TIMEOUT_MS, async () => {
            return (await peer.downloaded()).fromPeers > BEGUN_BYTES || undefined;
          });
          await peer.process.kill();
        }));
        release();
      };
      await Promise.all([death(), ...stage.nodes.map((node) => pull(node, image, LOGIN))]);
      for (const { start } of stage.nodes) await start();
    });
  }
}

/** The key of containerd 2.1 and later by which it fetches a layer in parts, several at once. */
const PARTS_OFF = "concurrent_layer_fetch_buffer = 0";
const PART_BYTES = 1024 * 1024;

async function partsAreServed(stage: PrivateStage, step: Step): Promise<void> {
  const node = stage.nodes.at(-1);
  assert(node !== undefined);
  await step("a containerd that asks for parts of layers gets them through its peer, one copy in all", async () => {
    await node.containerd.stop();
    await node.containerd.configure((config) => {
      assert(config.includes(PARTS_OFF), config);
      return config.replaceAll(PARTS_OFF, PARTS_OFF.replace(/0$/, String(PART_BYTES)));
    });
    await node.containerd.start();
    const before = await node.peer.proxyRequests();
    const image = await stage.push(stage.token);
    await pullEverywhere(stage, image, LOGIN);
    const layerBytes = image.sample.layers.reduce((sum, { size }) => sum + size, 0);
    assert(await node.peer.proxyRequests() - before >= layerBytes / PART_BYTES, "no parts were asked for");
  });
}

async function nobodyServes(stage: PrivateStage, step: Step): Promise<void> {
  await step("with all peers down, public and private images are pulled from their registries", async () => {
    for (const { peer } of stage.nodes) await peer.process.stop();
    for (const front of stage.fronts) {
      const image = await stage.push(front);
      front.blobRanges.length = 0;
      for (const node of stage.nodes) await pull(node, image, front === stage.open ? undefined : LOGIN);
      assert.equal(front.blobAgents.filter(isOurs).length, 0);
      // What containerd 2.x did with peers too: parts of a layer at the same time.
      assert(front.blobRanges.length > 0, "a containerd asks for parts of layers");
    }
  });
}

async function registriesAreGone(stage: PrivateStage, step: Step): Promise<void> {
  await step("with the registries gone, who was told of an image can pull it again, and nobody else", async () => {
    for (const { start } of stage.nodes) await start();
    const open = await stage.push(stage.open);
    await pullEverywhere(stage, open);
    const basic = await stage.push(stage.basic);
    await pullEverywhere(stage, basic, LOGIN);
    for (const front of [stage.open, stage.basic]) await front[Symbol.asyncDispose]();
    for (const node of stage.nodes) {
      await pull(node, open);
      await pull(node, basic, LOGIN);
      await assert.rejects(pull(node, basic, { ...LOGIN, password: "guessed" }));
      await assert.rejects(pull(node, basic));
    }
  });
}

async function pullEverywhere(stage: PrivateStage, image: PrivateImage, login?: Login): Promise<void> {
  await Promise.all(stage.nodes.map((node) => pull(node, image, login)));
  await stage.assertOneCopy(image);
  assert(image.front.blobAgents.length > 0 && image.front.blobAgents.every(isOurs), `${image.front.blobAgents}`);
}

/** Pulls, looks whether the node has the image then, and removes it there. */
async function pull({ containerd }: PrivateNode, { name, sample }: PrivateImage, login?: Login): Promise<void> {
  await containerd.pull(name, login);
  const status = await containerd.status(name);
  const digest = `${name.slice(0, name.lastIndexOf(":"))}@${sample.index.digest}`;
  assert.deepEqual(status?.repoDigests, [digest]);
  await containerd.remove(name);
}

async function refused(stage: PrivateStage, { name }: PrivateImage, login: Login | undefined): Promise<void> {
  for (const { containerd } of stage.nodes) {
    await assert.rejects(containerd.pull(name, login), /401|authoriz|insufficient_scope|pull access denied/i);
  }
}

function isOurs(agent: string): boolean {
  return agent.startsWith("damselfly/");
}
