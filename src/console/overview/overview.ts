import { queryOptions } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../api/client.ts";
import { PATHS, pathTo } from "../paths.ts";
import type { Source } from "../savings/sources.ts";

export type Overview = Schemas["Overview"];
export type Finding = Schemas["Finding"];

/** How often a page in sight asks; the manager finds out once a second what all who ask are told. */
const INTERVAL_MS = 3_000;
const SECONDS_PER_MINUTE = 60;

/** How it goes, asked for again and again. */
export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: ({ signal }) => dataOf(api.GET("/api/v1/overview", { signal })),
  refetchInterval: INTERVAL_MS,
});

/** Bytes of a minute as bytes per second. */
export function perSecond(values: Readonly<Record<Source, number>>): Record<Source, number> {
  const { origin, peer, local } = values;
  return {
    origin: origin / SECONDS_PER_MINUTE,
    peer: peer / SECONDS_PER_MINUTE,
    local: local / SECONDS_PER_MINUTE,
  };
}

/** The page where a finding is mended. */
export function pathOfFinding({ kind, cluster }: Pick<Finding, "kind" | "cluster">, isRoot: boolean): string {
  const id = cluster?.id ?? 0;
  switch (kind) {
    case "default_password":
      return isRoot ? PATHS.profile : PATHS.users;
    case "no_live_scheduler":
    case "inactive_schedulers":
      return pathTo(PATHS.schedulers, { id });
    case "inactive_seed_peers":
      return pathTo(PATHS.seedPeers, { id });
    case "version_skew":
      return pathTo(PATHS.peers, { id });
    case "failed_preheats":
      return `${PATHS.preheats}?state=FAILURE`;
  }
}
