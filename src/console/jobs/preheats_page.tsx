import { Anchor, Button } from "@mantine/core";
import { Link } from "react-router";
import { useMay } from "../api/session.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { JobList } from "./job_list.tsx";
import { JobProgress, JobState } from "./job_state.tsx";
import { addressOf } from "./preheat_args.ts";

export default function PreheatsPage() {
  const { common, jobs } = useText();
  const format = useFormat();
  const mayOrder = useMay("jobs");
  const add = <Button component={Link} to={PATHS.preheatNew}>{jobs.newPreheat}</Button>;
  return (
    <>
      <PageTitle actions={mayOrder && add}>{jobs.preheats}</PageTitle>
      <JobList
        type="preheat"
        title={jobs.preheats}
        columns={[
          {
            title: common.id,
            cell: ({ id }) => (
              <Anchor inherit component={Link} to={pathTo(PATHS.preheat, { id })} aria-label={jobs.preheat(String(id))}>
                {id}
              </Anchor>
            ),
          },
          { title: common.status, cell: ({ state }) => <JobState state={state} /> },
          { title: jobs.progress, cell: (job) => <JobProgress job={job} /> },
          { title: jobs.url, cell: ({ args }) => <span className="long">{addressOf(args)}</span> },
          { title: common.description, cell: ({ bio }) => bio === "" ? "-" : bio },
          { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
        ]}
      />
    </>
  );
}
