import type { Labels, Metrics } from "../runtime/metrics.ts";

type Kind = "counter" | "gauge" | "histogram";

interface Family {
  readonly kind: Kind;
  readonly labelNames: readonly string[];
}

/**
 * Metrics that a test can read back without parsing text. Histograms keep the sum of what they observed. What the real
 * ones refuse is refused here too: a label that was not named, a counter that shrinks, a name for two kinds.
 */
export class MemoryMetrics implements Metrics {
  readonly #values = new Map<string, number>();
  readonly #families = new Map<string, Family>();

  counter(name: string, _help = "", labelNames: readonly string[] = []) {
    const add = this.#register(name, { kind: "counter", labelNames });
    return {
      inc: (labels: Labels = {}, by = 1) => {
        if (by < 0) throw new RangeError(`Counter ${name} cannot shrink by ${by}`);
        add(labels, by);
      },
    };
  }

  gauge(name: string, _help = "", labelNames: readonly string[] = []) {
    const add = this.#register(name, { kind: "gauge", labelNames });
    return {
      inc: (labels: Labels = {}, by = 1) => add(labels, by),
      dec: (labels: Labels = {}, by = 1) => add(labels, -by),
      set: (labels: Labels, value: number) => add(labels, value - this.value(name, labels)),
    };
  }

  histogram(name: string, _help = "", _buckets: readonly number[] = [], labelNames: readonly string[] = []) {
    const add = this.#register(name, { kind: "histogram", labelNames });
    return { observe: (labels: Labels, value: number) => add(labels, value) };
  }

  /** The value of one series; 0 when nothing was counted. */
  value(name: string, labels: Labels = {}): number {
    return this.#values.get(seriesOf(name, labels)) ?? 0;
  }

  expose(): Promise<string> {
    return Promise.resolve([...this.#values].map(([series, value]) => `${series} ${value}\n`).sort().join(""));
  }

  #register(name: string, asked: Family): (labels: Labels, by: number) => void {
    const { kind, labelNames } = this.#families.get(name) ?? asked;
    if (kind !== asked.kind) throw new TypeError(`Metric ${name} is a ${kind}, not a ${asked.kind}`);
    this.#families.set(name, { kind, labelNames });
    return (labels, by) => {
      const unknown = Object.keys(labels).find((label) => !labelNames.includes(label));
      if (unknown !== undefined) throw new TypeError(`Metric ${name} has no label ${unknown}`);
      const series = seriesOf(name, labels);
      this.#values.set(series, (this.#values.get(series) ?? 0) + by);
    };
  }
}

/** The name of a series in the Prometheus text format, labels sorted. */
function seriesOf(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}
