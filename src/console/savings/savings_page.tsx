import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../api/client.ts";
import { nowMs, startOfDay } from "../browser/clock.ts";
import { StackedBars } from "../charts/stacked_bars.tsx";
import { Figure } from "../parts/figure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Amounts, costOf, hitRatioOf, type Price } from "./amounts.ts";
import { intervalsOf, type Key, KEYS, type Period, PERIODS, sinceOf } from "./periods.ts";
import { PriceSetting } from "./price_setting.tsx";
import { SavingsTable } from "./savings_table.tsx";
import { SOURCES } from "./sources.ts";
import { Unknown } from "./unknown.tsx";

/** What registries did not have to send, over a time, by what is wanted. */
export default function SavingsPage() {
  const { savings } = useText();
  const { valueOf, set } = useListQuery();
  const period = PERIODS.find((one) => one === valueOf("period")) ?? "7";
  const key = KEYS.find((one) => one === valueOf("by")) ?? "repository";
  const query = useQuery(savingsQuery(period, key));
  return (
    <>
      <PageTitle>{savings.title}</PageTitle>
      <div className="filters">
        <SegmentedControl
          aria-label={savings.period}
          value={period}
          onChange={(value) => set({ period: value })}
          data={PERIODS.map((value) => ({ value, label: savings.periods[value] }))}
        />
        <SegmentedControl
          aria-label={savings.by}
          value={key}
          onChange={(value) => set({ by: value })}
          data={KEYS.map((value) => ({ value, label: savings.keys[value] }))}
        />
      </div>
      <Loaded query={query}>
        {({ total, rows, origin_price: price }) => (
          <>
            <Totals total={total} price={price} />
            <Unknown />
            <OverTime period={period} />
            <SavingsTable rows={rows} keyName={key} price={price} />
            <PriceSetting price={price} />
          </>
        )}
      </Loaded>
    </>
  );
}

function savingsQuery(period: Period, by: Key | "hour") {
  return {
    queryKey: ["savings", period, by],
    queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
      const query = { since: sinceOf(period, nowMs()), by };
      return await dataOf(api.GET("/api/v1/savings", { params: { query }, signal }));
    },
  };
}

function Totals({ total, price }: { readonly total: Amounts; readonly price: Price | null }) {
  const { savings } = useText();
  const format = useFormat();
  const ratio = hitRatioOf(total);
  const cost = (bytes: number) => {
    return price === null ? {} : { detail: format.money(costOf(bytes, price), price.currency) };
  };
  return (
    <section className="figures" aria-label={savings.totals}>
      <Figure label={savings.saved} value={format.bytes(total.saved_bytes)} {...cost(total.saved_bytes)} />
      <Figure
        label={savings.hitRatio}
        value={ratio === undefined ? undefined : format.percent(ratio)}
        detail={savings.hitRatioHint}
      />
      <Figure
        label={savings.served}
        value={format.bytes(total.served_bytes)}
        detail={savings.pulls(format.number(total.pulls))}
      />
      <Figure label={savings.origin} value={format.bytes(total.origin_bytes)} {...cost(total.origin_bytes)} />
      <Figure label={savings.peer} value={format.bytes(total.peer_bytes)} />
      <Figure label={savings.local} value={format.bytes(total.local_bytes)} />
    </section>
  );
}

function OverTime({ period }: { readonly period: Period }) {
  const { overview, savings } = useText();
  const format = useFormat();
  const query = useQuery(savingsQuery(period, "hour"));
  return (
    <Panel title={savings.overTime}>
      <Loaded query={query}>
        {({ rows, since }) => (
          <StackedBars
            label={savings.overTimeLabel}
            bars={intervalsOf(rows, { since, nowMs: nowMs(), startOfDay }).map(({ at, isDay, values }) => {
              return { name: isDay ? format.day(at) : format.clock(at), values };
            })}
            parts={SOURCES.map((key) => ({ key, label: overview.sources[key] }))}
          />
        )}
      </Loaded>
    </Panel>
  );
}
