import { Anchor } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "react-router";
import { api, dataOf, type Schemas } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Facts } from "../parts/facts.tsx";
import { FirstRows } from "../parts/first_rows.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { cacheTaskQuery, taskPath } from "./cache_tasks.ts";
import { stateText } from "./cache_tasks_page.tsx";

type Task = Schemas["PersistentCacheTaskWithPeers"];

/** A task of the persistent cache, and the hosts that have a copy. */
export default function CacheTaskPage() {
  const { clusterId = "", id = "" } = useParams();
  const { cacheTasks } = useText();
  const query = useQuery(cacheTaskQuery(clusterId, id));
  const mayChange = useMay("persistent-cache-tasks");
  return (
    <>
      <Anchor component={Link} to={`${PATHS.cacheTasks}?cluster=${encodeURIComponent(clusterId)}`} size="sm">
        {cacheTasks.title}
      </Anchor>
      <PageTitle>{cacheTasks.task}</PageTitle>
      <Loaded query={query}>
        {(task) => (
          <>
            <Details task={task} />
            <Copies task={task} />
            {mayChange && <Delete clusterId={clusterId} id={id} />}
          </>
        )}
      </Loaded>
    </>
  );
}

function Details({ task }: { readonly task: Task }) {
  const { cacheTasks, common, clusters, jobs } = useText();
  const format = useFormat();
  return (
    <Panel title={clusters.details}>
      <Facts
        facts={[
          { label: common.id, value: task.id },
          { label: common.status, value: stateText(task.state, cacheTasks.states) },
          { label: jobs.application, value: task.application },
          { label: jobs.tag, value: task.tag },
          {
            label: cacheTasks.replicas,
            value: cacheTasks.of(task.current_persistent_replica_count, task.persistent_replica_count),
          },
          { label: cacheTasks.copies, value: format.number(task.current_replica_count) },
          { label: cacheTasks.ttl, value: format.duration(task.ttl) },
          { label: cacheTasks.contentLength, value: format.bytes(task.content_length) },
          { label: cacheTasks.pieceLength, value: format.bytes(task.piece_length) },
          { label: cacheTasks.pieces, value: format.number(task.total_piece_count) },
          { label: common.createdAt, value: format.time(task.created_at) },
          { label: common.updatedAt, value: format.time(task.updated_at) },
        ]}
      />
    </Panel>
  );
}

function Copies({ task: { peers, current_replica_count } }: { readonly task: Task }) {
  const { cacheTasks, common, services } = useText();
  const format = useFormat();
  return (
    <Panel title={cacheTasks.copies}>
      {peers.length === 0 && common.empty}
      <FirstRows
        title={cacheTasks.copies}
        rows={peers}
        count={Math.max(peers.length, current_replica_count)}
        keyOf={({ id }) => id}
        columns={[
          { title: services.hostname, cell: ({ host }) => host?.hostname || "-" },
          { title: services.ip, cell: ({ host }) => host?.ip || "-" },
          { title: cacheTasks.persistent, cell: ({ persistent }) => persistent ? common.yes : common.no },
          { title: common.status, cell: ({ state }) => stateText(state, cacheTasks.states) },
          { title: common.createdAt, cell: ({ created_at }) => format.time(created_at) },
        ]}
      />
    </Panel>
  );
}

function Delete({ clusterId, id }: { readonly clusterId: string; readonly id: string }) {
  const { cacheTasks, common } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (
    <Confirmed
      {...{ label: common.remove, title: cacheTasks.removeTitle, hint: cacheTasks.removeHint, word: "DELETE" }}
      run={() => dataOf(api.DELETE("/api/v1/persistent-cache-tasks/{id}", taskPath(clusterId, id)))}
      onDone={async () => {
        await navigate(`${PATHS.cacheTasks}?cluster=${encodeURIComponent(clusterId)}`);
        await Promise.all(["list", "shares"].map((of) => {
          return queries.invalidateQueries({ queryKey: ["cache-tasks", clusterId, of] });
        }));
      }}
    />
  );
}
