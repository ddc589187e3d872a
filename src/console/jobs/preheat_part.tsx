import { Alert } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { FirstRows } from "../parts/first_rows.tsx";
import type { Column } from "../parts/rows.tsx";
import { useText } from "../text/use_text.tsx";
import type { ClusterPart, HostOutcome } from "./job.ts";
import { JobState } from "./job_state.tsx";

/** What one cluster did for a preheat: each layer, each host, and why what failed did. */
export function PreheatPart({ part, cluster }: { readonly part: ClusterPart; readonly cluster: string | undefined }) {
  const { jobs } = useText();
  const host: Column<HostOutcome> = { title: jobs.host, cell: ({ hostname, ip }) => `${hostname || "-"} ${ip ?? ""}` };
  const url: Column<HostOutcome> = { title: jobs.url, cell: ({ url }) => <span className="long">{url ?? "-"}</span> };
  return (
    <Panel title={`${jobs.clusters}: ${cluster ?? part.clusterId ?? "-"}`}>
      <JobState state={part.state} />
      {part.error !== "" && <Alert color="red" mt="sm">{part.error}</Alert>}
      <FirstRows
        title={jobs.layers}
        rows={part.contents}
        count={part.contentCount}
        keyOf={({ url }) => url}
        columns={[
          { title: jobs.url, cell: ({ url }) => <span className="long">{url}</span> },
          { title: jobs.hostsWith, cell: ({ success_count }) => success_count },
          { title: jobs.hostsWithout, cell: ({ failure_count }) => failure_count },
        ]}
      />
      <FirstRows
        title={jobs.failures}
        rows={part.failures}
        count={part.failureCount}
        keyOf={keyOfOutcome}
        columns={[host, url, { title: jobs.reason, cell: ({ description }) => description ?? "-" }]}
      />
      <FirstRows
        title={jobs.hosts}
        rows={part.successes}
        count={part.successCount}
        keyOf={keyOfOutcome}
        columns={[host, url]}
      />
    </Panel>
  );
}

function keyOfOutcome({ hostname, ip, url }: HostOutcome): string {
  return `${hostname} ${ip} ${url}`;
}
