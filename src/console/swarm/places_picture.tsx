import { useText } from "../text/use_text.tsx";
import { Canvas } from "./canvas.tsx";
import { layered, SOURCE_Y, WIDTH } from "./layout.ts";
import type { Swarm } from "./swarm_at.ts";

type Place = Swarm["places"][number];

const EDGE_WIDTH_MAX = 10;
/** Of the flows into one place those are drawn that brought most. */
const FLOWS_MAX = 4;

/** How far lines go aside, of their length. */
const BOW = 0.15;

interface Point {
  readonly x: number;
  readonly y: number;
}

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
  const { dots, radius, isNamed, height } = layered([indexes.filter(isFed), indexes.filter((at) => !isFed(at))]);
  const positions = new Map(dots.map((dot) => [dot.item, dot]));
  const flows = places.flatMap(({ flows }, to) =>
    flows.filter(({ from }) => from !== to).sort((a, b) => b.pieces - a.pieces).slice(0, FLOWS_MAX)
      .map((flow) => ({ ...flow, to }))
  );
  const most = Math.max(1, ...flows.map(({ pieces }) => pieces));
  const largest = Math.max(1, ...places.map(peersOf));
  return (
    <Canvas height={height} label={swarm.placesOf(places.length)}>
      {flows.map(({ from, to, pieces }) => {
        const start = from === null ? { x: WIDTH / 2, y: SOURCE_Y + 16 } : positions.get(from);
        const end = positions.get(to);
        return start && end && (
          <path
            key={`${from} ${to}`}
            className="swarm-edge"
            data-active="true"
            d={bow(start, end)}
            strokeWidth={1 + EDGE_WIDTH_MAX * pieces / most}
          />
        );
      })}
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
            {isNamed && (
              <text className="swarm-name" x={x} y={y + size + 15}>{lastPart(place.name) || swarm.nowhere}</text>
            )}
          </g>
        );
      })}
    </Canvas>
  );
}

/** A line that goes aside, so that it does not run through those between. */
function bow(start: Point, end: Point): string {
  const aside = { x: (end.y - start.y) * BOW, y: (start.x - end.x) * BOW };
  const [x, y] = [(start.x + end.x) / 2 + aside.x, (start.y + end.y) / 2 + aside.y];
  return `M${start.x} ${start.y}Q${x} ${y} ${end.x} ${end.y}`;
}

function sizeAt(places: readonly Place[], at: number): number {
  const place = places[at];
  return place === undefined ? 0 : peersOf(place);
}

/** The narrowest element of a location. */
function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("|") + 1);
}
