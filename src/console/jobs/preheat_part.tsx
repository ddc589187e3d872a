import { Alert, Text } from "@mantine/core";
import { Panel } from "../parts/panel.tsx";
import { type Column, Rows } from "../parts/rows.tsx";
import { useText } from "../text/use_text.tsx";
import type { ClusterPart, HostOutcome } from "./job.ts";
import { JobState } from "./job_state.tsx";

const ROWS_MAX = 200;

/** What one cluster did for a preheat: each layer, each host, and why what failed did. */
export function PreheatPart({ part, cluster }: { readonly part: ClusterPart; readonly cluster: string | undefined }) {
  const { jobs } = useText();
  const host: Column<HostOutcome> = { title: jobs.host, cell: ({ hostname, ip }) => `${hostname || "-"} ${ip ?? ""}` };
  const url: Column<HostOutcome> = { title: jobs.url, cell: ({ url }) => <span className="long">{url ?? "-"}</span> };
  return (
    <Panel title={`${jobs.clusters}: ${cluster ?? part.clusterId ?? "-"}`}>
      <JobState state={part.state} />
      {part.error !== "" && <Alert color="red" mt="sm">{part.error}</Alert>}
      <Some
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
      <Some
        title={jobs.failures}
        rows={part.failures}
        count={part.failureCount}
        keyOf={keyOfOutcome}
        columns={[host, url, { title: jobs.reason, cell: ({ description }) => description ?? "-" }]}
      />
      <Some
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

/** The first rows of a list, and how many there are; nothing where there are none. */
function Some<Row>(
  { title, rows, count, keyOf, columns }: {
    readonly title: string;
    readonly rows: readonly Row[];
    readonly count: number;
    readonly keyOf: (row: Row) => string;
    readonly columns: readonly Column<Row>[];
  },
) {
  const { jobs } = useText();
  const shown = rows.slice(0, ROWS_MAX);
  if (shown.length === 0) return null;
  return (
    <>
      <Text fw={600} mt="md">{title} ({count})</Text>
      {shown.length < count && <Text size="sm" c="dimmed">{jobs.cut(shown.length, count)}</Text>}
      <Rows caption={title} rows={shown} keyOf={keyOf} columns={columns} />
    </>
  );
}
