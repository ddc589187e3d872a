/** The multi-cluster guide on a real Kubernetes: two clusters under one manager, four pulls, an upgrade, faults, the end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { stringify } from "yaml";
import { sumOf } from "../../src/runtime/metrics_text.ts";
import { blobsOf, buildImage, type Image, IMAGE_PROGRAMS, pushImage } from "../e2e/lib/image.ts";
import { signIn } from "../e2e/lib/manager_api.ts";
import { e2eTest } from "../e2e/lib/programs.ts";
import { blobBytes, type Registry, REGISTRY_PROGRAM, startRegistry } from "../e2e/lib/registry.ts";
import { type Step, story } from "../e2e/lib/story.ts";
import { stopwatch, waitFor } from "../e2e/lib/wait.ts";
import { Workspace } from "../e2e/lib/workspace.ts";
import { CHART } from "../chart/lib/helm.ts";
import { ownImages } from "./lib/images.ts";
import { CONTAINERD_CONFIG, type Kubernetes, KUBERNETES_NEEDS, MACHINE, startKubernetes } from "./lib/kubernetes.ts";

const FIRST_PULL_MAX_MS = 60_000;
const READY_TIMEOUT = "240s";
const WAIT_MS = 120_000;
const GUIDES = new URL("../chart/testdata/guides/", import.meta.url).pathname;
/** Nodes of the clusters, as the guide labels them. */
const NODES = { a: [1, 2], b: [3, 4] } as const;
type Cluster = keyof typeof NODES;

e2eTest("the guide's two clusters share images, and leave their nodes as they were", {
  ...KUBERNETES_NEEDS,
  programs: [...KUBERNETES_NEEDS.programs, ...IMAGE_PROGRAMS, REGISTRY_PROGRAM],
}, async (t) => {
  await using workspace = await Workspace.create();
  await using registry = await startRegistry({ ip: "127.0.0.1", dir: workspace.dir });
  const images = [
    await buildImage([["libc6", "bash", "coreutils"], ["perl-modules-5.36"]]),
    await buildImage([["libc6", "busybox"]]),
  ];
  for (const [index, image] of images.entries()) await pushImage(image, registry.url, "lab/app", `v${index + 1}`);
  const port = Number(registry.namespace.split(":")[1]);
  const starting = startKubernetes({ ...{ dir: workspace.dir, nodes: 4, port }, images: await ownImages() });
  starting.catch(() => workspace.keep());
  await using kubernetes = await starting;
  const walk = new Walk(kubernetes, registry, images, `${MACHINE}:${port}`, workspace.dir);
  const next = story(t, workspace);
  const step: Step = (sentence, run) =>
    next(sentence, () =>
      run().catch(async (error) => {
        await kubernetes.writeLog();
        throw error;
      }));
  await walk.installs(step);
  await walk.pulls(step);
  await walk.changes(step);
  await walk.ends(step);
});

/** The steps of the guide, and what comes after it. */
class Walk {
  readonly #kubernetes: Kubernetes;
  readonly #registry: Registry;
  readonly #images: readonly Image[];
  readonly #namespace: string;
  readonly #dir: string;
  #sinceInstall = stopwatch();

  constructor(kubernetes: Kubernetes, registry: Registry, images: readonly Image[], namespace: string, dir: string) {
    this.#kubernetes = kubernetes;
    this.#registry = registry;
    this.#images = images;
    this.#namespace = namespace;
    this.#dir = dir;
  }

