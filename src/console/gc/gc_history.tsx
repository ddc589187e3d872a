import { JobList } from "../jobs/job_list.tsx";
import { JobState } from "../jobs/job_state.tsx";
import { useFormat, useText } from "../text/use_text.tsx";

/** The collections that people have asked for, of both kinds: the manager lists them together. */
export function GcHistory() {
  const { common, gc, jobs } = useText();
  const format = useFormat();
  const kindOf = (type: unknown) => type === "audit" || type === "job" ? gc[type] : "-";
  const purgedOf = (result: unknown) => {
    const { purged } = (result ?? {}) as { readonly purged?: unknown };
    return typeof purged === "number" ? format.number(purged) : "-";
  };
  return (
    <JobList
      type="gc"
      title={gc.history}
      columns={[
        { title: common.id, cell: ({ id }) => id },
        { title: jobs.type, cell: ({ args }) => kindOf(args["type"]) },
        { title: gc.executor, cell: ({ user }) => user?.name ?? "-" },
        { title: gc.trigger, cell: () => gc.manual },
        { title: gc.purged, cell: ({ result }) => purgedOf(result) },
        { title: common.status, cell: ({ state }) => <JobState state={state} /> },
        { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
      ]}
    />
  );
}
