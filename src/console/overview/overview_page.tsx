import { Anchor, Badge, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { useMay } from "../api/session.tsx";
import { StackedBars } from "../charts/stacked_bars.tsx";
import { Figure } from "../parts/figure.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { type Amounts, costOf, hitRatioOf } from "../savings/amounts.ts";
import { SOURCES, sourcesOf } from "../savings/sources.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { Findings } from "./findings.tsx";
import { type Overview, overviewQuery, perSecond } from "./overview.ts";

const HEALTH_COLORS = { good: "green", degraded: "yellow", down: "red" } as const;

/** How it goes: the first page of the console. */
export default function OverviewPage() {
  const { overview } = useText();
  const mayLook = useMay("clusters", "read");
  return (
    <>
      <PageTitle>{overview.title}</PageTitle>
      {mayLook ? <Everything /> : <Text c="dimmed">{overview.noRight}</Text>}
    </>
  );
}

function Everything() {
  const { overview: words } = useText();
  const query = useQuery(overviewQuery);
  return (
    <Loaded query={query}>
      {(overview) => (
        <>
          <Figures overview={overview} />
          <Panel title={words.findings}>
            <Findings findings={overview.findings} count={overview.finding_count} />
          </Panel>
          <Panel title={words.throughput} hint={words.throughputHint}>
            <Throughput minutes={overview.minutes} />
          </Panel>
          <Panel title={words.clusters}>
            <Clusters clusters={overview.clusters} count={overview.cluster_count} />
          </Panel>
        </>
      )}
    </Loaded>
  );
}

function Figures({ overview: { minutes, day, week, origin_price: price } }: { readonly overview: Overview }) {
  const { overview: words } = useText();
  const format = useFormat();
  const last = minutes.at(-1);
  const rates = last === undefined ? undefined : perSecond(sourcesOf(last));
  const ratio = hitRatioOf(day);
  const saved = (label: string, { saved_bytes: bytes }: Amounts) => (
    <Figure
      label={label}
      value={format.bytes(bytes)}
      {...(price === null ? {} : { detail: format.money(costOf(bytes, price), price.currency) })}
    />
  );
  return (
    <section className="figures" aria-label={words.figures}>
      <Figure
        label={words.now}
        value={rates && format.rate(rates.origin + rates.peer + rates.local)}
        detail={words.fromPeers(format.rate(rates?.peer ?? 0))}
      />
      <Figure
        label={words.hitRatio}
        value={ratio === undefined ? undefined : format.percent(ratio)}
        detail={words.hitRatioHint}
      />
      {saved(words.savedDay, day)}
      {saved(words.savedWeek, week)}
    </section>
  );
}

function Throughput({ minutes }: Pick<Overview, "minutes">) {
  const { overview: words } = useText();
  const format = useFormat();
  const bars = minutes.map((minute) => ({ name: format.clock(minute.at), values: perSecond(sourcesOf(minute)) }));
  const parts = SOURCES.map((key) => ({ key, label: words.sources[key] }));
  return <StackedBars label={words.throughputLabel} bars={bars} parts={parts} per="/s" />;
}

function Clusters({ clusters, count }: { readonly clusters: Overview["clusters"]; readonly count: number }) {
  const { clusters: names, common, jobs, overview: words } = useText();
  const format = useFormat();
  const live = ({ active, total }: { readonly active: number; readonly total: number }) => {
    return `${format.number(active)} / ${format.number(total)}`;
  };
  return (
    <>
      {clusters.length < count && <Text size="sm" c="dimmed">{jobs.cut(clusters.length, count)}</Text>}
      <Rows
        caption={words.clusters}
        rows={clusters}
        keyOf={({ id }) => id}
        columns={[
          {
            title: common.name,
            cell: ({ id, name }) => <Anchor inherit component={Link} to={pathTo(PATHS.cluster, { id })}>{name}</Anchor>,
          },
          {
            title: words.health,
            cell: ({ health }) => <Badge variant="light" color={HEALTH_COLORS[health]}>{words.healths[health]}</Badge>,
          },
          { title: names.schedulers, cell: ({ schedulers }) => live(schedulers) },
          { title: names.seedPeers, cell: ({ seed_peers }) => live(seed_peers) },
          { title: names.peers, cell: ({ peers }) => live(peers) },
        ]}
      />
    </>
  );
}
