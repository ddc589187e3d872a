import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";
import { api, dataOf, idPath } from "../api/client.ts";
import { useMay } from "../api/session.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { type Fact, Facts } from "../parts/facts.tsx";
import { Panel } from "../parts/panel.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { BlockRules } from "./block_rules.tsx";
import { rulesOf } from "./block_list.ts";
import type { Cluster } from "./cluster.ts";
import { ClusterFrame } from "./cluster_frame.tsx";
import { LIMITS } from "./limits.ts";

export default function ClusterPage() {
  return <ClusterFrame>{(cluster) => <Details cluster={cluster} />}</ClusterFrame>;
}

function Details({ cluster }: { readonly cluster: Cluster }) {
  const { clusters } = useText();
  const mayChange = useMay("clusters");
  return (
    <>
      <Information cluster={cluster} />
      <Panel title={clusters.scopes} hint={clusters.scopesHint}>
        <Facts facts={scopeFacts(cluster, clusters)} />
      </Panel>
      <Panel title={clusters.config}>
        <Facts
          facts={LIMITS.map(({ field, table, key }) => ({
            label: clusters[field],
            value: <Limit value={(cluster[table] as Readonly<Record<string, unknown>>)[key]} />,
          }))}
        />
      </Panel>
      <Panel title={clusters.blockList} hint={clusters.blockListHint}>
        <BlockRules rules={rulesOf(cluster)} />
      </Panel>
      {mayChange && <Changes cluster={cluster} />}
    </>
  );
}

function Limit({ value }: { readonly value: unknown }) {
  const { common } = useText();
  const format = useFormat();
  return typeof value === "number" && value > 0 ? format.number(value) : common.unlimited;
}

function Information({ cluster }: { readonly cluster: Cluster }) {
  const { clusters, common } = useText();
  const format = useFormat();
  return (
    <Panel title={clusters.information}>
      <Facts
        facts={[
          { label: common.id, value: cluster.id },
          { label: common.name, value: cluster.name },
          { label: common.description, value: cluster.bio },
          { label: clusters.defaultLabel, value: cluster.is_default ? common.yes : common.no },
          {
            label: clusters.schedulerClusterId,
            value: cluster.scheduler_cluster_id,
            hint: clusters.schedulerClusterIdHint,
          },
          {
            label: clusters.seedPeerClusterId,
            value: cluster.seed_peer_cluster_id,
            hint: clusters.seedPeerClusterIdHint,
          },
          { label: common.createdAt, value: format.time(cluster.created_at) },
        ]}
      />
    </Panel>
  );
}

function scopeFacts({ scopes }: Cluster, words: ReturnType<typeof useText>["clusters"]): Fact[] {
  return [
    { label: words.location, value: scopes.location },
    { label: words.idc, value: scopes.idc },
    { label: words.cidrs, value: scopes.cidrs?.join(", ") },
    { label: words.hostnames, value: scopes.hostnames?.join(", ") },
  ];
}

function Changes({ cluster: { id, name } }: { readonly cluster: Cluster }) {
  const { clusters, common } = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  return (
    <>
      <Button component={Link} to={pathTo(PATHS.clusterEdit, { id })} mr="sm">{common.edit}</Button>
      <Confirmed
        label={common.remove}
        title={clusters.removeTitle}
        hint={clusters.removeHint}
        word={name}
        run={() => dataOf(api.DELETE("/api/v1/clusters/{id}", idPath(id)))}
        onDone={async () => {
          // The list that was read before still has it.
          queries.removeQueries({ queryKey: ["clusters"], exact: true });
          await navigate(PATHS.clusters);
        }}
      />
    </>
  );
}
