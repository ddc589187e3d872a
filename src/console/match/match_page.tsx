import { Alert, Badge, Button, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../api/client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { PageTitle } from "../parts/page_title.tsx";
import { Rows } from "../parts/rows.tsx";
import { submitted } from "../parts/submitted.ts";
import { useText } from "../text/use_text.tsx";

export default function MatchPage() {
  const { match, services } = useText();
  const { valueOf, set } = useListQuery();
  const fields = [
    { name: "ip", label: services.ip, maxLength: 45 },
    { name: "hostname", label: services.hostname, maxLength: 256 },
    { name: "idc", label: services.idc, maxLength: 1_024 },
    { name: "location", label: services.location, maxLength: 1_024 },
  ];
  const host = Object.fromEntries(fields.map(({ name }) => [name, valueOf(name)]));
  return (
    <>
      <PageTitle>{match.title}</PageTitle>
      <Text c="dimmed">{match.hint}</Text>
      <form onSubmit={submitted(set)} className="filters">
        {fields.map(({ name, label, maxLength }) => (
          <TextInput key={name} {...{ name, label, maxLength }} defaultValue={valueOf(name)} />
        ))}
        <Button type="submit">{match.ask}</Button>
      </form>
      <Ranking host={host} />
    </>
  );
}

function Ranking({ host }: { readonly host: Readonly<Record<string, string>> }) {
  const { common, match } = useText();
  const query = useQuery({
    queryKey: ["match", host],
    queryFn: ({ signal }) => dataOf(api.GET("/api/v1/clusters/match", { params: { query: host }, signal })),
    placeholderData: (before) => before,
  });
  return (
    <Loaded query={query}>
      {({ winner, reason, clusters }) => (
        <>
          <Alert mb="md" role="status" color={winner === null ? "red" : "green"}>
            {winner === null ? match.nobody : `${match.winner}: ${nameOf(winner, clusters)}. ${reason}`}
          </Alert>
          <Rows
            caption={match.title}
            rows={clusters.map((cluster, at) => ({ ...cluster, rank: at + 1 }))}
            keyOf={({ id }) => id}
            columns={[
              { title: match.rank, cell: ({ rank }) => rank },
              {
                title: match.cluster,
                cell: ({ id, name }) => (
                  <>
                    {name} {id === winner && <Badge variant="light" color="green">{match.winner}</Badge>}
                  </>
                ),
              },
              { title: match.cidr, cell: ({ cidr }) => cidr ?? "-" },
              { title: match.hostname, cell: ({ hostname }) => hostname ?? "-" },
              { title: match.idc, cell: ({ idc }) => idc ? common.yes : "-" },
              { title: match.locationElements, cell: ({ location_elements }) => location_elements },
              { title: match.isDefault, cell: ({ is_default }) => is_default ? common.yes : "-" },
              { title: match.liveSchedulers, cell: ({ live_schedulers }) => live_schedulers },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

function nameOf(id: number, clusters: readonly { readonly id: number; readonly name: string }[]): string {
  return clusters.find((cluster) => cluster.id === id)?.name ?? String(id);
}
