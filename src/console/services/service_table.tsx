import { Anchor, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import type { Paged } from "../api/client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Pager } from "../parts/pager.tsx";
import { type Column, Rows } from "../parts/rows.tsx";
import { StatusBadge } from "../parts/status_badge.tsx";
import { useText } from "../text/use_text.tsx";
import { Counter } from "../clusters/counters.tsx";
import { ROWS_PER_PAGE, useServiceCounts } from "./service_queries.ts";

/** What schedulers and seed peers have in common. */
export interface Service {
  readonly id: number;
  readonly host_name: string;
  readonly ip: string;
  readonly port: number;
  readonly state: "active" | "inactive";
}

/** Which of them to list; what is left out is not asked for. */
export interface ServiceQuery {
  readonly page: number;
  readonly per_page: number;
  readonly state?: "active" | "inactive";
  readonly host_name?: string;
}

interface Props<S extends Service> {
  readonly title: string;
  readonly name: "schedulers" | "seed-peers";
  readonly clusterId: number;
  readonly list: (query: ServiceQuery, signal: AbortSignal) => Promise<Paged<S>>;
  readonly columns: readonly Column<S>[];
  readonly pathOf: (service: S) => string;
  /** What can be done with all of them; gets how many have fallen silent. */
  readonly actions?: (inactive: number) => ReactNode;
}

/** The schedulers or seed peers of a cluster: how many there are, then a page of those that were asked for. */
export function ServiceTable<S extends Service>({ title, name, clusterId, list, columns, pathOf, actions }: Props<S>) {
  const { common, services } = useText();
  const [state, setState] = useState("");
  const [host, setHost] = useState("");
  const [page, setPage] = useState(1);
  const counts = useServiceCounts(name, list, clusterId);
  const query = useQuery({
    queryKey: [name, clusterId, state, host, page],
    queryFn: ({ signal }) => list({ ...filterOf(state, host), page, per_page: ROWS_PER_PAGE }, signal),
    placeholderData: (before) => before,
  });
  const choose = (apply: () => void) => {
    apply();
    setPage(1);
  };
  return (
    <>
      <section className="cards" aria-label={title}>
        <Counter label={common.total} count={counts?.all} />
        <Counter label={common.active} count={counts?.active} />
        <Counter label={common.inactive} count={counts?.inactive} />
      </section>
      <div className="filters">
        <SegmentedControl
          aria-label={common.status}
          value={state}
          onChange={(value) => choose(() => setState(value))}
          data={[
            { value: "", label: common.all },
            { value: "active", label: common.active },
            { value: "inactive", label: common.inactive },
          ]}
        />
        <TextInput
          type="search"
          label={services.hostname}
          value={host}
          onChange={(event) => choose(() => setHost(event.currentTarget.value))}
        />
        {actions?.(counts?.inactive ?? 0)}
      </div>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={title}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[...basics(pathOf, { common, services }), ...columns]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}

function filterOf(state: string, host: string): Pick<ServiceQuery, "state" | "host_name"> {
  return {
    ...(state === "active" || state === "inactive" ? { state } : {}),
    ...(host.trim() === "" ? {} : { host_name: host.trim() }),
  };
}

function basics<S extends Service>(
  pathOf: (service: S) => string,
  { common, services }: Pick<ReturnType<typeof useText>, "common" | "services">,
): Column<S>[] {
  return [
    { title: common.id, cell: ({ id }) => id },
    {
      title: services.hostname,
      cell: (service) => <Anchor inherit component={Link} to={pathOf(service)}>{service.host_name}</Anchor>,
    },
    { title: services.ip, cell: ({ ip }) => ip },
    { title: services.port, cell: ({ port }) => port },
    { title: common.status, cell: ({ state }) => <StatusBadge state={state} /> },
  ];
}
