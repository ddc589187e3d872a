import { Alert, Anchor, Button, SegmentedControl, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";
import { formatBytes } from "../../core/for_people.ts";
import { api, dataOf, idPath } from "../api/client.ts";
import { Failure } from "../parts/failure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { Rows } from "../parts/rows.tsx";
import { submitted } from "../parts/submitted.ts";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { ClusterChoice, useChosenCluster } from "./cluster_choice.tsx";
import { STAGES } from "./swarm_at.ts";

const ROWS_PER_PAGE = 20;
const INTERVAL_MS = 2_000;
const DIGITS = 12;

export default function SwarmsPage() {
  const { common, swarm } = useText();
  const navigate = useNavigate();
  const { valueOf, set } = useListQuery();
  const { id, error } = useChosenCluster(valueOf("cluster"));
  const find = ({ task = "" }: Record<string, string>) => {
    if (id !== undefined && task.trim() !== "") void navigate(pathTo(PATHS.swarm, { id, task: task.trim() }));
  };
  return (
    <>
      <PageTitle>{swarm.title}</PageTitle>
      <Text c="dimmed">{swarm.hint}</Text>
      <form className="filters" onSubmit={submitted(find)}>
        <ClusterChoice value={id} onChange={(cluster) => set({ cluster })} />
        <SegmentedControl
          aria-label={common.status}
          value={stateOf(valueOf("state"))}
          onChange={(state) => set({ state })}
          data={[{ value: "moving", label: swarm.moving }, { value: "stopped", label: swarm.stopped }]}
        />
        <TextInput name="task" label={swarm.find} maxLength={512} />
        <Button type="submit">{swarm.show}</Button>
      </form>
      {error !== null && <Failure error={error} />}
      {id !== undefined && <SwarmList clusterId={id} />}
    </>
  );
}

function stateOf(text: string): "moving" | "stopped" {
  return text === "stopped" ? "stopped" : "moving";
}

function SwarmList({ clusterId }: { readonly clusterId: string }) {
  const { swarm } = useText();
  const format = useFormat();
  const { page, valueOf, setPage } = useListQuery();
  const state = stateOf(valueOf("state"));
  const query = useQuery({
    queryKey: ["swarms", clusterId, state, page],
    queryFn: async ({ signal }) => {
      const { path } = idPath(clusterId).params;
      const asked = { state, offset: String((page - 1) * ROWS_PER_PAGE), limit: String(ROWS_PER_PAGE) };
      return await dataOf(api.GET("/api/v1/clusters/{id}/swarms", { params: { path, query: asked }, signal }));
    },
    placeholderData: (before) => before,
    refetchInterval: INTERVAL_MS,
  });
  return (
    <Loaded query={query}>
      {({ swarms, total, silent }) => (
        <>
          {silent.map(({ scheduler, reason }) => <Alert key={scheduler} color="yellow" mb="sm">{reason}</Alert>)}
          <Rows
            caption={swarm.title}
            rows={swarms}
            keyOf={({ task_id, scheduler_id }) => `${scheduler_id} ${task_id}`}
            columns={[
              {
                title: swarm.task,
                cell: ({ task_id, digest }) => (
                  <Anchor inherit component={Link} to={pathTo(PATHS.swarm, { id: clusterId, task: task_id })}>
                    {(digest ?? task_id).replace(/^(sha256:)?/, "").slice(0, DIGITS)}
                  </Anchor>
                ),
              },
              { title: swarm.url, cell: ({ url }) => <span className="long">{url}</span> },
              { title: swarm.size, cell: ({ content_length: size }) => size === 0 ? "-" : formatBytes(size) },
              ...STAGES.map((stage) => ({
                title: swarm.stages[stage],
                cell: ({ counts }: typeof swarms[number]) => format.number(counts[stage]),
              })),
              {
                title: state === "moving" ? swarm.movesSince : swarm.stoppedAt,
                cell: ({ since }) => format.time(since),
              },
              { title: swarm.scheduler, cell: ({ scheduler }) => scheduler },
            ]}
          />
          <Pager page={page} pages={Math.ceil(total / ROWS_PER_PAGE)} onPage={setPage} />
        </>
      )}
    </Loaded>
  );
}
