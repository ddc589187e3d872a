import { Alert, Anchor, SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { formatBytes } from "../../core/for_people.ts";
import { api, dataOf, idPath } from "../api/client.ts";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { PlacesPicture } from "./places_picture.tsx";
import { Replay } from "./replay.tsx";
import { lengthOf, nameOf, type PeerAt, STAGES, type Swarm, swarmAt } from "./swarm_at.ts";
import { SwarmPicture } from "./swarm_picture.tsx";
import { PeerTable, PlaceTable } from "./swarm_tables.tsx";

const INTERVAL_MS = 1_500;

export default function SwarmPage() {
  const { id = "", task = "" } = useParams();
  const { swarm: text } = useText();
  const query = useQuery({
    queryKey: ["swarms", id, "task", task],
    queryFn: async ({ signal }) => {
      const { path } = idPath(id).params;
      return await dataOf(api.GET("/api/v1/clusters/{id}/swarm", { params: { path, query: { task } }, signal }));
    },
    refetchInterval: INTERVAL_MS,
  });
  return (
    <>
      <Anchor component={Link} to={`${PATHS.swarms}?cluster=${encodeURIComponent(id)}`} size="sm">{text.title}</Anchor>
      <PageTitle>{text.one}</PageTitle>
      <Loaded query={query}>{(swarm) => <Found swarm={swarm} clusterId={id} />}</Loaded>
    </>
  );
}

function Found({ swarm, clusterId }: { readonly swarm: Swarm; readonly clusterId: string }) {
  const { swarm: text } = useText();
  const [atMs, setAtMs] = useState<number>();
  const [chosen, setChosen] = useState<number>();
  const [view, setView] = useState<"peers" | "places">();
  // Of a large swarm the places say more than the part of its peers that is told of.
  const shownView = view ?? (swarm.others > 0 ? "places" : "peers");
  const peers = swarmAt(swarm, atMs ?? swarm.now_ms);
  return (
    <>
      <About swarm={swarm} />
      <SegmentedControl
        mb="md"
        aria-label={text.view}
        value={shownView}
        onChange={(value) => setView(value === "places" ? "places" : "peers")}
        data={[{ value: "peers", label: text.byPeer }, { value: "places", label: text.byPlace }]}
      />
      {shownView === "places"
        ? (
          <>
            <Panel title={text.picture}>
              <PlacesPicture places={swarm.places} />
            </Panel>
            <PlaceTable places={swarm.places} />
          </>
        )
        : (
          <>
            <Panel title={text.picture}>
              {swarm.others > 0 && <Alert mb="sm">{text.part(swarm.members.length, swarm.others)}</Alert>}
              <Replay lengthMs={lengthOf(swarm)} atMs={atMs} onAt={setAtMs} />
              <Legend peers={peers} />
              <SwarmPicture members={swarm.members} {...{ peers, chosen, onChosen: setChosen }} />
              <Chosen swarm={swarm} peer={peers.find(({ at }) => at === chosen)} />
            </Panel>
            <PeerTable {...{ swarm, clusterId, peers, onChosen: setChosen }} />
          </>
        )}
    </>
  );
}

function About({ swarm }: { readonly swarm: Swarm }) {
  const { swarm: text } = useText();
  const format = useFormat();
  const { counts } = swarm;
  const isMoving = counts.waiting + counts.downloading + counts.at_source > 0;
  return (
    <Panel title={text.about} hint={text.aboutHint}>
      <Facts
        facts={[
          { label: text.task, value: swarm.task_id },
          { label: text.url, value: swarm.url },
          { label: text.size, value: swarm.content_length === 0 ? undefined : formatBytes(swarm.content_length) },
          { label: isMoving ? text.movesSince : text.stoppedAt, value: format.time(swarm.since) },
          ...STAGES.map((stage) => ({ label: text.stages[stage], value: format.number(counts[stage]) })),
          { label: text.scheduler, value: swarm.scheduler },
        ]}
      />
    </Panel>
  );
}

/** What the colors mean, and how many are of each. */
function Legend({ peers }: { readonly peers: readonly PeerAt[] }) {
  const { swarm } = useText();
  return (
    <ul className="legend">
      {STAGES.map((stage) => (
        <li key={stage}>
          <span className="legend-mark" data-stage={stage} aria-hidden="true" />
          {swarm.stages[stage]}: {peers.filter((peer) => peer.stage === stage).length}
        </li>
      ))}
      <li>{swarm.shapes}</li>
    </ul>
  );
}

/** The peer that is pointed at, in words. */
function Chosen({ swarm: { members }, peer }: { readonly swarm: Swarm; readonly peer: PeerAt | undefined }) {
  const { swarm } = useText();
  const format = useFormat();
  const member = peer === undefined ? undefined : members[peer.at];
  if (peer === undefined || member === undefined) return <Text size="sm" c="dimmed">{swarm.point}</Text>;
  const gives = members.filter(({ feeds }) => feeds.some(({ from, pieces }) => from === peer.at && pieces > 0)).length;
  const told = [
    nameOf(member),
    member.place,
    swarm.stages[peer.stage],
    format.percent(peer.progress),
    swarm.getsFrom(peer.feeds.filter(({ pieces }) => pieces > 0).length),
    swarm.givesTo(gives),
  ];
  return <Text size="sm" className="long">{told.filter((part) => part !== "").join(" · ")}</Text>;
}
