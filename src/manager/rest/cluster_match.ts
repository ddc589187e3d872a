import * as z from "zod";
import { type HostPlace, parseScope, rankClusters, type Ranked, type RankedCluster } from "../../core/scope.ts";
import { scopeMatchOf, scopeReason } from "../../core/scope_match.ts";
import type { Cluster } from "../store/clusters.ts";
import { servesPeers } from "../store/liveness.ts";
import type { RestOptions } from "./context.ts";
import { line } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/clusters/match";

const MatchQuery = z.object({
  ip: z.union([z.literal(""), z.ipv4(), z.ipv6()], "expected an IP address").default(""),
  hostname: line().default(""),
  idc: line(1_024).default(""),
  location: line(1_024).default(""),
});

const ClusterMatch = z.object({
  id: z.int(),
  name: z.string(),
  cidr: z.string().nullable().meta({ description: "The CIDR of the cluster that holds the IP address." }),
  hostname: z.string().nullable().meta({ description: "The pattern of the cluster that fits the host name." }),
  idc: z.boolean(),
  location_elements: z.int().meta({ description: "How many leading elements of the location agree." }),
  is_default: z.boolean(),
  live_schedulers: z.int(),
}).meta({ id: "ClusterMatch" });

type Parsed = RankedCluster & { readonly cluster: Cluster };

const MatchReply = z.object({
  winner: z.int().nullable(),
  reason: z.string(),
  clusters: z.array(ClusterMatch).meta({ description: "The cluster that a peer tries first comes first." }),
});

/** Which cluster a host belongs to, and why: the same ranking that peers are answered with. */
export function clusterMatchRoutes({ store, clock }: RestOptions): Route[] {
  return [route({
    ...{ method: "GET", path: PATH, access: roleAccess(PATH), summary: "Explain which cluster a host belongs to" },
    ...{ query: MatchQuery, reply: MatchReply },
  }, async ({ query: host }) => {
    const [clusters, schedulers] = await Promise.all([store.clusters.all(), store.schedulers.all()]);
    const now = clock.wallMs();
    const live = schedulers.filter((row) => servesPeers(row, now));
    const counts = Map.groupBy(live, ({ clusterId }) => clusterId);
    const ranked = rankClusters(
      clusters.map((cluster) => ({ cluster, scope: parseScope(cluster.scopes), isDefault: cluster.isDefault })),
      host,
    );
    const matches = ranked.map((one) => explain(one, host, counts.get(one.cluster.cluster.id)?.length ?? 0));
    // Clusters without a live scheduler do not count, so they come last, in their order.
    const usable = matches.filter(({ liveSchedulers }) => liveSchedulers > 0);
    const rest = matches.filter(({ liveSchedulers }) => liveSchedulers === 0);
    const [first] = usable;
    return { winner: first?.id ?? null, reason: scopeReason(first?.match), clusters: [...usable, ...rest].map(shown) };
  })];
}

function explain(
  { cluster: { cluster, scope }, rank }: Ranked<Parsed>,
  host: HostPlace,
  liveSchedulers: number,
) {
  const { name, isDefault } = cluster;
  const match = scopeMatchOf({ name, written: cluster.scopes, scope, isDefault }, rank, host);
  return { match, id: cluster.id, liveSchedulers };
}

function shown({ match, id, liveSchedulers }: ReturnType<typeof explain>): z.infer<typeof ClusterMatch> {
  const { name, cidr, hostname, isInIdc, locationElements, isDefault } = match;
  return {
    ...{ id, name, cidr, hostname, idc: isInIdc, location_elements: locationElements },
    ...{ is_default: isDefault === true, live_schedulers: liveSchedulers },
  };
}
