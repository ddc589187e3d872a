/** What values become: objects that Kubernetes takes, files that components take, or a refusal that says what to write. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { e2eTest } from "../e2e/lib/programs.ts";
import { clientIn, dfinitIn, filesIn, managerIn, schedulerIn, seedIn } from "./lib/files.ts";
import { HELM_NEEDS, type KubernetesObject, lint, objectOf, refusalOf, rendered } from "./lib/helm.ts";

const sample = async (name: string) =>
  parse(await Deno.readTextFile(new URL(`../../src/config/testdata/${name}.yaml`, import.meta.url)));

/** Everything that can be switched on. */
const ALL = {
  manager: {
    replicas: 2,
    ingress: { enable: true, hosts: ["images.corp"] },
    metrics: { serviceMonitor: { enable: true }, prometheusRule: { enable: true } },
  },
  client: { topology: { enable: true }, dfinit: { enable: true } },
  mysql: { enable: true },
  redis: { enable: true },
  jaeger: { enable: true },
  extraObjects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mine" } }],
};

const MATRIX: Readonly<Record<string, unknown>> = {
  "nothing": {},
  "everything": ALL,
  "peers alone": {
    manager: { enable: false },
    externalManager: { host: "manager.corp" },
    scheduler: { enable: false },
  },
  "a manager alone": { scheduler: { enable: false }, seedClient: { enable: false }, client: { enable: false } },
  "databases elsewhere": {
    manager: { replicas: 3 },
    externalMysql: { host: "mysql.corp", password: "a-b-c" },
    externalRedis: {
      addrs: ["s1:26379", "s2:26379"],
      masterName: "m",
      password: "r",
      tls: { insecureSkipVerify: true },
    },
  },
  "peers in networks of their own": { client: { hostNetwork: false }, networkPolicy: { enable: false } },
  "folders of nodes": {
    manager: { persistence: { hostPath: { path: "/data" } } },
    seedClient: { persistence: { hostPath: { path: "/seed" } } },
    client: { storage: { hostPath: "" } },
  },
  "probes left out": { client: { livenessProbe: { enable: false }, startupProbe: { enable: false } } },
  "other names": { fullnameOverride: "x", manager: { name: "m" }, scheduler: { fullnameOverride: "s" } },
};

for (const [name, values] of Object.entries(MATRIX)) {
  e2eTest(
    `with ${name}, each file is read by its component without a complaint, and Helm finds no fault`,
    HELM_NEEDS,
    async () => {
      assert.match(await lint(values), /0 chart\(s\) failed/);
      const files = filesIn(await rendered([values]));
      assert.ok(files.size > 0);
      for (const [file, { warnings }] of files) assert.deepEqual(warnings, [], file);
    },
  );
}

