import type { Schemas } from "../api/client.ts";
import { type ImageLogin, namingArgs, NO_LOGIN, NO_NAMING, type TaskNaming } from "../parts/task_naming.ts";

/** By what a task can be searched for. */
export const KINDS = ["url", "image", "task_id", "content"] as const;
export type Kind = (typeof KINDS)[number];

/** What is searched for, as it is being written. */
export interface TaskSearch extends TaskNaming, ImageLogin {
  readonly kind: Kind;
  /** The URL, the id or the content. */
  readonly value: string;
}

export const NEW_SEARCH: TaskSearch = { ...NO_NAMING, ...NO_LOGIN, kind: "url", value: "" };

/** The arguments of the jobs that look for a task, and that delete it. */
export function taskArgs(search: TaskSearch): Record<string, unknown> {
  const value = search.value.trim();
  if (search.kind === "task_id") return { task_id: value };
  if (search.kind === "content") return { content_for_calculating_task_id: search.value };
  return { url: value, ...namingArgs(search) };
}

/** The arguments of the question who holds an image. */
export function imageArgs(search: TaskSearch): Record<string, unknown> {
  const { platform, username, password } = search;
  return { ...taskArgs({ ...search, kind: "image" }), platform, username, password };
}

/** What a job about a task says that it is about. */
export function taskOf(args: Readonly<Record<string, unknown>>): string {
  const known = [args["url"], args["content_for_calculating_task_id"], args["task_id"]];
  return known.find((value): value is string => typeof value === "string" && value !== "") ?? "-";
}

/** Which hosts hold how many layers of an image, and on how many hosts each layer is. */
export interface ImageHolders {
  readonly layers: readonly { readonly url: string; readonly hosts: number }[];
  readonly hosts: readonly {
    readonly hostname: string;
    readonly ip: string;
    readonly clusterId: number;
    readonly layers: number;
  }[];
}

/** The answer to {@link imageArgs}. */
interface Distribution {
  readonly image: { readonly layers: readonly { readonly url: string }[] };
  readonly peers: readonly {
    readonly hostname: string;
    readonly ip: string;
    readonly scheduler_cluster_id: number;
    readonly cached_layers: readonly { readonly url: string }[];
  }[];
}

/** Reads the answer; those with the most layers first. */
export function holdersOf(answer: unknown): ImageHolders {
  const { image, peers } = answer as Distribution;
  const counts = new Map<string, number>();
  for (const { cached_layers } of peers) {
    for (const { url } of cached_layers) counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  return {
    layers: image.layers.map(({ url }) => ({ url, hosts: counts.get(url) ?? 0 })),
    hosts: peers.map(({ hostname, ip, scheduler_cluster_id, cached_layers }) => {
      return { hostname, ip, clusterId: scheduler_cluster_id, layers: cached_layers.length };
    }).sort((a, b) => b.layers - a.layers),
  };
}

/** The name of a cluster by its id. */
export function clusterName(
  id: number | undefined,
  clusters: readonly Pick<Schemas["Cluster"], "id" | "name">[],
): string {
  const known = clusters.find((cluster) => cluster.id === id);
  return known === undefined ? String(id ?? "-") : `${known.name} (${known.id})`;
}
