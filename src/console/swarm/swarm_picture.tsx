import { useText } from "../text/use_text.tsx";
import { Canvas } from "./canvas.tsx";
import { type Dot, layered, type Layout, SOURCE_Y, WIDTH } from "./layout.ts";
import { type Member, nameOf, type PeerAt } from "./swarm_at.ts";

/** Of more peers than these only the strongest edge of each is drawn, and all of one that is looked at. */
const ALL_EDGES_PEERS_MAX = 40;
const NAME_CHARACTERS_MAX = 12;
const EDGE_WIDTH_MAX = 6;

interface Props {
  readonly members: readonly Member[];
  readonly peers: readonly PeerAt[];
  /** Place of the one that is looked at. */
  readonly chosen: number | undefined;
  readonly onChosen: (at: number | undefined) => void;
}

interface Edge {
  readonly from: number | null;
  readonly to: number;
  readonly pieces: number;
  readonly isActive: boolean;
}

/** Who gets it from whom: the source at the top, below it those who have it from there, and so on down. */
export function SwarmPicture({ members, peers, chosen, onChosen }: Props) {
  const { swarm } = useText();
  const depths = Math.max(-1, ...peers.map(({ depth }) => depth)) + 1;
  const layout = layered(Array.from({ length: depths }, (_, depth) => inOrder(peers, members, depth)));
  const dots = new Map(layout.dots.map((dot) => [dot.item.at, dot]));
  const edges = edgesOf(peers, chosen);
  const most = Math.max(1, ...edges.map(({ pieces }) => pieces));
  return (
    <Canvas height={layout.height} label={swarm.pictureOf(peers.length)}>
      {edges.map((edge) => <Line key={`${edge.from} ${edge.to}`} {...{ edge, dots, most, chosen }} />)}
      {layout.dots.map((dot) => {
        const member = members[dot.item.at];
        return member && (
          <Node
            key={member.peer_id}
            {...{ dot, member, layout }}
            isChosen={dot.item.at === chosen}
            onChosen={onChosen}
          />
        );
      })}
    </Canvas>
  );
}

/** Seed peers first, then by place, so that neighbours stand together. */
function inOrder(peers: readonly PeerAt[], members: readonly Member[], depth: number): PeerAt[] {
  const key = ({ at }: PeerAt) => {
    const { is_seed = false, place = "", host_id = "" } = members[at] ?? {};
    return `${is_seed ? 0 : 1} ${place} ${host_id}`;
  };
  return peers.filter((peer) => peer.depth === depth).sort((a, b) => key(a) < key(b) ? -1 : 1);
}

function edgesOf(peers: readonly PeerAt[], chosen: number | undefined): Edge[] {
  return peers.flatMap(({ at, feeds }) => {
    const edges = feeds.map((feed) => ({ ...feed, to: at }));
    if (peers.length <= ALL_EDGES_PEERS_MAX || at === chosen) return edges;
    const strongest = edges.toSorted((a, b) => b.pieces - a.pieces)[0];
    return edges.filter((edge) => edge === strongest || edge.from === chosen);
  });
}

function Line(
  { edge: { from, to, pieces, isActive }, dots, most, chosen }: {
    readonly edge: Edge;
    readonly dots: ReadonlyMap<number, Dot<PeerAt>>;
    readonly most: number;
    readonly chosen: number | undefined;
  },
) {
  const start = from === null ? { x: WIDTH / 2, y: SOURCE_Y + 16 } : dots.get(from);
  const end = dots.get(to);
  if (start === undefined || end === undefined) return null;
  const isChosen = chosen !== undefined && (from === chosen || to === chosen);
  const bend = (end.y - start.y) / 2 || 30;
  return (
    <path
      className="swarm-edge"
      data-active={isActive}
      data-chosen={isChosen}
      d={`M${start.x} ${start.y}C${start.x} ${start.y + bend} ${end.x} ${end.y - bend} ${end.x} ${end.y}`}
      strokeWidth={1 + EDGE_WIDTH_MAX * pieces / most}
      {...(pieces === 0 ? { strokeDasharray: "4 4" } : {})}
    />
  );
}

function Node(
  { dot: { item: { at, stage, progress }, x, y }, member, layout: { radius, isNamed }, isChosen, onChosen }: {
    readonly dot: Dot<PeerAt>;
    readonly member: Member;
    readonly layout: Layout<PeerAt>;
    readonly isChosen: boolean;
    readonly onChosen: (at: number | undefined) => void;
  },
) {
  const ring = Math.max(2, radius / 4);
  const inner = radius - ring / 2;
  const shape = member.is_seed ? { rx: radius / 3, ry: radius / 3 } : { rx: inner, ry: inner };
  return (
    <g
      className="swarm-peer"
      data-stage={stage}
      data-chosen={isChosen}
      onMouseEnter={() => onChosen(at)}
      onClick={() => onChosen(at)}
    >
      <rect x={x - inner} y={y - inner} width={2 * inner} height={2 * inner} {...shape} strokeWidth={ring} />
      <rect
        className="swarm-progress"
        {...{ x: x - inner, y: y - inner, width: 2 * inner, height: 2 * inner, ...shape, strokeWidth: ring }}
        pathLength={100}
        strokeDasharray={`${100 * progress} 100`}
      />
      {isNamed && <text className="swarm-name" x={x} y={y + radius + 15}>{shortened(nameOf(member))}</text>}
    </g>
  );
}

function shortened(name: string): string {
  return name.length <= NAME_CHARACTERS_MAX ? name : `…${name.slice(1 - NAME_CHARACTERS_MAX)}`;
}
