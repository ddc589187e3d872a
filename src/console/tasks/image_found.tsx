import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { clustersQuery } from "../clusters/cluster.ts";
import { FirstRows } from "../parts/first_rows.tsx";
import { Panel } from "../parts/panel.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { clusterName, holdersOf } from "./task_search.ts";

/** The blobs of an image, each with the way to those who hold it, and how many of them each host has. */
export function ImageFound({ answer }: { readonly answer: unknown }) {
  const { jobs, services, tasks } = useText();
  const format = useFormat();
  const { data: clusters = [] } = useQuery(clustersQuery);
  const { layers, hosts } = holdersOf(answer);
  const byCluster = [...Map.groupBy(hosts, ({ clusterId }) => clusterId)];
  return (
    <>
      <Text role="status" mb="md">{tasks.imageFound(layers.length, hosts.length)}</Text>
      <Panel title={jobs.layers} hint={tasks.layersHint}>
        <FirstRows
          title={jobs.layers}
          rows={layers}
          count={layers.length}
          keyOf={({ url }) => url}
          columns={[
            {
              title: jobs.url,
              cell: ({ url }) => <Anchor inherit className="long" component={Link} to={searchOf(url)}>{url}</Anchor>,
            },
            { title: jobs.hostsWith, cell: ({ hosts }) => format.number(hosts) },
          ]}
        />
      </Panel>
      {byCluster.map(([clusterId, rows]) => (
        <Panel key={clusterId} title={`${jobs.clusters}: ${clusterName(clusterId, clusters)}`}>
          <FirstRows
            title={jobs.hosts}
            rows={rows}
            count={rows.length}
            keyOf={({ hostname, ip }) =>
              `${hostname} ${ip}`}
            columns={[
              {
                title: services.hostname,
                cell: ({ hostname }) =>
                  hostname || "-",
              },
              { title: services.ip, cell: ({ ip }) => ip },
              {
                title: tasks.blobs,
                cell: (row) => tasks.blobsOf(row.layers, layers.length),
              },
            ]}
          />
        </Panel>
      ))}
    </>
  );
}

function searchOf(url: string): string {
  return `${PATHS.taskClear}?kind=url&value=${encodeURIComponent(url)}`;
}
