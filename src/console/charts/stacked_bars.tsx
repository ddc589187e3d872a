import { useElementSize } from "@mantine/hooks";
import { scaleBand, scaleLinear } from "d3-scale";
import { useFormat } from "../text/use_text.tsx";
import { type Bar, highest, segmentsOf, unitOf } from "./stacked.ts";

const HEIGHT = 220;
const MARGIN = { top: 8, right: 8, bottom: 22, left: 76 };
const TICKS = 4;
/** Width of a name below the bars; of those that do not fit some are left out. */
const NAME_WIDTH = 84;
/** Before the page has said how wide it is. */
const WIDTH_DEFAULT = 320;

interface Props<Key extends string> {
  /** What the chart says, for those who do not see it. */
  readonly label: string;
  readonly bars: readonly Bar<Key>[];
  /** From the bottom to the top; the class of a color, and what it stands for. */
  readonly parts: readonly { readonly key: Key; readonly label: string }[];
  /** Behind each number of bytes: `/s`, or nothing. */
  readonly per?: string;
}

/** Bars of bytes over time, as wide as the page lets them be; colors are in the stylesheet, as `chart-KEY`. */
export function StackedBars<Key extends string>({ label, bars, parts, per = "" }: Props<Key>) {
  const { ref, width: known } = useElementSize();
  const width = Math.max(known || WIDTH_DEFAULT, MARGIN.left + MARGIN.right + 1);
  const format = useFormat();
  const keys = parts.map(({ key }) => key);
  const right = width - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const x = scaleBand().domain(bars.map((_, bar) => String(bar))).range([MARGIN.left, right]).paddingInner(0.15);
  const most = highest(bars, keys);
  const unit = unitOf(most);
  const y = scaleLinear().domain([0, most / unit.bytes || 1]).nice(TICKS).range([bottom, MARGIN.top]);
  const step = Math.max(1, Math.ceil(bars.length * NAME_WIDTH / (right - MARGIN.left)));
  return (
    <figure className="chart" ref={ref}>
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        {y.ticks(TICKS).map((tick) => (
          <g key={tick}>
            <line className="chart-line" x1={MARGIN.left} x2={right} y1={y(tick)} y2={y(tick)} />
            <text className="chart-text" x={MARGIN.left - 6} y={y(tick)} dy="0.32em" textAnchor="end">
              {`${format.number(tick)} ${unit.name}${per}`}
            </text>
          </g>
        ))}
        {segmentsOf(bars, keys).map(({ key, bar, from, to }) => (
          <rect
            key={`${key} ${bar}`}
            className={`chart-${key}`}
            x={x(String(bar)) ?? 0}
            width={x.bandwidth()}
            y={y(to / unit.bytes)}
            height={y(from / unit.bytes) - y(to / unit.bytes)}
          >
            <title>{`${bars[bar]?.name}: ${format.bytes(to - from)}${per}`}</title>
          </rect>
        ))}
        {bars.map(({ name }, bar) =>
          bar % step === 0 && (
            <text key={name} className="chart-text" x={x(String(bar)) ?? 0} y={HEIGHT - 6}>{name}</text>
          )
        )}
      </svg>
      <figcaption className="chart-legend">
        {parts.map(({ key, label }) => (
          <span key={key}>
            <svg width="12" height="12" aria-hidden>
              <rect className={`chart-${key}`} width="12" height="12" />
            </svg>
            {label}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
