import { useQuery } from "@tanstack/react-query";
import { api, dataOf, pageOf } from "../api/client.ts";
import { ClusterFrame } from "../clusters/cluster_frame.tsx";
import { Counter } from "../clusters/counters.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Pager } from "../parts/pager.tsx";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { StatusBadge } from "../parts/status_badge.tsx";
import { useText } from "../text/use_text.tsx";
import { PeerActions } from "./peer_actions.tsx";
import { Shares } from "./shares.tsx";
import { sharesOf } from "./versions.ts";

const ROWS_PER_PAGE = 20;

export default function PeersPage() {
  return (
    <ClusterFrame>
      {({ scheduler_cluster_id: id }) => (
        <>
          <PeerActions clusterId={id} />
          <Versions clusterId={id} />
          <PeerList clusterId={id} />
        </>
      )}
    </ClusterFrame>
  );
}

function Versions({ clusterId }: { readonly clusterId: number }) {
  const { common, peers } = useText();
  const query = useQuery({
    queryKey: ["peers", clusterId, "versions"],
    queryFn: ({ signal }) => {
      const params = { query: { scheduler_cluster_id: String(clusterId) } };
      return dataOf(api.GET("/api/v1/peers/versions", { params, signal }));
    },
  });
  return (
    <Loaded query={query}>
      {(counts) => {
        const [versions, commits] = [sharesOf(counts, "git_version"), sharesOf(counts, "git_commit")];
        return (
          <>
            <section className="cards" aria-label={common.total}>
              <Counter label={peers.total} count={counts.reduce((total, { count }) => total + count, 0)} />
              <Counter label={peers.versions} count={versions.length} />
              <Counter label={peers.commits} count={commits.length} />
            </section>
            <div className="cards spaced">
              <Shares title={peers.version} shares={versions} />
              <Shares title={peers.commit} shares={commits} />
            </div>
          </>
        );
      }}
    </Loaded>
  );
}

function PeerList({ clusterId }: { readonly clusterId: number }) {
  const { clusters, common, peers, services } = useText();
  const { page, setPage } = useListQuery();
  const query = useQuery({
    queryKey: ["peers", clusterId, page],
    queryFn: ({ signal }) => {
      const query = { scheduler_cluster_id: String(clusterId), page, per_page: ROWS_PER_PAGE };
      return pageOf(api.GET("/api/v1/peers", { params: { query }, signal }));
    },
    placeholderData: (before) => before,
  });
  return (
    <Panel title={clusters.peers}>
      <Loaded query={query}>
        {({ rows, pages }) => (
          <>
            <Rows
              caption={clusters.peers}
              rows={rows}
              keyOf={({ id }) => id}
              columns={[
                { title: common.id, cell: ({ id }) => id },
                { title: services.hostname, cell: ({ host_name }) => host_name },
                { title: services.ip, cell: ({ ip }) => ip },
                { title: services.type, cell: ({ type }) => type },
                { title: common.status, cell: ({ state }) => <StatusBadge state={state} /> },
                { title: services.idc, cell: ({ idc }) => idc || "-" },
                { title: services.location, cell: ({ location }) => location || "-" },
                { title: peers.version, cell: ({ git_version }) => git_version || "-" },
              ]}
            />
            <Pager page={page} pages={pages} onPage={setPage} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}
