/** What kind/README.md has people run. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../e2e/lib/components.ts";
import { e2eTest, run } from "../e2e/lib/programs.ts";
import { clientIn, dfinitIn, filesIn, schedulerIn, seedIn } from "./lib/files.ts";
import { HELM_NEEDS, rendered } from "./lib/helm.ts";

const KIND = join(REPOSITORY, "kind");
const values = (name: string) => readFile(join(KIND, `${name}.yaml`), "utf8");

for (const cluster of ["cluster-a", "cluster-b"]) {
  e2eTest(
    `${cluster} of kind, with a registry of this machine too, is read without a complaint`,
    HELM_NEEDS,
    async () => {
      for (const registry of [[], [await values("registry")]]) {
        const objects = await rendered([await values(cluster), ...registry], { namespace: cluster });
        for (const [file, { warnings }] of filesIn(objects)) assert.deepEqual(warnings, [], file);
      }
    },
  );
}

e2eTest(
  "cluster-b of kind joins as cluster 2, and both clusters know the registry of this machine",
  HELM_NEEDS,
  async () => {
    const objects = await rendered([await values("cluster-b"), await values("registry")]);
    assert.equal(schedulerIn(objects).manager.schedulerClusterID, 2);
    assert.deepEqual([seedIn(objects).seedPeer.clusterID, clientIn(objects).host.idc], [2, "cluster-2"]);
    const namespace = "registry.local:5000";
    for (const { proxy } of [seedIn(objects), clientIn(objects)]) {
      assert.deepEqual(proxy.registryMirror.upstreams.map((upstream) => upstream.namespace), [namespace]);
    }
    assert.deepEqual(dfinitIn(objects).containerRuntime?.containerd?.registries.map((one) => one.hostNamespace), [
      namespace,
    ]);
  },
);

e2eTest("the scripts of kind are scripts, and the guide names each of them", { programs: ["sh"] }, async () => {
  const guide = await readFile(join(KIND, "README.md"), "utf8");
  const scripts = (await readdir(KIND)).filter((name) => name.endsWith(".sh"));
  assert.ok(scripts.length >= 7);
  for (const name of scripts) {
    await run("sh", ["-n", join(KIND, name)]);
    assert.ok(guide.includes(`kind/${name}`), name);
  }
});
