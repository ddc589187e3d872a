import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../api/client.ts";
import { FirstRows } from "../parts/first_rows.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Panel } from "../parts/panel.tsx";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Portion, portionsOf } from "./cache_tasks.ts";

/** What the tasks of a cluster are for, by application and by tag. */
export function Analytics({ clusterId }: { readonly clusterId: string }) {
  const { jobs } = useText();
  const query = useQuery({
    queryKey: ["cache-tasks", clusterId, "shares"],
    queryFn: ({ signal }) => {
      const query = { scheduler_cluster_id: clusterId };
      return dataOf(api.GET("/api/v1/persistent-cache-tasks/shares", { params: { query }, signal }));
    },
  });
  return (
    <Loaded query={query}>
      {(shares) => (
        <>
          <Portions title={jobs.application} portions={portionsOf(shares, "application")} />
          <Portions title={jobs.tag} portions={portionsOf(shares, "tag")} />
        </>
      )}
    </Loaded>
  );
}

function Portions({ title, portions }: { readonly title: string; readonly portions: readonly Portion[] }) {
  const { cacheTasks, common, peers } = useText();
  const format = useFormat();
  const total = portions.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <Panel title={title}>
      {portions.length === 0 && common.empty}
      <FirstRows
        title={title}
        rows={portions}
        count={portions.length}
        keyOf={({ name }) => name}
        columns={[
          { title, cell: ({ name }) => <span className="long">{name}</span> },
          { title: cacheTasks.tasks, cell: ({ count }) => format.number(count) },
          { title: cacheTasks.contentLength, cell: ({ bytes }) => format.bytes(bytes) },
          {
            title: peers.share,
            cell: ({ name, bytes }) => (
              <>
                {format.percent(total === 0 ? 0 : bytes / total)}
                <Progress
                  value={total === 0 ? 0 : 100 * bytes / total}
                  miw={60}
                  aria-label={`${peers.share} ${name}`}
                />
              </>
            ),
          },
        ]}
      />
    </Panel>
  );
}
