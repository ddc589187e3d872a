/** The ring's own ground: what containerd does without us, with layers that are more than a few pieces and no larger. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reserveAddresses } from "./lib/addresses.ts";
import {
  CONFIG_FILE,
  CONTAINERD_PROGRAMS,
  ContainerdNode,
  type ContainerdProgram,
  installedContainerd,
  newerContainerd,
} from "./lib/containerd.ts";
import { blobsOf, buildImage, DEBIAN_LAYERS, IMAGE_PROGRAMS, pushImage } from "./lib/image.ts";
import { e2eTest } from "./lib/programs.ts";
import { blobBytes, REGISTRY_PROGRAM, startRegistry } from "./lib/registry.ts";
import { story } from "./lib/story.ts";
import { Workspace } from "./lib/workspace.ts";

const needs = { programs: [...CONTAINERD_PROGRAMS, ...IMAGE_PROGRAMS, REGISTRY_PROGRAM], root: true };

e2eTest("containerd 1.x pulls directly, and around a mirror that is down", needs, async (t) => {
  await directPull(t, await installedContainerd());
});

e2eTest("containerd 2.x pulls directly, and around a mirror that is down", needs, async (t) => {
  await directPull(t, await newerContainerd("2.x"));
});

async function directPull(t: Deno.TestContext, program: ContainerdProgram): Promise<void> {
  await using workspace = await Workspace.create();
  await using addresses = await reserveAddresses();
  await using registry = await startRegistry({ ip: addresses.ip(1), dir: workspace.dir });
  const image = await buildImage(DEBIAN_LAYERS.slice(0, 2));
  await pushImage(image, registry.url, "debian/tools", "1.0");
  const name = `${registry.namespace}/debian/tools:1.0`;
  await using node = await ContainerdNode.prepare("node", join(workspace.dir, "node"), program);
  await node.start();
  const step = story(t, workspace);

  await step(`containerd ${program.version} pulls every blob once`, async () => {
    registry.forget();
    console.log(`direct pull: ${await node.pull(name)} ms`);
    const sent = blobBytes(registry.requests());
    for (const blob of blobsOf(image)) assert.equal(sent.get(blob.digest), blob.size, blob.digest);
    assert.equal((await node.status(name))?.id, image.config.digest);
    assert.deepEqual((await node.status(name))?.repoDigests, [
      `${registry.namespace}/debian/tools@${image.index.digest}`,
    ]);
  });

  await step("a removed image leaves no blobs behind", async () => {
    await node.remove(name);
    assert.equal(await node.status(name), undefined);
    registry.forget();
    await node.pull(name);
    assert.equal(blobBytes(registry.requests()).size, blobsOf(image).length);
  });

  await step("a mirror that answers 503 is asked first, and the pull succeeds all the same", async () => {
    let asked = 0;
    const refuse = () => {
      asked++;
      return new Response(null, { status: 503 });
    };
    await using mirror = Deno.serve({ hostname: addresses.ip(2), port: 0, onListen: () => {} }, refuse);
    await node.remove(name);
    await node.stop();
    await mirrorTo(node, registry.namespace, `http://${mirror.addr.hostname}:${mirror.addr.port}`);
    await node.start();
    console.log(`pull past a refusing mirror: ${await node.pull(name)} ms`);
    assert(asked > blobsOf(image).length, `the mirror was asked ${asked} times`);
  });

  await step("a mirror whose port is closed is passed over", async () => {
    await node.remove(name);
    console.log(`pull around a closed mirror: ${await node.pull(name)} ms`);
    assert.equal((await node.status(name))?.id, image.config.digest);
  });
}

/** What an administrator would do by hand: `config_path` and a hosts.toml with one mirror. */
async function mirrorTo(node: ContainerdNode, namespace: string, mirror: string): Promise<void> {
  const certs = "/etc/containerd/certs.d";
  const folder = node.hostPath(join(certs, namespace));
  await mkdir(folder, { recursive: true });
  const hosts = `server = "http://${namespace}"\n\n[host."${mirror}"]\n  capabilities = ["pull", "resolve"]\n`;
  await writeFile(join(folder, "hosts.toml"), hosts);
  const unset =
    /(\[plugins\.['"]io\.containerd\.(?:cri\.v1\.images|grpc\.v1\.cri)['"]\.registry\]\n\s*config_path = )['"]['"]/;
  const config = await node.config();
  assert.match(config, unset);
  await writeFile(node.hostPath(CONFIG_FILE), config.replace(unset, (_, before: string) => `${before}"${certs}"`));
}
