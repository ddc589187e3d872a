import * as prom from "prom-client";

/** Values of a metric's labels; every label named at creation must be given. */
export type Labels = Readonly<Record<string, string | number>>;

/** A number that only grows. */
export interface Counter {
  inc(labels?: Labels, by?: number): void;
}

/** A number that moves both ways. */
export interface Gauge {
  set(labels: Labels, value: number): void;
  inc(labels?: Labels, by?: number): void;
  dec(labels?: Labels, by?: number): void;
}

/** A distribution over fixed buckets. */
export interface Histogram {
  observe(labels: Labels, value: number): void;
}

/**
 * What a component counts. Asking twice for a name gives the same metric, so that parts may share it; asking for
 * another kind, and giving a label that was not named at creation, is a mistake of the caller and throws.
 */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<string>;
}

/** The content type of {@link Metrics.expose}. */
export const METRICS_CONTENT_TYPE = prom.Registry.PROMETHEUS_CONTENT_TYPE;

/** Metrics in a Prometheus registry of their own (prom-client). */
export function realMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new prom.Registry();
  if (options.processMetrics === true) addProcessMetrics(registry);
  const once = <M extends prom.Metric>(kind: new (...options: never[]) => M, name: string, create: () => M): M => {
    const known = registry.getSingleMetric(name) ?? create();
    if (known instanceof kind) return known;
    throw new TypeError(`Metric ${name} is not a ${kind.name}`);
  };
  return {
    counter(name, help, labelNames = []) {
      const counter = once(
        prom.Counter,
        name,
        () => new prom.Counter({ name, help, labelNames, registers: [registry] }),
      );
      return { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
    },
    gauge(name, help, labelNames = []) {
      const gauge = once(prom.Gauge, name, () => new prom.Gauge({ name, help, labelNames, registers: [registry] }));
      return {
        set: (labels, value) => gauge.set(labels, value),
        inc: (labels = {}, by = 1) => gauge.inc(labels, by),
        dec: (labels = {}, by = 1) => gauge.dec(labels, by),
      };
    },
    histogram(name, help, buckets, labelNames = []) {
      const histogram = once(
        prom.Histogram,
        name,
        () => new prom.Histogram({ name, help, buckets: [...buckets], labelNames, registers: [registry] }),
      );
      return { observe: (labels, value) => histogram.observe(labels, value) };
    },
    expose: () => registry.metrics(),
  };
}

/** What the system tells of a process in files of `/proc`, which nobody may read whose permissions are narrowed. */
const FROM_PROC = ["resident_memory_bytes", "virtual_memory_bytes", "heap_bytes", "open_fds", "max_fds"]
  .map((name) => `process_${name}`);

/** Metrics of the process itself. One that cannot be known is not there: a 0 would be believed. */
function addProcessMetrics(registry: prom.Registry): void {
  prom.collectDefaultMetrics({ register: registry });
  if (canReadProc()) return;
  for (const name of FROM_PROC) registry.removeSingleMetric(name);
  new prom.Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes.",
    registers: [registry],
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
}

function canReadProc(): boolean {
  try {
    Deno.readTextFileSync("/proc/self/status");
    return true;
  } catch {
    return false;
  }
}