  async installs(step: Step): Promise<void> {
    await step("cluster A is installed with the guide's values", async () => {
      await this.#label();
      this.#sinceInstall = stopwatch();
      await this.#helm("install", "a");
    });
    await step("the first pull goes through the swarm within a minute of the install", async () => {
      console.log(`cluster A, first pull: ${await this.#pull(1)} ms`);
      const took = this.#sinceInstall();
      console.log(`from helm install to the end of the first pull: ${took} ms`);
      assert.ok(took <= FIRST_PULL_MAX_MS, `${took} ms`);
    });
    await step("the manager answers on its NodePort, root signs in, and cluster 2 is made", async () => {
      await this.#kubernetes.apply(await Deno.readTextFile(join(GUIDES, "manager-rest-svc.yaml")));
      const secret = await this.#kubernetes.kubectl(
        ...["--namespace", "cluster-a", "get", "secret", "dragonfly-manager-root", "--output"],
        "jsonpath={.data.password}",
      );
      const { url, process } = await this.#kubernetes.reach("10.88.0.11:30950");
      await using _forward = process;
      const session = await waitFor("the NodePort", WAIT_MS, () => signIn(url, atob(secret)));
      assert.equal(await session.createCluster("cluster-2", { idc: "cluster-2" }), 2);
    });
    await step("cluster B is installed with the guide's values, and joins the manager of A", async () => {
      await this.#helm("install", "b");
      await waitFor("the scheduler of cluster B", WAIT_MS, async () => {
        const { stdout } = await this.#logs("cluster-b", "daemonset/dragonfly-client");
        return stdout.includes("announced to a scheduler") ? true : undefined;
      });
    });
    await step("every pod says what memory it takes", async () => {
      for (const namespace of ["cluster-a", "cluster-b"]) {
        for (const { name, workingSetMib, residentMib } of await this.#kubernetes.memory(namespace)) {
          assert.ok(residentMib > 0 && workingSetMib > 0, name);
          const sizes = `${residentMib.toFixed()} MiB resident, working set ${workingSetMib.toFixed()} MiB`;
          console.log(`${namespace}/${name}: ${sizes}`);
        }
      }
    });
  }

  async pulls(step: Step): Promise<void> {
    await step("node 2 of A gets the image from peers", async () => {
      console.log(`cluster A, hit at a remote peer: ${await this.#pull(2)} ms`);
      await this.#assertFromPeers(2);
    });
    await step("B's first pull does not come from A, and its second from B", async () => {
      console.log(`cluster B, first pull: ${await this.#pull(3)} ms`);
      console.log(`cluster B, hit at a remote peer: ${await this.#pull(4)} ms`);
      await this.#assertFromPeers(4);
    });
    await step("the registry sent each blob once to each cluster", () => {
      this.#assertCopies(this.#image(0), 2);
      return Promise.resolve();
    });
    await step("a Deployment pulls another image on both nodes, and the registry sends it once", async () => {
      await this.#kubernetes.apply(deployment(`${this.#namespace}/lab/app:v2`));
      await this.#kubernetes.kubectl("rollout", "status", "deployment/app", `--timeout=${READY_TIMEOUT}`);
      this.#assertCopies(this.#image(1), 1);
    });
  }

  async changes(step: Step): Promise<void> {
    await step("no pull fails while the release is upgraded", async () => {
      await this.#pullingWhile(() =>
        this.#helm("upgrade", "a", { client: { podAnnotations: { changed: "by-an-upgrade" } } })
      );
    });
    await step("a second run of dfinit changed nothing, so that no runtime was restarted again", async () => {
      const { stdout } = await this.#logs("cluster-a", "daemonset/dragonfly-client", "restart-container-runtime");
      assert.equal(stdout.trim(), "");
    });
    for (const component of ["manager", "scheduler", "seed-client", "client"]) {
      await step(`no pull fails when a pod of ${component} is killed, and another takes its place`, async () => {
        await this.#pullingWhile(async () => {
          const pods = ["--namespace", "cluster-a", "pods", `--selector=component=${component}`];
          const [pod = ""] = (await this.#kubernetes.kubectl("get", ...pods, "--output=name")).trim().split("\n");
          await this.#kubernetes.kubectl("delete", "--namespace", "cluster-a", pod, "--force", "--grace-period=0");
          await this.#kubernetes.kubectl("wait", "--for=condition=Ready", ...pods, `--timeout=${READY_TIMEOUT}`);
        });
      });
    }
  }

  async ends(step: Step): Promise<void> {
    for (const cluster of ["b", "a"] as const) {
      await step(`after the uninstall of ${cluster.toUpperCase()} its nodes are as they were`, async () => {
        const namespace = `cluster-${cluster}`;
        await this.#kubernetes.helm(
          "uninstall",
          "dragonfly",
          "--namespace",
          namespace,
          "--wait",
          "--timeout",
          READY_TIMEOUT,
        );
        for (const node of NODES[cluster]) {
          assert.equal(await this.#kubernetes.node(node, "cat", "/etc/containerd/config.toml"), CONTAINERD_CONFIG);
          const found = await this.#kubernetes.node(
            ...[
              node,
              "sh",
              "-c",
              "find /etc/containerd /var/lib/dragonfly /run/dragonfly -name '*d*fly*' 2>/dev/null; true",
            ] as const,
          );
          assert.equal(found, "");
          assert.doesNotMatch(await this.#kubernetes.node(node, "sh", "-c", "cat /etc/containerd/certs.d/*/*"), /4001/);
        }
      });
    }
    await step("a pull without us works as before", async () => {
      // Without a config_path, containerd speaks plain HTTP with the registries of its own host only.
      await using _registry = await this.#kubernetes.lend(1, this.#registry.namespace);
      await this.#pull(1, this.#registry.namespace);
    });
  }

  #image(index: number): Image {
    const image = this.#images[index];
    if (image === undefined) throw new Error(`There is no image ${index}`);
    return image;
  }

  async #label(): Promise<void> {
    for (const [cluster, nodes] of Object.entries(NODES)) {
      await this.#kubernetes.kubectl("label", "node", ...nodes.map((node) => `node${node}`), `cluster=${cluster}`);
    }
  }

  /** The guide's values, and what this machine needs: one pod of each, no volumes, and a registry without TLS. */
  async #helm(verb: "install" | "upgrade", cluster: Cluster, more: unknown = {}): Promise<void> {
    const registryMirror = { upstreams: [{ namespace: this.#namespace, addr: `http://${this.#namespace}` }] };
    const registries = [{ hostNamespace: this.#namespace, serverAddr: `http://${this.#namespace}` }];
    const files = {
      own: {
        manager: { persistence: { enable: false } },
        scheduler: { replicas: 1 },
        seedClient: { replicas: 1, persistence: { enable: false }, config: { proxy: { registryMirror } } },
        client: {
          config: { proxy: { registryMirror } },
          dfinit: { config: { containerRuntime: { containerd: { registries } } } },
        },
      },
      more,
    };
    const values = ["--values", join(GUIDES, `new-cluster-${cluster}.yaml`)];
    for (const [name, value] of Object.entries(files)) {
      const file = join(this.#dir, `${cluster}-${name}.yaml`);
      await Deno.writeTextFile(file, stringify(value));
      values.push("--values", file);
    }
    const place = ["--namespace", `cluster-${cluster}`, ...(verb === "install" ? ["--create-namespace"] : [])];
    await this.#kubernetes.helm(verb, "dragonfly", CHART, ...place, ...values, "--wait", "--timeout", READY_TIMEOUT);
  }

  /** Pulls the first image anew; milliseconds. */
  async #pull(node: number, namespace = this.#namespace): Promise<number> {
    const name = `${namespace}/lab/app:v1`;
    await this.#kubernetes.node(node, "crictl", "rmi", name).catch(() => {});
    const time = stopwatch();
    await this.#kubernetes.node(node, "crictl", "--timeout", "120s", "pull", name);
    return time();
  }

  async #assertFromPeers(node: number): Promise<void> {
    const samples = await this.#kubernetes.metrics(node, `10.88.0.1${node}:4002`);
    const of = (type: string) => sumOf(samples, "dragonfly_client_download_traffic", { type });
    const bytes = blobsOf(this.#image(0)).reduce((sum, { size }) => sum + size, 0);
    assert.ok(of("REMOTE_PEER") >= bytes, `${of("REMOTE_PEER")} of ${bytes} bytes came from peers`);
    assert.equal(of("BACK_TO_SOURCE"), 0);
  }

  #assertCopies(image: Image, copies: number): void {
    const sent = blobBytes(this.#registry.requests());
    for (const { digest, size } of blobsOf(image)) {
      assert.equal(sent.get(digest), copies * size, `${digest}: ${sent.get(digest)} of ${size} bytes`);
    }
  }

  /** Pulls again and again on node 1 until `change` has ended, and at least once. */
  async #pullingWhile(change: () => Promise<void>): Promise<void> {
    let isOver = false;
    const changed = change().finally(() => isOver = true);
    // Awaited below; until then a pull may be the first to fail.
    changed.catch(() => {});
    let count = 0;
    do {
      await this.#pull(1);
      count += 1;
    } while (!isOver);
    await changed;
    console.log(`${count} pulls, none failed`);
  }

  async #logs(namespace: string, of: string, container = "client"): Promise<{ readonly stdout: string }> {
    return { stdout: await this.#kubernetes.kubectl("--namespace", namespace, "logs", of, "--container", container) };
  }
}

/** Two pods of an image, one on each node of cluster A. */
function deployment(image: string): string {
  const labels = { app: "app" };
  const spread = {
    ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule" },
    labelSelector: { matchLabels: labels },
  };
  return stringify({
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "app" } },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...{ nodeSelector: { cluster: "a" }, topologySpreadConstraints: [spread], terminationGracePeriodSeconds: 1 },
          containers: [{ name: "app", image, command: ["/bin/busybox", "sleep", "3600"] }],
        },
      },
    },
  });
}
