/** Nodes that pull through the peer at their address, whatever kind it is, and around it when it is down. */
import { join } from "node:path";
import { runDfinit } from "../../e2e/lib/components.ts";
import { ContainerdNode, installedContainerd } from "../../e2e/lib/containerd.ts";
import type { Cluster } from "./cluster.ts";
import { pullWithFallback } from "./pull.ts";
import type { PullingNode } from "./steady_pulls.ts";

/** A node of containerd's manners without a containerd. */
export function lightNode(cluster: Cluster, name: string): PullingNode {
  return { name, pull: async (image) => (await pullWithFallback(image, cluster.route(name))).aroundMirror };
}

/** A node with a real containerd, configured once by dfinit and never again. */
export async function containerdNode(cluster: Cluster, name: string): Promise<PullingNode & AsyncDisposable> {
  const { workspace, tap } = cluster.lab;
  const dir = join(workspace.dir, cluster.name, `${name}-node`);
  const node = await ContainerdNode.prepare(name, dir, await installedContainerd());
  const registries = [{ hostNamespace: tap.namespace, serverAddr: tap.url }];
  await runDfinit(dir, { hostRoot: node.hostRoot, mirrorUrl: cluster.route(name).mirrorUrl, registries });
  await node.start();
  return {
    name,
    async pull(image) {
      await node.pull(image.name);
      await node.remove(image.name);
      return 0;
    },
    [Symbol.asyncDispose]: () => node.stop(),
  };
}
