import { useText } from "../text/use_text.tsx";
import { layered, SOURCE_Y, WIDTH } from "./layout.ts";
import type { Swarm } from "./swarm_at.ts";

type Place = Swarm["places"][number];

const EDGE_WIDTH_MAX = 10;
/** Of the flows into one place those are drawn that brought most. */
const FLOWS_MAX = 4;
const NAMED_RADIUS_MIN = 12;

/** All peers of a place together. */
export function peersOf({ counts }: Pick<Place, "counts">): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** A large swarm: places in the size of their peers, and the pieces that crossed from one to another. */
export function PlacesPicture({ places }: { readonly places: readonly Place[] }) {
  const { swarm } = useText();
  const indexes = places.map((_, at) => at).sort((a, b) => sizeAt(places, b) - sizeAt(places, a));
  // Those that the source gave something stand above the others.
  const isFed = (at: number) => places[at]?.flows.some(({ from }) => from === null) === true;
  const { dots, radius, height } = layered([indexes.filter(isFed), indexes.filter((at) => !isFed(at))]);
  const positions = new Map(dots.map((dot) => [dot.item, dot]));
  const flows = places.flatMap(({ flows }, to) =>
    flows.filter(({ from }) => from !== to).sort((a, b) => b.pieces - a.pieces).slice(0, FLOWS_MAX)
      .map((flow) => ({ ...flow, to }))
  );
  const most = Math.max(1, ...flows.map(({ pieces }) => pieces));
  const largest = Math.max(1, ...places.map(peersOf));
  return (
    <svg
      className="swarm"
      viewBox={`0 0 ${WIDTH} ${Math.ceil(height)}`}
      role="img"
      aria-label={swarm.placesOf(places.length)}
    >
      <g aria-hidden="true">
        {flows.map(({ from, to, pieces }) => {
          const start = from === null ? { x: WIDTH / 2, y: SOURCE_Y + 16 } : positions.get(from);
          const end = positions.get(to);
          return start && end && (
            <line
              key={`${from} ${to}`}
              className="swarm-edge"
              data-active="true"
              {...{ x1: start.x, y1: start.y, x2: end.x, y2: end.y }}
              strokeWidth={1 + EDGE_WIDTH_MAX * pieces / most}
            />
          );
        })}
        <rect className="swarm-source" x={WIDTH / 2 - 60} y={SOURCE_Y - 16} width={120} height={32} rx={6} />
        <text className="swarm-name" x={WIDTH / 2} y={SOURCE_Y + 5}>{swarm.source}</text>
        {dots.map(({ item: at, x, y }) => {
          const place = places[at];
          if (place === undefined) return null;
          const size = radius * (0.4 + 0.6 * Math.sqrt(peersOf(place) / largest));
          const done = place.counts.done / Math.max(1, peersOf(place));
          return (
            <g key={at} className="swarm-peer" data-stage={done === 1 ? "done" : "downloading"}>
              <circle cx={x} cy={y} r={size * 0.85} strokeWidth={size * 0.3} />
              <circle
                className="swarm-progress"
                {...{ cx: x, cy: y, r: size * 0.85, strokeWidth: size * 0.3 }}
                pathLength={100}
                strokeDasharray={`${100 * done} 100`}
              />
              {radius >= NAMED_RADIUS_MIN && (
                <text className="swarm-name" x={x} y={y + size + 15}>{lastPart(place.name) || swarm.nowhere}</text>
              )}
            </g>
          );
        })}
      </g>
    </svg>
  );
}

function sizeAt(places: readonly Place[], at: number): number {
  const place = places[at];
  return place === undefined ? 0 : peersOf(place);
}

/** The narrowest element of a location. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("|") + 1);
}
