/** The values of Dragonfly's guides, as their authors wrote them, make two clusters of ours. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { e2eTest } from "../e2e/lib/programs.ts";
import { clientIn, dfinitIn, filesIn, managerIn, schedulerIn, seedIn } from "./lib/files.ts";
import { HELM_NEEDS, type KubernetesObject, objectOf, rendered } from "./lib/helm.ts";

/** A file of the guides. The older ones have no-break spaces of a web page, which no YAML reader takes. */
const guide = async (name: string) => {
  const text = await Deno.readTextFile(new URL(`testdata/guides/${name}.yaml`, import.meta.url));
  return text.replaceAll("\u00a0", " ");
};

const imagesOf = (objects: readonly KubernetesObject[]) =>
  objects.flatMap((
    { spec },
  ) => [...spec?.template?.spec.initContainers ?? [], ...spec?.template?.spec.containers ?? []])
    .map(({ image }) => image);

for (const age of ["new", "old"]) {
  e2eTest(
    `the ${age} guide's cluster A has a manager of ours, and its files are read without a complaint`,
    HELM_NEEDS,
    async () => {
      const objects = await rendered([await guide(`${age}-cluster-a`)]);
      for (const [name, { warnings }] of filesIn(objects)) assert.deepEqual(warnings, [], name);
      assert.deepEqual(imagesOf(objects).filter((image) => image.includes("dragonflyoss")), []);
      assert.equal(managerIn(objects).verbose, true);
      assert.equal(schedulerIn(objects).pprofPort, 18066);
      for (
        const kind of [
          "StatefulSet/dragonfly-scheduler",
          "StatefulSet/dragonfly-seed-client",
          "DaemonSet/dragonfly-client",
        ]
      ) {
        const [type = "", name = ""] = kind.split("/");
        assert.deepEqual(objectOf(objects, type, name).spec.template.spec.nodeSelector, { cluster: "a" });
      }
    },
  );

  e2eTest(
    `the ${age} guide's cluster B joins the manager of A: scheduler and seed peers by number, peers by data centre`,
    HELM_NEEDS,
    async () => {
      const objects = await rendered([await guide(`${age}-cluster-b`)], { namespace: "cluster-b" });
      const manager = { hostname: "dragonfly-manager.cluster-a.svc.cluster.local", port: 65003, tls: false };
      for (const [name, { warnings }] of filesIn(objects)) assert.deepEqual(warnings, [], name);
      assert.deepEqual(schedulerIn(objects).manager.addr, manager);
      assert.equal(schedulerIn(objects).manager.schedulerClusterID, 2);
      assert.deepEqual(schedulerIn(objects).database.redis.addrs.map(({ hostname }) => hostname), [
        "dragonfly-redis-master.cluster-a.svc.cluster.local",
      ]);
      assert.deepEqual(seedIn(objects).manager.addr, manager);
      assert.deepEqual([seedIn(objects).seedPeer.enable, seedIn(objects).seedPeer.clusterID], [true, 2]);
      assert.equal(seedIn(objects).host.schedulerClusterID, 2);
      assert.equal(clientIn(objects).host.idc, "cluster-2");
      assert.deepEqual(clientIn(objects).manager.addr, manager);
      assert.deepEqual(objects.filter(({ metadata }) => metadata.labels?.component === "manager"), []);
    },
  );
}

e2eTest("the guide's service finds the manager's pods", HELM_NEEDS, async () => {
  const { spec } = parse(await guide("manager-rest-svc"));
  const objects = await rendered([await guide("new-cluster-a")]);
  const { labels } = objectOf(objects, "Deployment", "dragonfly-manager").spec.template.metadata;
  for (const [key, value] of Object.entries(spec.selector)) assert.equal(labels[key], value, key);
});

e2eTest("containerRuntime of older charts becomes what dfinit reads, and switches it on", HELM_NEEDS, async () => {
  const { containerRuntime, proxy } = dfinitIn(await rendered([await guide("old-cluster-a")]));
  const registries = [{ hostNamespace: "ghcr.io", serverAddr: "https://ghcr.io", capabilities: ["pull", "resolve"] }];
  assert.deepEqual(containerRuntime?.containerd, {
    ...{ configPath: "/etc/containerd/config.toml", proxyAllRegistries: false, registries },
  });
  assert.equal(proxy.addr, "http://127.0.0.1:4001");
});

e2eTest(
  "jaeger.enable of older charts runs Jaeger, and sends it the traces of all components",
  HELM_NEEDS,
  async () => {
    const objects = await rendered([await guide("old-cluster-a")]);
    objectOf(objects, "Deployment", "dragonfly-jaeger");
    objectOf(objects, "Service", "dragonfly-jaeger-collector");
    const endpoint = "dragonfly-jaeger-collector.cluster-a.svc.cluster.local:4317";
    for (const { tracing } of [managerIn(objects), schedulerIn(objects), seedIn(objects), clientIn(objects)]) {
      assert.deepEqual([tracing.protocol, tracing.endpoint], ["grpc", endpoint]);
    }
  },
);
