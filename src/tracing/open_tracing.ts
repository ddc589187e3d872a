import { VERSION } from "../core/version.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Attributes, Tracer } from "../runtime/tracing.ts";
import { type CollectorAddress, openCollector } from "./collector.ts";
import { Recorder } from "./span.ts";
import { SpanQueue } from "./span_queue.ts";

/** What is traced and where it is sent: `tracing` of a component's configuration. */
export interface TracingOptions extends CollectorAddress {
  /** Of requests that nobody has decided about, the part that is traced: 0 to 1. */
  readonly sampleRatio: number;
  /** `service.name`. */
  readonly serviceName: string;
  /** What is said of this process besides. */
  readonly resource?: Attributes;
}

/** A tracer that sends its spans to a collector; disposing it sends the last ones, for a limited time. */
export function openTracing(
  { sampleRatio, serviceName, resource, ...address }: TracingOptions,
  runtime: Pick<Runtime, "clock" | "random" | "log" | "metrics" | "fetch" | "hostname">,
): Tracer & AsyncDisposable {
  const queue = new SpanQueue({
    ...runtime,
    collector: openCollector(address, runtime),
    resource: {
      "service.name": serviceName,
      "service.namespace": "dragonfly",
      "service.version": VERSION,
      "host.name": runtime.hostname(),
      ...resource,
    },
  });
  const recorder = new Recorder({ ...runtime, sampleRatio, onEnd: (span) => queue.add(span) });
  return {
    begin: (name, init) => recorder.begin(name, init),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}
