import { Anchor, Badge, Button, Card, Group, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { useMay } from "../api/session.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Pager } from "../parts/pager.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { type Cluster, clustersQuery, foundClusters } from "./cluster.ts";
import { Counters } from "./counters.tsx";

const CARDS_PER_PAGE = 12;

export default function ClustersPage() {
  const text = useText();
  const query = useQuery(clustersQuery);
  const mayChange = useMay("clusters");
  const add = <Button component={Link} to={PATHS.clusterNew}>{text.clusters.add}</Button>;
  return (
    <>
      <PageTitle actions={mayChange && add}>{text.clusters.title}</PageTitle>
      <Loaded query={query}>
        {(clusters) => (
          <>
            <Counters clusters={clusters} />
            <Found clusters={clusters} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Found({ clusters }: { readonly clusters: readonly Cluster[] }) {
  const text = useText();
  const [wanted, setWanted] = useState("");
  const [page, setPage] = useState(1);
  const found = foundClusters(clusters, wanted);
  const shown = found.slice((page - 1) * CARDS_PER_PAGE, page * CARDS_PER_PAGE);
  const search = (value: string) => {
    setWanted(value);
    setPage(1);
  };
  return (
    <>
      <TextInput
        type="search"
        label={text.clusters.searchLabel}
        value={wanted}
        onChange={(event) => search(event.currentTarget.value)}
        mb="md"
        maw="24rem"
      />
      {found.length === 0 && <Text c="dimmed">{text.common.empty}</Text>}
      <div className="cards">{shown.map((cluster) => <ClusterCard key={cluster.id} cluster={cluster} />)}</div>
      <Pager page={page} pages={Math.ceil(found.length / CARDS_PER_PAGE)} onPage={setPage} />
    </>
  );
}

function ClusterCard({ cluster: { id, name, bio, created_at, is_default } }: { readonly cluster: Cluster }) {
  const text = useText();
  const format = useFormat();
  return (
    <Card withBorder component="article">
      <Group justify="space-between" wrap="nowrap" mb="xs">
        <Text size="sm" c="dimmed">{text.common.id} {id}</Text>
        <Badge variant="light" color={is_default ? "green" : "gray"}>
          {is_default ? text.clusters.isDefault : text.clusters.isNotDefault}
        </Badge>
      </Group>
      <Title order={2} size="h4">
        <Anchor inherit component={Link} to={pathTo(PATHS.cluster, { id })}>{name}</Anchor>
      </Title>
      <Text size="sm" lineClamp={2}>{bio === "" ? "-" : bio}</Text>
      <Text size="sm" c="dimmed" mt="xs">{text.common.createdAt} {format.time(created_at)}</Text>
    </Card>
  );
}
