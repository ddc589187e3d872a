import type { Labels, Metrics } from "../runtime/metrics.ts";

/** Metrics that a test can read back without parsing text. Histograms keep the sum of what they observed. */
export class MemoryMetrics implements Metrics {
  readonly #values = new Map<string, number>();
  readonly #names = new Set<string>();

  counter(name: string) {
    return { inc: this.#register(name) };
  }

  gauge(name: string) {
    const add = this.#register(name);
    return {
      inc: add,
      dec: (labels: Labels = {}, by = 1) => add(labels, -by),
      set: (labels: Labels, value: number) => void this.#values.set(seriesOf(name, labels), value),
    };
  }

  histogram(name: string) {
    const add = this.#register(name);
    return { observe: (labels: Labels, value: number) => add(labels, value) };
  }

  /** The value of one series; 0 when nothing was counted. */
  value(name: string, labels: Labels = {}): number {
    return this.#values.get(seriesOf(name, labels)) ?? 0;
  }

  expose(): Promise<string> {
    return Promise.resolve([...this.#values].map(([series, value]) => `${series} ${value}\n`).sort().join(""));
  }

  #register(name: string): (labels?: Labels, by?: number) => void {
    this.#names.add(name);
    return (labels = {}, by = 1) => {
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
