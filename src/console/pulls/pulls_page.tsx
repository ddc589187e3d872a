import { Alert, Button, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf, idPath, type Schemas } from "../api/client.ts";
import { Facts } from "../parts/facts.tsx";
import { Failure } from "../parts/failure.tsx";
import { useListQuery } from "../parts/list_query.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { ClusterChoice, useChosenCluster } from "../swarm/cluster_choice.tsx";
import { formatBytes } from "../../core/for_people.ts";
import { useText } from "../text/use_text.tsx";
import { ContentTable } from "./content_table.tsx";
import { PullStory } from "./pull_story.tsx";
import { giversOf, sumOf } from "./pull.ts";

/** How often a pull that runs is looked at. */
const RUNNING_INTERVAL_MS = 2_000;
const PULLS_MAX = 200;
/** Without a name they are only to be chosen from. */
const LAST_PULLS = 50;

/** What a host pulled, where it came from, and what made it slow. */
export default function PullsPage() {
  const { pulls } = useText();
  const { valueOf, set } = useListQuery();
  const { id, error } = useChosenCluster(valueOf("cluster"));
  const [host, name] = [valueOf("host"), valueOf("name")];
  return (
    <>
      <PageTitle>{pulls.title}</PageTitle>
      <Text c="dimmed">{pulls.hint}</Text>
      <form className="filters" onSubmit={submitted(({ host = "", name = "" }) => set({ host, name, content: "" }))}>
        <ClusterChoice value={id} onChange={(cluster) => set({ cluster })} />
        <TextInput key={`host ${host}`} name="host" label={pulls.host} maxLength={256} required defaultValue={host} />
        <TextInput key={`name ${name}`} name="name" label={pulls.name} maxLength={512} defaultValue={name} />
        <Button type="submit">{pulls.explain}</Button>
      </form>
      {error !== null && <Failure error={error} />}
      {id !== undefined && host !== "" && <Explained clusterId={id} host={host} name={name} />}
    </>
  );
}

function Explained(
  { clusterId, host, name }: { readonly clusterId: string; readonly host: string; readonly name: string },
) {
  const query = useQuery({
    queryKey: ["pulls", clusterId, host, name],
    queryFn: async ({ signal }) => {
      const { path } = idPath(clusterId).params;
      const asked = { host, name, limit: String(name === "" ? LAST_PULLS : PULLS_MAX) };
      return await dataOf(api.GET("/api/v1/clusters/{id}/pulls", { params: { path, query: asked }, signal }));
    },
    refetchInterval: ({ state }) =>
      state.data?.pulls.some(({ is_running }) => is_running) === true ? RUNNING_INTERVAL_MS : false,
  });
  return (
    <Loaded query={query}>
      {(told) => name === "" ? <LastPulls told={told} /> : <Image told={told} clusterId={clusterId} />}
    </Loaded>
  );
}

/** The last pulls of a host, of which one is chosen. */
function LastPulls({ told }: { readonly told: Schemas["Pulls"] }) {
  const { pulls } = useText();
  return (
    <Panel title={pulls.lastOf(told.hostname)}>
      <ContentTable pulls={told.pulls} isLinked />
    </Panel>
  );
}

/** An image or content: all that came for it, and what happened to the slowest part, or to the one that is chosen. */
function Image({ told, clusterId }: { readonly told: Schemas["Pulls"]; readonly clusterId: string }) {
  const { pulls: text } = useText();
  const { valueOf } = useListQuery();
  const { pulls, slowest, sentence, hostname, ip, tag_digest } = told;
  if (pulls.length === 0) return <Alert>{text.none(hostname)}</Alert>;
  const chosen = Number(valueOf("content") || slowest + 1) - 1;
  const pull = pulls[chosen] ?? pulls[slowest];
  const worst = pulls[slowest];
  const isWell = worst?.cause === "nothing" && worst.error === null;
  return (
    <>
      <Alert mb="md" role="status" color={isWell ? "green" : worst?.error === null ? "yellow" : "red"}>
        {sentence}
      </Alert>
      <Panel title={text.summary}>
        <Facts
          facts={[
            { label: text.host, value: `${hostname} ${ip}` },
            { label: text.digest, value: tag_digest },
            { label: text.origin, value: formatBytes(sumOf(pulls, "origin_bytes")) },
            { label: text.peers(giversOf(pulls)), value: formatBytes(sumOf(pulls, "peer_bytes")) },
            { label: text.local, value: formatBytes(sumOf(pulls, "local_bytes")) },
          ]}
        />
      </Panel>
      <Panel title={text.contents}>
        <ContentTable pulls={pulls} chosen={pulls.indexOf(pull as Schemas["Pull"])} />
      </Panel>
      {pull !== undefined && <PullStory pull={pull} number={pulls.indexOf(pull) + 1} clusterId={clusterId} />}
    </>
  );
}
