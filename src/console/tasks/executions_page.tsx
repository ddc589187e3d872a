import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { JobList } from "../jobs/job_list.tsx";
import { JobProgress, JobState } from "../jobs/job_state.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { taskOf } from "./task_search.ts";

/** The deletions of tasks that were ordered. */
export default function ExecutionsPage() {
  const { common, jobs, tasks } = useText();
  const format = useFormat();
  return (
    <>
      <Anchor component={Link} to={PATHS.taskClear} size="sm">{tasks.title}</Anchor>
      <PageTitle>{tasks.executions}</PageTitle>
      <JobList
        type="delete_task"
        title={tasks.executions}
        columns={[
          {
            title: common.id,
            cell: ({ id }) => (
              <Anchor
                inherit
                component={Link}
                to={pathTo(PATHS.taskExecution, { id })}
                aria-label={tasks.execution(String(id))}
              >
                {id}
              </Anchor>
            ),
          },
          { title: common.status, cell: ({ state }) => <JobState state={state} /> },
          { title: jobs.progress, cell: (job) => <JobProgress job={job} /> },
          { title: tasks.task, cell: ({ args }) => <span className="long">{taskOf(args)}</span> },
          { title: jobs.user, cell: ({ user }) => user?.name ?? "-" },
          { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
        ]}
      />
    </>
  );
}
