import { Alert, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { clustersQuery } from "../clusters/cluster.ts";
import { jobQuery, orderJob, partsOf } from "../jobs/job.ts";
import { JobState } from "../jobs/job_state.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { FirstRows } from "../parts/first_rows.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Panel } from "../parts/panel.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { clusterName, taskArgs, type TaskSearch } from "./task_search.ts";

/** Which hosts of each cluster hold a task, and the means to delete it there. */
export function TaskFound({ jobId, search }: { readonly jobId: number; readonly search: TaskSearch }) {
  const { common, jobs, services, tasks } = useText();
  const format = useFormat();
  const query = useQuery(jobQuery(jobId));
  const { data: clusters = [] } = useQuery(clustersQuery);
  return (
    <Loaded query={query}>
      {(job) => {
        const parts = partsOf(job);
        const count = parts.reduce((sum, { peerCount }) => sum + peerCount, 0);
        return (
          <>
            <Text role="status" mb="md">
              {job.state === "PENDING" ? tasks.searching(count) : tasks.found(count)}
            </Text>
            {parts.map((part, at) => (
              <Panel
                key={part.clusterId ?? `#${at}`}
                title={`${jobs.clusters}: ${clusterName(part.clusterId, clusters)}`}
              >
                <JobState state={part.state} />
                {part.error !== "" && <Alert color="red" mt="sm">{part.error}</Alert>}
                <FirstRows
                  title={jobs.hostsWith}
                  rows={part.peers}
                  count={part.peerCount}
                  keyOf={({ hostname, ip }) => `${hostname} ${ip}`}
                  columns={[
                    { title: services.hostname, cell: ({ hostname }) => hostname || "-" },
                    {
                      title: services.ip,
                      cell: ({ ip }) => ip ?? "-",
                    },
                    { title: tasks.hostType, cell: ({ host_type }) => host_type ?? "-" },
                    { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
                  ]}
                />
              </Panel>
            ))}
            {job.state !== "PENDING" && count > 0 && <Delete search={search} />}
          </>
        );
      }}
    </Loaded>
  );
}

function Delete({ search }: { readonly search: TaskSearch }) {
  const { common, tasks } = useText();
  const navigate = useNavigate();
  return (
    <Confirmed
      {...{ label: common.remove, title: tasks.removeTitle, hint: tasks.removeHint, word: "DELETE" }}
      run={async () => {
        const id = await orderJob({ type: "delete_task", args: taskArgs(search), clusterIds: [] });
        await navigate(pathTo(PATHS.taskExecution, { id }));
      }}
    />
  );
}
