import * as z from "zod";
import { VERSION } from "../../core/version.ts";
import { DefaultPassword, ROOT } from "../default_password.ts";
import type { TrafficMinute } from "../store/traffic.ts";
import { mayDo } from "./access.ts";
import type { RestOptions } from "./context.ts";
import { timeJson } from "./fields.ts";
import { type ClusterHealth, examine, type Finding, FINDING_KINDS } from "./findings.ts";
import { OriginPrice, originPrice } from "./origin_price.ts";
import { Remembered } from "./remembered.ts";
import { type Route, route } from "./route.ts";
import { trafficFields, trafficJson } from "./savings.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MINUTES = 60;
const CLUSTERS_MAX = 100;
const FINDINGS_MAX = 100;
/** How old an answer may be: people watch the first, all totals of a week are added up for the second. */
const LIVE_LIFETIME_MS = 1_000;
const TOTALS_LIFETIME_MS = 30_000;
/** Peers are counted in the database, whose rows are minutes old themselves. */
const PEERS_LIFETIME_MS = 10_000;

const presence = z.object({ total: z.int(), active: z.int() });
const Minute = z.object({ at: z.string(), origin_bytes: z.number(), peer_bytes: z.number(), local_bytes: z.number() })
  .meta({ id: "TrafficMinute", description: "Bytes that hosts told of within the minute." });
const ClusterOverview = z.object({
  id: z.int(),
  name: z.string(),
  is_default: z.boolean(),
  health: z.enum(["good", "degraded", "down"]),
  schedulers: presence,
  seed_peers: presence,
  peers: presence,
  stock_peers: z.int().meta({ description: "Active peers of another make." }),
}).meta({ id: "ClusterOverview" });
const FindingReply = z.object({
  kind: z.enum(FINDING_KINDS),
  cluster: z.object({ id: z.int(), name: z.string() }).nullable(),
  count: z.int(),
  names: z.array(z.string()).meta({ description: "Hosts or releases, the first ones." }),
}).meta({ id: "Finding" });

const Reply = z.object({
  minutes: z.array(Minute).meta({ description: `The last ${MINUTES} whole minutes, in order.` }),
  day: z.object(trafficFields),
  week: z.object(trafficFields),
  origin_price: OriginPrice.nullable(),
  cluster_count: z.int(),
  clusters: z.array(ClusterOverview).meta({ description: `The worst come first; ${CLUSTERS_MAX} at most.` }),
  finding_count: z.int(),
  findings: z.array(FindingReply).meta({
    description: `What should be looked at, of what the caller may see; the worst first, ${FINDINGS_MAX} at most.`,
  }),
}).meta({ id: "Overview" });

/** The right without which a finding is not told: what it is about, and who can be told that anybody can take over. */
const RIGHTS: Readonly<Record<Finding["kind"], { readonly object: string; readonly action: "read" | "*" }>> = {
  default_password: { object: "users", action: "*" },
  no_live_scheduler: { object: "clusters", action: "read" },
  inactive_schedulers: { object: "schedulers", action: "read" },
  inactive_seed_peers: { object: "seed-peers", action: "read" },
  failed_preheats: { object: "jobs", action: "read" },
  version_skew: { object: "peers", action: "read" },
};

/** How it goes, in one answer that costs the same however many watch. */
export function overviewRoutes(options: RestOptions): Route[] {
  const { store, clock } = options;
  const examined = examination(options);
  const minutes = new Remembered(clock, LIVE_LIFETIME_MS, async () => {
    const nowMs = clock.wallMs();
    return lastMinutes(await store.traffic.minutes(nowMs - (MINUTES + 1) * MINUTE_MS), nowMs);
  });
  const totals = new Remembered(clock, TOTALS_LIFETIME_MS, async () => {
    const hourMs = Math.floor(clock.wallMs() / HOUR_MS) * HOUR_MS;
    const since = (days: number) => store.traffic.total(hourMs - days * DAY_MS);
    return { day: await since(1), week: await since(7) };
  });
  return [route({
    ...{ method: "GET", path: "/api/v1/overview", access: { kind: "role", object: "clusters" }, reply: Reply },
    summary: "Show throughput, savings, the health of clusters and what should be looked at",
  }, async ({ caller }) => {
    const [{ clusters, findings }, { day, week }] = await Promise.all([examined.get(), totals.get()]);
    const told = findings.filter(({ kind }) => mayDo(caller, RIGHTS[kind].object, RIGHTS[kind].action));
    return {
      minutes: await minutes.get(),
      ...{ day: trafficJson(day), week: trafficJson(week), origin_price: await originPrice(options) },
      ...{ cluster_count: clusters.length, clusters: clusters.slice(0, CLUSTERS_MAX).map(clusterJson) },
      ...{ finding_count: told.length, findings: told.slice(0, FINDINGS_MAX).map(findingJson) },
    };
  })];
}

/** Looks at all clusters, at most so often. */
function examination({ store, clock, scrypt }: RestOptions) {
  const defaultPassword = new DefaultPassword(scrypt);
  const peers = new Remembered(clock, PEERS_LIFETIME_MS, () => store.peers.counts());
  return new Remembered(clock, LIVE_LIFETIME_MS, async () => {
    const nowMs = clock.wallMs();
    const failed = { type: "preheat", state: "FAILURE" } as const;
    const [clusters, schedulers, seedPeers, counts, failedPreheats, root] = await Promise.all([
      ...[store.clusters.all(), store.schedulers.all(), store.seedPeers.all()] as const,
      ...[peers.get(), store.jobs.countSince(failed, nowMs - DAY_MS), store.users.findByName(ROOT)] as const,
    ]);
    const hasDefaultPassword = root !== undefined && await defaultPassword.isOf(root);
    const members = { clusters, schedulers, seedPeers, peers: counts };
    return examine({ nowMs, version: VERSION, ...members, failedPreheats, hasDefaultPassword });
  });
}

/** The last whole minutes, those too in which nothing was told. */
function lastMinutes(told: readonly TrafficMinute[], nowMs: number): z.infer<typeof Minute>[] {
  const bytes = new Map(told.map((minute) => [minute.minuteMs, minute]));
  const firstMs = (Math.floor(nowMs / MINUTE_MS) - MINUTES) * MINUTE_MS;
  return Array.from({ length: MINUTES }, (_, n) => {
    const minuteMs = firstMs + n * MINUTE_MS;
    const { originBytes = 0, peerBytes = 0, localBytes = 0 } = bytes.get(minuteMs) ?? {};
    return { at: timeJson(minuteMs), origin_bytes: originBytes, peer_bytes: peerBytes, local_bytes: localBytes };
  });
}

function clusterJson({ isDefault, seedPeers, stockPeers, ...rest }: ClusterHealth): z.infer<typeof ClusterOverview> {
  return { ...rest, is_default: isDefault, seed_peers: seedPeers, stock_peers: stockPeers };
}

function findingJson({ kind, cluster, count, names }: Finding): z.infer<typeof FindingReply> {
  return {
    kind,
    cluster: cluster === undefined ? null : { id: cluster.id, name: cluster.name },
    count,
    names: [...names],
  };
}
