import { Button, SegmentedControl, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, dataOf } from "../api/client.ts";
import { orderJob } from "../jobs/job.ts";
import { Failure } from "../parts/failure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { ImageLoginFields, TaskNamingFields } from "../parts/task_fields.tsx";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { ImageFound } from "./image_found.tsx";
import { TaskFound } from "./task_found.tsx";
import { imageArgs, type Kind, KINDS, NEW_SEARCH, taskArgs, type TaskSearch } from "./task_search.ts";

/** Looks for a task on all hosts, and deletes it there. What is searched for can be given in the address. */
export default function TaskClearPage() {
  const { tasks } = useText();
  const { valueOf } = useListQuery();
  const [kind, value] = [valueOf("kind"), valueOf("value")];
  const executions = <Button component={Link} to={PATHS.taskExecutions} variant="default">{tasks.executions}</Button>;
  return (
    <>
      <PageTitle actions={executions}>{tasks.title}</PageTitle>
      <Search key={`${kind} ${value}`} kind={KINDS.find((one) => one === kind) ?? "url"} value={value} />
    </>
  );
}

/** What was asked, and where the answer is. */
type Asked =
  | { readonly search: TaskSearch; readonly jobId: number }
  | { readonly search: TaskSearch; readonly image: unknown };

function Search({ kind, value }: { readonly kind: Kind; readonly value: string }) {
  const { common, tasks } = useText();
  const [search, setSearch] = useState<TaskSearch>({ ...NEW_SEARCH, kind, value });
  const set = (patch: Partial<TaskSearch>) => setSearch((before) => ({ ...before, ...patch }));
  const { mutate, data, error, isPending } = useMutation({ mutationFn: ask });
  return (
    <>
      <form onSubmit={submitted(() => mutate(search))}>
        <div className="wide">
          <SegmentedControl
            mb="md"
            aria-label={tasks.searchBy}
            value={search.kind}
            onChange={(kind) => set({ kind: kind as Kind })}
            data={KINDS.map((value) => ({ value, label: tasks.kinds[value] }))}
          />
        </div>
        <Panel title={tasks.search}>
          <Stack>
            <Name search={search} set={set} />
            {(search.kind === "url" || search.kind === "image") && (
              <div className="cards">
                <TaskNamingFields draft={search} set={set} />
                {search.kind === "image" && <ImageLoginFields draft={search} set={set} />}
              </div>
            )}
          </Stack>
        </Panel>
        {error !== null && <Failure error={error} />}
        <Button type="submit" loading={isPending} mb="md">{common.search}</Button>
      </form>
      {data !== undefined && !isPending && <Found asked={data} />}
    </>
  );
}

function Found({ asked }: { readonly asked: Asked }) {
  if ("jobId" in asked) return <TaskFound key={asked.jobId} jobId={asked.jobId} search={asked.search} />;
  return <ImageFound answer={asked.image} />;
}

function Name({ search, set }: { readonly search: TaskSearch; readonly set: (patch: Partial<TaskSearch>) => void }) {
  const { jobs, tasks } = useText();
  const { kind, value } = search;
  const field = { label: tasks.kinds[kind], value, required: true };
  if (kind === "content") {
    return <Textarea {...field} onChange={(event) => set({ value: event.currentTarget.value })} />;
  }
  return (
    <TextInput
      {...field}
      {...(kind === "task_id" ? {} : { type: "url" })}
      {...(kind === "image" ? { description: jobs.urlHint } : {})}
      onChange={(event) => set({ value: event.currentTarget.value })}
    />
  );
}

/** Has the schedulers of all clusters asked: for an image the answer is waited for, for a task a job goes on. */
async function ask(search: TaskSearch): Promise<Asked> {
  if (search.kind !== "image") {
    return { search, jobId: await orderJob({ type: "get_task", args: taskArgs(search), clusterIds: [] }) };
  }
  const body = { type: "get_image_distribution", args: imageArgs(search) };
  return { search, image: await dataOf(api.POST("/api/v1/jobs", { body })) };
}
