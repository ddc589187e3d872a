import { type Counter, type Gauge, type Histogram, type Metrics, realMetrics } from "../../runtime/metrics.ts";

/** What is known of a metric without a number in it. */
export interface MetricShape {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly labelNames: readonly string[];
}

/** Metrics that remember which there are. */
export class RecordingMetrics implements Metrics {
  readonly shapes = new Map<string, MetricShape>();
  readonly #metrics = realMetrics();

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    this.shapes.set(name, { kind: "counter", labelNames });
    return this.#metrics.counter(name, help, labelNames);
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    this.shapes.set(name, { kind: "gauge", labelNames });
    return this.#metrics.gauge(name, help, labelNames);
  }

  histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []): Histogram {
    this.shapes.set(name, { kind: "histogram", labelNames });
    return this.#metrics.histogram(name, help, buckets, labelNames);
  }

  expose(): Promise<string> {
    return this.#metrics.expose();
  }
}
