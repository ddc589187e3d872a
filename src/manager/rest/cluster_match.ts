import * as z from "zod";
import { type HostPlace, parseScope, rankClusters, type Ranked, type RankedCluster } from "../../core/scope.ts";
import type { Cluster } from "../store/clusters.ts";
import { servesPeers } from "../store/liveness.ts";
import type { RestOptions } from "./context.ts";
import { line } from "./fields.ts";
import { roleAccess, type Route, route } from "./route.ts";

const PATH = "/api/v1/clusters/match";
const LIVE = "cluster with a live scheduler";

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
    const usable = matches.filter(({ live_schedulers }) => live_schedulers > 0);
    const rest = matches.filter(({ live_schedulers }) => live_schedulers === 0);
    const [winner] = usable;
    return { winner: winner?.id ?? null, reason: reasonOf(winner), clusters: [...usable, ...rest] };
  })];
}

function explain(
  { cluster: { cluster, scope }, rank: [, isInIdc, locationElements] }: Ranked<Parsed>,
  host: HostPlace,
  liveSchedulers: number,
) {
  const hostnames = host.hostname === "" ? [] : cluster.scopes.hostnames ?? [];
  return {
    id: cluster.id,
    name: cluster.name,
    cidr: scope.cidrs.find((cidr) => cidr.contains(host.ip))?.text ?? null,
    hostname: hostnames.find((_pattern, index) => scope.hostnames[index]?.test(host.hostname)) ?? null,
    idc: isInIdc === 1,
    location_elements: locationElements,
    is_default: cluster.isDefault,
    live_schedulers: liveSchedulers,
  };
}

function reasonOf(winner: z.infer<typeof ClusterMatch> | undefined): string {
  if (winner === undefined) return "No cluster has a live scheduler: the host downloads from the source";
  const { name, cidr, hostname, location_elements } = winner;
  if (cidr !== null) return `The IP address is in ${cidr} of ${name}, which goes before all else`;
  if (hostname !== null) return `The host name fits ${hostname} of ${name}, which goes before all else`;
  if (winner.idc) return `The IDC is one of ${name}, and no ${LIVE} names the IP address or host name`;
  if (location_elements > 0) {
    return `${name} agrees in ${location_elements} elements of the location, and no ${LIVE} in more`;
  }
  if (winner.is_default) return `No ${LIVE} fits the host, and ${name} is the default cluster`;
  return `No ${LIVE} fits the host or is the default one, and ${name} is the first`;
}
