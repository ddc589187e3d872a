import { Alert, Progress, Text } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { FirstRows } from "../parts/first_rows.tsx";
import type { Column } from "../parts/rows.tsx";
import { useText } from "../text/use_text.tsx";
import { type ClusterPart, type HostOutcome, hostsOf } from "./job.ts";
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
          {
            title: jobs.progress,
            cell: ({ url, success_count: done, failure_count: failed }) => (
              <Bar label={url} {...{ done, failed }} of={Math.max(part.hostCount, done + failed)} />
            ),
          },
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
        rows={hostsOf(part)}
        count={part.hostCount}
        keyOf={({ hostname, ip }) => `${hostname} ${ip}`}
        columns={[
          { title: jobs.host, cell: ({ hostname, ip }) => `${hostname || "-"} ${ip}` },
          {
            title: jobs.progress,
            cell: ({ hostname, ip, done, failed }) => (
              <Bar label={`${hostname} ${ip}`} {...{ done, failed }} of={Math.max(part.contentCount, done + failed)} />
            ),
          },
          { title: jobs.contentsWith, cell: ({ done }) => done },
          { title: jobs.contentsWithout, cell: ({ failed }) => failed },
        ]}
      />
      {part.successes.length + part.failures.length < part.successCount + part.failureCount && (
        <Text size="sm" c="dimmed">{jobs.hostsCut}</Text>
      )}
    </Panel>
  );
}

/** How much is done and failed of what there is; the numbers beside it say the same. */
function Bar(
  { label, done, failed, of }: {
    readonly label: string;
    readonly done: number;
    readonly failed: number;
    readonly of: number;
  },
) {
  const { jobs } = useText();
  return (
    <Progress.Root size="lg" miw={80}>
      <Progress.Section value={100 * done / Math.max(1, of)} color="green" aria-label={`${jobs.progress} ${label}`} />
      <Progress.Section value={100 * failed / Math.max(1, of)} color="red" aria-label={`${jobs.failures} ${label}`} />
    </Progress.Root>
  );
}

function keyOfOutcome({ hostname, ip, url }: HostOutcome): string {
  return `${hostname} ${ip} ${url}`;
}
