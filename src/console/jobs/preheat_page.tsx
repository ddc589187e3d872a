import { Anchor, Button, Code, Group } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "react-router";
import { api, dataOf, idPath } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { pieceLengthMibOf } from "../parts/task_naming.ts";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Job, jobQuery, partsOf } from "./job.ts";
import { JobProgress, JobState } from "./job_state.tsx";
import { headerLines, SCOPES } from "./preheat_args.ts";
import { PreheatPart } from "./preheat_part.tsx";

export default function PreheatPage() {
  const { id = "" } = useParams();
  const { jobs } = useText();
  const query = useQuery(jobQuery(id));
  const mayChange = useMay("jobs");
  return (
    <>
      <Anchor component={Link} to={PATHS.preheats} size="sm">{jobs.preheats}</Anchor>
      <PageTitle>{jobs.preheat(id)}</PageTitle>
      <Loaded query={query}>
        {(job) => (
          <>
            {mayChange && <Actions job={job} />}
            <Details job={job} />
            {partsOf(job).map((part, at) => (
              <PreheatPart
                key={part.clusterId ?? `#${at}`}
                part={part}
                cluster={job.scheduler_clusters?.find(({ id }) => id === part.clusterId)?.name}
              />
            ))}
          </>
        )}
      </Loaded>
    </>
  );
}

function Details({ job }: { readonly job: Job }) {
  const { common, jobs } = useText();
  const format = useFormat();
  const { args } = job;
  const scope = SCOPES.find((one) => one === args["scope"]);
  const headers = headerLines(args["headers"]);
  const text = (value: unknown) => value === undefined || value === null ? undefined : String(value);
  const urls = [args["url"], ...(Array.isArray(args["urls"]) ? args["urls"] : [])].filter((url) =>
    typeof url === "string"
  );
  return (
    <Panel title={jobs.progress}>
      <JobProgress job={job} />
      <div className="spaced">
        <Facts
          facts={[
            { label: common.status, value: <JobState state={job.state} /> },
            { label: common.description, value: job.bio },
            { label: jobs.type, value: args["type"] === "file" ? jobs.file : jobs.image },
            { label: jobs.url, value: urls.map((url) => <div key={url}>{url}</div>) },
            { label: jobs.platform, value: text(args["platform"]) },
            { label: jobs.scope, value: scope === undefined ? text(args["scope"]) : jobs[scope] },
            { label: jobs.percentage, value: text(args["percentage"]) },
            { label: jobs.count, value: text(args["count"]) },
            { label: jobs.ips, value: Array.isArray(args["ips"]) ? args["ips"].join(", ") : undefined },
            { label: jobs.pieceLength, value: pieceLengthMibOf(args) },
            { label: jobs.tag, value: text(args["tag"]) },
            { label: jobs.application, value: text(args["application"]) },
            {
              label: jobs.headers,
              value: headers.length === 0 ? undefined : headers.map((line) => <Code block key={line}>{line}</Code>),
            },
            {
              label: jobs.clusters,
              value: job.scheduler_clusters?.map(({ id, name }) => `${name} (${id})`).join(", "),
            },
            { label: jobs.user, value: job.user?.name },
            { label: common.createdAt, value: format.time(job.created_at) },
            { label: common.updatedAt, value: format.time(job.updated_at) },
          ]}
        />
      </div>
    </Panel>
  );
}

function Actions({ job: { id, state } }: { readonly job: Job }) {
  const { common, jobs } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const renew = () => queries.invalidateQueries({ queryKey: ["jobs"] });
  const retry = useMutation({
    mutationFn: () => dataOf(api.POST("/api/v1/jobs/{id}/retry", idPath(id))),
    onSuccess: renew,
  });
  return (
    <>
      {retry.error !== null && <Failure error={retry.error} />}
      <Group mb="md">
        {state === "FAILURE" && <Button loading={retry.isPending} onClick={() => retry.mutate()}>{jobs.retry}</Button>}
        {state === "PENDING" && (
          <Confirmed
            {...{ label: jobs.cancel, title: jobs.cancelTitle, hint: jobs.cancelHint }}
            run={() => dataOf(api.POST("/api/v1/jobs/{id}/cancel", idPath(id)))}
            onDone={renew}
          />
        )}
        <Confirmed
          {...{ label: common.remove, title: jobs.preheat(String(id)), hint: jobs.removeHint }}
          run={() => dataOf(api.DELETE("/api/v1/jobs/{id}", idPath(id)))}
          onDone={async () => {
            await navigate(PATHS.preheats);
            await queries.invalidateQueries({ queryKey: ["jobs", "list"] });
          }}
        />
      </Group>
    </>
  );
}