e2eTest("each key of the files of Dragonfly's chart can be written as config, and arrives", HELM_NEEDS, async () => {
  const { server: { grpc: _grpc, rest: _rest, ...server }, metrics: _manager, ...manager } = await sample("manager");
  const { server: { port: _port, ...own }, metrics: _scheduler, ...scheduler } = await sample("scheduler");
  const peer = await sample("dfdaemon");
  const objects = await rendered([{
    manager: { config: { ...manager, server } },
    scheduler: { config: { ...scheduler, server: own } },
    seedClient: { config: peer },
    client: { config: peer, dfinit: { enable: true, config: await sample("dfinit") } },
  }]);
  filesIn(objects);
  assert.equal(managerIn(objects).auth.jwt.timeout, 48 * 3_600_000);
  assert.equal(schedulerIn(objects).scheduler.retryInterval, 2000);
  for (const config of [seedIn(objects), clientIn(objects)]) {
    assert.equal(config.gc.policy.diskHighThresholdPercent, 90);
  }
  assert.equal(dfinitIn(objects).containerRuntime?.containerd?.registries.length, 2);
});

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["a misspelt value", { scheduler: { replica: 2 } }, /scheduler.*replica/s],
  ["a misspelt key of a file", { client: { config: { proxi: {} } } }, /client\/config.*proxi/s],
  ["a key of a file that is deep", { manager: { config: { auth: { jwt: { kye: "x" } } } } }, /jwt.*kye/s],
  ["a value of another kind", { scheduler: { replicas: "two" } }, /replicas.*string/s],
  ["a duration without a unit", { client: { config: { gc: { interval: "15" } } } }, /interval.*pattern/s],
  [
    "several managers on SQLite",
    { manager: { replicas: 2 } },
    /set mysql\.enable, or externalMysql\.host, or replicas: 1/,
  ],
  [
    "no manager at all",
    { manager: { enable: false } },
    /set externalManager\.host, or scheduler\.config\.manager\.addr/,
  ],
  [
    "a port that a service is made for",
    { manager: { config: { server: { rest: { addr: ":1" } } } } },
    /write manager\.restPort/,
  ],
  [
    "several managers for a peer",
    { client: { config: { manager: { addrs: ["http://a:1", "http://b:1"] } } } },
    /write client\.config\.manager\.addr/,
  ],
  [
    "docker of older charts",
    { containerRuntime: { docker: { enable: true } } },
    /client\.dfinit\.config\.containerRuntime\.docker/,
  ],
  ["passwords in containerd's file", {
    containerRuntime: { containerd: { enable: true, injectRegistryCredencials: { enable: true } } },
  }, /nodes use their own credentials/],
  [
    "keys of older peers",
    { dfdaemon: { config: { proxy: {}, upload: {}, objectStorage: { enable: true } } } },
    /client\.config\.objectStorage.*config convert/s,
  ],
  [
    "values of older peers that are gone",
    { seedPeer: { hostPort: 1 } },
    /seedPeer\.hostPort is a value of older charts/,
  ],
  ["parts that there are not", { injector: { enable: true } }, /there is no injector/],
  ["the seeds of long ago", { cdn: { enable: true } }, /write seedClient instead/],
];

for (const [what, values, reason] of REFUSED) {
  e2eTest(`${what}: refused, with what to write instead`, HELM_NEEDS, async () => {
    assert.match(await refusalOf(values), reason);
  });
}

e2eTest("what is switched off of older charts is no reason to refuse", HELM_NEEDS, async () => {
  const off = { enable: false };
  await rendered([{ injector: off, trainer: off, triton: off, cdn: off, containerRuntime: { docker: off } }]);
});

e2eTest("a runtime that is named takes the place of containerd", HELM_NEEDS, async () => {
  const runtimes = async (containerRuntime: unknown) => {
    const objects = await rendered([{ client: { dfinit: { enable: true, config: { containerRuntime } } } }]);
    return Object.keys(dfinitIn(objects).containerRuntime ?? {});
  };
  assert.deepEqual(await runtimes({}), ["containerd"]);
  assert.deepEqual(await runtimes({ crio: {} }), ["crio"]);
  assert.deepEqual(await runtimes({ containerd: null, docker: {} }), ["docker"]);
  assert.deepEqual(await runtimes({ podman: {}, crio: {} }), ["crio", "podman"]);
});

e2eTest("dfinit points the runtime at the port that the peer listens on", HELM_NEEDS, async () => {
  const objects = await rendered([{
    client: { dfinit: { enable: true }, config: { proxy: { server: { port: 65001 } } } },
  }]);
  assert.equal(dfinitIn(objects).proxy.addr, "http://127.0.0.1:65001");
});

e2eTest("no password is anywhere but in a Secret", HELM_NEEDS, async () => {
  const password = "only-in-a-secret";
  const objects = await rendered([ALL, {
    mysql: { auth: { password, rootPassword: password } },
    redis: { auth: { password } },
    manager: { config: { auth: { jwt: { key: `${password}-${password}-${password}` } } } },
    client: { config: { proxy: { server: { basicAuth: { username: "u", password } } } } },
  }]);
  const holders = objects.filter((object) => JSON.stringify(object).includes(password)).map(({ kind }) => kind);
  assert.deepEqual(new Set(holders), new Set(["Secret"]));
});

/** Pods of the objects, by the object that makes them. */
function podsOf(objects: readonly KubernetesObject[]): [string, KubernetesObject][] {
  return objects.filter(({ spec }) => spec?.template?.spec !== undefined)
    .map(({ kind, metadata, spec }) => [`${kind}/${metadata.name}`, spec.template.spec]);
}

