import { Anchor, Progress, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import { Pager } from "../parts/pager.tsx";
import { Panel } from "../parts/panel.tsx";
import { Rows } from "../parts/rows.tsx";
import { PATHS } from "../paths.ts";
import { useFormat, useText } from "../text/use_text.tsx";
import { peersOf } from "./places_picture.tsx";
import { type Member, nameOf, type PeerAt, STAGES, type Swarm } from "./swarm_at.ts";

const ROWS_PER_PAGE = 25;
const GIVERS_MAX = 3;

interface Props {
  readonly swarm: Swarm;
  readonly clusterId: string;
  readonly peers: readonly PeerAt[];
  readonly onChosen: (at: number) => void;
}

/** The same as the picture shows, a row for each peer: those that are on their way come first. */
export function PeerTable({ swarm: { members, digest, task_id }, clusterId, peers, onChosen }: Props) {
  const { swarm } = useText();
  const format = useFormat();
  const [page, setPage] = useState(1);
  const isOver = ({ stage }: PeerAt) => Number(stage === "done" || stage === "failed");
  const sorted = peers.toSorted((a, b) => isOver(a) - isOver(b) || a.progress - b.progress);
  const pages = Math.ceil(sorted.length / ROWS_PER_PAGE);
  const shown = Math.min(page, Math.max(1, pages));
  return (
    <Panel title={swarm.peers}>
      <Rows
        caption={swarm.peers}
        rows={sorted.slice((shown - 1) * ROWS_PER_PAGE, shown * ROWS_PER_PAGE).flatMap((peer) => {
          const member = members[peer.at];
          return member === undefined ? [] : [{ ...peer, member }];
        })}
        keyOf={({ member }) => member.peer_id}
        columns={[
          {
            title: swarm.peer,
            cell: ({ at, member }) => (
              <UnstyledButton
                fz="sm"
                className="long"
                onFocus={() => onChosen(at)}
                onClick={() => onChosen(at)}
              >
                {nameOf(member)}
              </UnstyledButton>
            ),
          },
          { title: swarm.kind, cell: ({ member }) => member.is_seed ? swarm.seed : swarm.ordinary },
          { title: swarm.place, cell: ({ member }) => member.place || "-" },
          { title: swarm.stage, cell: ({ stage }) => swarm.stages[stage] },
          {
            title: swarm.progress,
            cell: ({ progress, member }) => (
              <>
                {format.percent(progress)}
                <Progress value={100 * progress} miw={80} aria-label={`${swarm.progress} ${nameOf(member)}`} />
              </>
            ),
          },
          { title: swarm.from, cell: ({ feeds }) => <Givers feeds={feeds} members={members} /> },
          {
            title: swarm.why,
            cell: ({ member }) => <ExplainLink {...{ member, clusterId }} name={digest ?? task_id} />,
          },
        ]}
      />
      <Pager page={shown} pages={pages} onPage={setPage} />
    </Panel>
  );
}

/** Those who gave most, with their pieces. */
function Givers({ feeds, members }: { readonly feeds: PeerAt["feeds"]; readonly members: readonly Member[] }) {
  const { swarm } = useText();
  const format = useFormat();
  const told = feeds.filter(({ pieces }) => pieces > 0).sort((a, b) => b.pieces - a.pieces).slice(0, GIVERS_MAX)
    .map(({ from, pieces }) => {
      const giver = from === null ? undefined : members[from];
      return `${giver === undefined ? swarm.source : nameOf(giver)} (${format.number(pieces)})`;
    });
  return told.join(", ") || "-";
}

/** Leads to what a host waited for. */
function ExplainLink({ member, clusterId, name }: {
  readonly member: Member;
  readonly clusterId: string;
  readonly name: string;
}) {
  const { swarm } = useText();
  const search = new URLSearchParams({ cluster: clusterId, host: member.host_id, name });
  return (
    <Anchor inherit component={Link} to={`${PATHS.pulls}?${search}`} aria-label={swarm.explainOf(nameOf(member))}>
      {swarm.explain}
    </Anchor>
  );
}

/** All peers by their place. */
export function PlaceTable({ places }: Pick<Swarm, "places">) {
  const { swarm } = useText();
  const format = useFormat();
  const sum = (flows: Swarm["places"][number]["flows"]) => flows.reduce((total, { pieces }) => total + pieces, 0);
  return (
    <Panel title={swarm.places} hint={swarm.placesHint}>
      <Rows
        caption={swarm.places}
        rows={places.map((place, at) => ({ ...place, at })).sort((a, b) => peersOf(b) - peersOf(a))}
        keyOf={({ at }) => at}
        columns={[
          { title: swarm.place, cell: ({ name }) => name === "…" ? swarm.otherPlaces : name || swarm.nowhere },
          ...STAGES.map((stage) => ({
            title: swarm.stages[stage],
            cell: ({ counts }: Swarm["places"][number]) => format.number(counts[stage]),
          })),
          {
            title: swarm.fromSource,
            cell: ({ flows }) => format.number(sum(flows.filter(({ from }) => from === null))),
          },
          {
            title: swarm.fromElsewhere,
            cell: ({ flows, at }) => format.number(sum(flows.filter(({ from }) => from !== null && from !== at))),
          },
          {
            title: swarm.fromHere,
            cell: ({ flows, at }) => format.number(sum(flows.filter(({ from }) => from === at))),
          },
        ]}
      />
    </Panel>
  );
}
