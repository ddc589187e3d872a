import { Anchor, NativeSelect, SegmentedControl, Tabs, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { clustersQuery } from "../clusters/cluster.ts";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { Rows } from "../parts/rows.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { Analytics } from "./analytics.tsx";
import { cacheTasksQuery, STATES } from "./cache_tasks.ts";

/** The tasks of the persistent cache of one cluster, and what they are for. */
export default function CacheTasksPage() {
  const { cacheTasks, jobs } = useText();
  const { valueOf, set } = useListQuery();
  const query = useQuery(clustersQuery);
  return (
    <>
      <PageTitle>{cacheTasks.title}</PageTitle>
      <Loaded query={query}>
        {(clusters) => {
          const chosen = clusters.find(({ id }) => String(id) === valueOf("cluster"));
          const cluster = chosen ?? clusters.find(({ is_default }) => is_default) ?? clusters[0];
          if (cluster === undefined) return null;
          const clusterId = String(cluster.scheduler_cluster_id);
          return (
            <>
              <NativeSelect
                mb="md"
                maw="24rem"
                label={jobs.clusters}
                value={String(cluster.id)}
                onChange={(event) => set({ cluster: event.currentTarget.value })}
                data={clusters.map(({ id, name }) => ({ value: String(id), label: `${name} (${id})` }))}
              />
              <Tabs
                keepMounted={false}
                value={valueOf("show") === "analytics" ? "analytics" : "tasks"}
                onChange={(show) => set({ show: show ?? "" })}
              >
                <Tabs.List mb="md">
                  <Tabs.Tab value="tasks">{cacheTasks.tasks}</Tabs.Tab>
                  <Tabs.Tab value="analytics">{cacheTasks.analytics}</Tabs.Tab>
                </Tabs.List>
                <Tabs.Panel value="tasks">
                  <Tasks clusterId={clusterId} />
                </Tabs.Panel>
                <Tabs.Panel value="analytics">
                  <Analytics clusterId={clusterId} />
                </Tabs.Panel>
              </Tabs>
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Tasks({ clusterId }: { readonly clusterId: string }) {
  const { cacheTasks, common, jobs } = useText();
  const format = useFormat();
  const { page, valueOf, set, setPage } = useListQuery();
  const filter = { application: valueOf("application"), tag: valueOf("tag"), state: valueOf("state") };
  const query = useQuery(cacheTasksQuery({ clusterId, page, ...filter }));
  return (
    <>
      <div className="filters">
        <SegmentedControl
          aria-label={common.status}
          value={filter.state}
          onChange={(state) => set({ state })}
          data={[
            { value: "", label: common.all },
            ...STATES.map((value) => ({ value, label: cacheTasks.states[value] })),
          ]}
        />
        {(["application", "tag"] as const).map((name) => (
          <TextInput
            key={name}
            type="search"
            label={jobs[name]}
            value={filter[name]}
            onChange={(event) => set({ [name]: event.currentTarget.value })}
          />
        ))}
      </div>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={cacheTasks.tasks}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: common.id,
                  cell: ({ id }) => (
                    <Anchor inherit className="long" component={Link} to={pathTo(PATHS.cacheTask, { clusterId, id })}>
                      {id}
                    </Anchor>
                  ),
                },
                { title: common.status, cell: ({ state }) => stateText(state, cacheTasks.states) },
                { title: jobs.application, cell: ({ application }) => application || "-" },
                { title: jobs.tag, cell: ({ tag }) => tag || "-" },
                {
                  title: cacheTasks.replicas,
                  cell: (task) => cacheTasks.of(task.current_persistent_replica_count, task.persistent_replica_count),
                },
                { title: cacheTasks.contentLength, cell: ({ content_length }) => format.bytes(content_length) },
                { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
              ]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** The state of a task in words, as far as it is a known one. */
export function stateText(state: string, words: Readonly<Record<string, string>>): string {
  return words[state] ?? state;
}