e2eTest("no container may become more than it is, and none is privileged", HELM_NEEDS, async () => {
  for (const [name, pod] of podsOf(await rendered([ALL]))) {
    assert.equal(pod.automountServiceAccountToken, false, name);
    for (const container of [...pod.initContainers ?? [], ...pod.containers]) {
      const { allowPrivilegeEscalation, capabilities, privileged } = container.securityContext;
      assert.deepEqual([allowPrivilegeEscalation, capabilities.drop, privileged], [false, ["ALL"], undefined], name);
    }
    const isOfNode = name.startsWith("DaemonSet/");
    assert.equal(pod.securityContext?.runAsNonRoot === true, !isOfNode, name);
  }
});

e2eTest(
  "every component has probes, resources, a network policy, and a budget where there are several pods",
  HELM_NEEDS,
  async () => {
    const objects = await rendered([{ scheduler: { replicas: 2 }, seedClient: { replicas: 2 } }]);
    for (const [name, pod] of podsOf(objects).filter(([name]) => !name.includes("restore"))) {
      const [container] = pod.containers;
      for (const key of ["startupProbe", "livenessProbe", "readinessProbe", "resources"]) {
        assert.ok(
          container[key],
          name + key,
        );
      }
    }
    for (const name of ["dragonfly-scheduler", "dragonfly-seed-client"]) {
      objectOf(objects, "PodDisruptionBudget", name);
      objectOf(objects, "NetworkPolicy", name);
    }
    objectOf(objects, "NetworkPolicy", "dragonfly-manager");
    assert.throws(() => objectOf(objects, "PodDisruptionBudget", "dragonfly-manager"), /There is no/);
  },
);

e2eTest(
  "nobody may read anything of the cluster, but for nodes where their places are asked for, and a hook its own",
  HELM_NEEDS,
  async () => {
    const roles = (objects: readonly KubernetesObject[]) =>
      objects.filter(({ kind }) => kind.endsWith("Role")).map(({ kind, rules }) => ({ kind, rules }));
    assert.deepEqual(roles(await rendered([{}])), []);
    const dfinit = { enable: true };
    assert.deepEqual(roles(await rendered([{ client: { dfinit } }])), [{
      kind: "Role",
      rules: [{ apiGroups: ["apps"], resources: ["daemonsets"], resourceNames: ["dragonfly-restore"], verbs: ["get"] }],
    }]);
    assert.deepEqual(roles(await rendered([{ client: { topology: { enable: true } } }])), [{
      kind: "ClusterRole",
      rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }],
    }]);
  },
);

e2eTest("a name that is too long for Kubernetes is cut, and two components still have two", HELM_NEEDS, async () => {
  const objects = await rendered([ALL], { name: "a".repeat(53), namespace: "b" });
  const names = objects.filter(({ kind }) => kind === "Service").map(({ metadata }) => metadata.name as string);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.ok(name.length <= 63, name);
});

e2eTest("volumes that values of Dragonfly's chart name for the cache are the cache", HELM_NEEDS, async () => {
  const storage = { name: "storage", hostPath: { path: "/disk" } };
  const extraVolumeMounts = [{ name: "storage", mountPath: "/var/lib/dragonfly/" }, { name: "logs", mountPath: "/l" }];
  const objects = await rendered([{
    client: { extraVolumes: [storage, { name: "logs", emptyDir: {} }], extraVolumeMounts },
  }]);
  const pod = objectOf(objects, "DaemonSet", "dragonfly-client").spec.template.spec;
  const named = (name: string) => pod.volumes.filter((volume: { name: string }) => volume.name === name);
  assert.deepEqual([named("storage"), named("logs")], [[storage], []]);
  assert.equal(pod.containers[0].volumeMounts.filter(({ name }: { name: string }) => name === "logs").length, 0);
});

e2eTest("a file that somebody keeps in a Secret takes the place of the chart's", HELM_NEEDS, async () => {
  const objects = await rendered([{
    manager: { existingConfigSecret: "mine" },
    client: { existingConfigSecret: "yours" },
  }]);
  assert.throws(() => objectOf(objects, "Secret", "dragonfly-manager"), /There is no/);
  const volumes = (kind: string, name: string) => objectOf(objects, kind, name).spec.template.spec.volumes[0];
  assert.deepEqual(volumes("Deployment", "dragonfly-manager"), { name: "config", secret: { secretName: "mine" } });
  assert.deepEqual(volumes("DaemonSet", "dragonfly-client"), { name: "config", secret: { secretName: "yours" } });
});
