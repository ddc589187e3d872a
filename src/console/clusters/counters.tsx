import { useQuery } from "@tanstack/react-query";
import { api, countOf } from "../api/client.ts";
import { Figure } from "../parts/figure.tsx";
import { useFormat, useText } from "../text/use_text.tsx";
import type { Cluster } from "./cluster.ts";

/** How many clusters, schedulers and seed peers there are, and how many of them count. */
export function Counters({ clusters }: { readonly clusters: readonly Cluster[] }) {
  const text = useText();
  const { data } = useQuery({
    queryKey: ["counters"],
    queryFn: async ({ signal }) => {
      const active = { params: { query: { per_page: 1, state: "active" } }, signal } as const;
      const all = { params: { query: { per_page: 1 } }, signal } as const;
      const [schedulers, liveSchedulers, seedPeers, liveSeedPeers] = await Promise.all([
        countOf(api.GET("/api/v1/schedulers", all)),
        countOf(api.GET("/api/v1/schedulers", active)),
        countOf(api.GET("/api/v1/seed-peers", all)),
        countOf(api.GET("/api/v1/seed-peers", active)),
      ]);
      return { schedulers, liveSchedulers, seedPeers, liveSeedPeers };
    },
  });
  const defaults = clusters.filter(({ is_default }) => is_default).length;
  const { clusters: words } = text;
  return (
    <section className="cards" aria-label={words.counters} style={{ marginBottom: "1rem" }}>
      <Counter label={words.clusters} count={clusters.length} detail={words.defaults(defaults)} />
      <Counter
        label={words.schedulers}
        count={data?.schedulers}
        detail={words.activeCount(data?.liveSchedulers ?? 0)}
      />
      <Counter label={words.seedPeers} count={data?.seedPeers} detail={words.activeCount(data?.liveSeedPeers ?? 0)} />
    </section>
  );
}

/** A {@link Figure} that is a count. */
export function Counter(
  { label, count, detail }: {
    readonly label: string;
    readonly count: number | undefined;
    readonly detail?: string;
  },
) {
  const format = useFormat();
  const value = count === undefined ? undefined : format.number(count);
  return <Figure label={label} value={value} {...(detail === undefined ? {} : { detail })} />;
}
