import { scaleBand, scaleLinear } from "d3-scale";
import { useFormat } from "../text/use_text.tsx";
import { type Bar, highest, segmentsOf, unitOf } from "./stacked.ts";

const HEIGHT = 220;
/** Room for numbers. */
const LEFT = 76;
const TOP = 8;
const BOTTOM = 198;
const TICKS = 4;
/** As many as fit side by side where the window is narrow. */
const NAMES_MAX = 4;

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
  const format = useFormat();
  const keys = parts.map(({ key }) => key);
  const most = highest(bars, keys);
  const unit = unitOf(most);
  const y = scaleLinear().domain([0, most / unit.bytes || 1]).nice(TICKS).range([BOTTOM, TOP]);
  // Across they are percentages, so that nobody has to ask how wide the page is.
  const x = scaleBand().domain(bars.map((_, bar) => String(bar))).range([0, 100]).paddingInner(0.15);
  const at = (bar: number) => `${x(String(bar)) ?? 0}%`;
  const step = Math.ceil(bars.length / NAMES_MAX);
  return (
    <figure className="chart">
      <div className="chart-area" role="img" aria-label={label}>
        <svg width={LEFT} height={HEIGHT}>
          {y.ticks(TICKS).map((tick) => (
            <text key={tick} className="chart-text" x={LEFT - 6} y={y(tick)} dy="0.32em" textAnchor="end">
              {`${format.number(tick)} ${unit.name}${per}`}
            </text>
          ))}
        </svg>
        <svg width="100%" height={HEIGHT}>
          {y.ticks(TICKS).map((tick) => (
            <line key={tick} className="chart-line" x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
          ))}
          {segmentsOf(bars, keys).map(({ key, bar, from, to }) => (
            <rect
              key={`${key} ${bar}`}
              className={`chart-${key}`}
              x={at(bar)}
              width={`${x.bandwidth()}%`}
              y={y(to / unit.bytes)}
              height={y(from / unit.bytes) - y(to / unit.bytes)}
            >
              <title>{`${bars[bar]?.name}: ${format.bytes(to - from)}${per}`}</title>
            </rect>
          ))}
          {bars.map(({ name }, bar) =>
            bar % step === 0 && <text key={bar} className="chart-text" x={at(bar)} y={HEIGHT - 6}>{name}</text>
          )}
        </svg>
      </div>
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
