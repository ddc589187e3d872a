import { Alert, Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { type ClusterPart, type HostOutcome, type Job, jobQuery, partsOf } from "../jobs/job.ts";
import { JobProgress, JobState } from "../jobs/job_state.tsx";
import { Facts } from "../parts/facts.tsx";
import { FirstRows } from "../parts/first_rows.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import type { Column } from "../parts/rows.tsx";
import { pieceLengthMibOf } from "../parts/task_naming.ts";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { clusterName, taskOf } from "./task_search.ts";

/** What became of a deletion, on each host. */
export default function ExecutionPage() {
  const { id = "" } = useParams();
  const { tasks } = useText();
  const query = useQuery(jobQuery(id));
  return (
    <>
      <Anchor component={Link} to={PATHS.taskExecutions} size="sm">{tasks.executions}</Anchor>
      <PageTitle>{tasks.execution(id)}</PageTitle>
      <Loaded query={query}>
        {(job) => (
          <>
            <Details job={job} />
            {partsOf(job).map((part, at) => (
              <Part key={part.clusterId ?? `#${at}`} part={part} clusters={job.scheduler_clusters ?? []} />
            ))}
          </>
        )}
      </Loaded>
    </>
  );
}

function Details({ job }: { readonly job: Job }) {
  const { common, jobs, tasks } = useText();
  const format = useFormat();
  const text = (name: string) => job.args[name] === undefined ? undefined : String(job.args[name]);
  return (
    <Panel title={jobs.progress}>
      <JobProgress job={job} />
      <div className="spaced">
        <Facts
          facts={[
            { label: common.status, value: <JobState state={job.state} /> },
            { label: tasks.task, value: taskOf(job.args) },
            { label: jobs.pieceLength, value: pieceLengthMibOf(job.args) },
            { label: jobs.tag, value: text("tag") },
            { label: jobs.application, value: text("application") },
            { label: jobs.filteredQueryParams, value: text("filtered_query_params") },
            { label: jobs.user, value: job.user?.name },
            { label: common.createdAt, value: format.time(job.created_at) },
            { label: common.updatedAt, value: format.time(job.updated_at) },
          ]}
        />
      </div>
    </Panel>
  );
}

function Part(
  { part, clusters }: {
    readonly part: ClusterPart;
    readonly clusters: readonly { readonly id: number; readonly name: string }[];
  },
) {
  const { jobs, services, tasks } = useText();
  const columns: Column<HostOutcome>[] = [
    { title: services.hostname, cell: ({ hostname }) => hostname || "-" },
    { title: services.ip, cell: ({ ip }) => ip ?? "-" },
    { title: tasks.hostType, cell: ({ host_type }) => host_type ?? "-" },
  ];
  const keyOf = ({ hostname, ip }: HostOutcome) => `${hostname} ${ip}`;
  return (
    <Panel title={`${jobs.clusters}: ${clusterName(part.clusterId, clusters)}`}>
      <JobState state={part.state} />
      {part.error !== "" && <Alert color="red" mt="sm">{part.error}</Alert>}
      <FirstRows
        title={jobs.failures}
        rows={part.failures}
        count={part.failureCount}
        keyOf={keyOf}
        columns={[...columns, { title: jobs.reason, cell: ({ description }) => description ?? "-" }]}
      />
      <FirstRows
        title={tasks.removedFrom}
        rows={part.successes}
        count={part.successCount}
        keyOf={keyOf}
        columns={columns}
      />
    </Panel>
  );
}
