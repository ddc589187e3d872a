import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Counter, Metrics } from "../runtime/metrics.ts";
import type { Attributes } from "../runtime/tracing.ts";
import type { Collector } from "./collector.ts";
import { otlpRequest } from "./otlp_message.ts";
import type { FinishedSpan } from "./span.ts";

/** Spans and events that wait to be sent, some 30 MB; spans that come on top are dropped. */
const WAITING_MAX = 32_768;
/** Spans and events of one message, at least one span: below the 4 MB above which collectors take none over gRPC. */
const BATCH_MAX = 4_096;
/** So many characters of text count as one span more. */
const TEXT_OF_ONE = 256;
/** Characters of what a collector says that are logged. */
const REASON_MAX = 256;
/** How often what waits is sent. */
const SEND_INTERVAL_MS = 2_000;
/** How long the end of a process waits for the last spans to be taken. */
const LAST_SEND_MS = 2_000;

/** What a queue of spans needs. */
export interface SpanQueueParts {
  readonly collector: Collector;
  /** What is said of this process. */
  readonly resource: Attributes;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Waiting {
  readonly span: FinishedSpan;
  readonly weight: number;
}

/**
 * Spans on their way to the collector. Nobody waits for it: what does not fit is dropped and counted, and what it did
 * not take is sent again as long as there is room. Disposing sends what is left, for a limited time.
 */
export class SpanQueue implements AsyncDisposable {
  readonly #parts: SpanQueueParts;
  readonly #stop = new AbortController();
  readonly #timer: Disposable;
  readonly #sent: Counter;
  readonly #dropped: Counter;
  #waiting: Waiting[] = [];
  #weight = 0;
  #sending: Promise<void> | undefined;
  #isAway = false;
  #hasRefused = false;

  constructor(parts: SpanQueueParts) {
    this.#parts = parts;
    const { clock, metrics } = parts;
    this.#sent = metrics.counter("damselfly_trace_spans_sent_total", "Spans that the collector took.");
    const help = "Spans that were not sent: there was no room, the collector refused them, or the process ended.";
    this.#dropped = metrics.counter("damselfly_trace_spans_dropped_total", help, ["reason"]);
    this.#timer = clock.every(SEND_INTERVAL_MS, () => this.#wake());
  }

  /** Takes a span. Never throws. */
  add(span: FinishedSpan): void {
    const weight = weightOf(span);
    if (this.#stop.signal.aborted || this.#weight + weight > WAITING_MAX) {
      return this.#dropped.inc({ reason: this.#stop.signal.aborted ? "ended" : "full" });
    }
    this.#waiting.push({ span, weight });
    this.#weight += weight;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    using limit = this.#parts.clock.deadline(LAST_SEND_MS);
    limit.signal.addEventListener("abort", () => this.#stop.abort(limit.signal.reason), { once: true });
    await this.#sending;
    await this.#sendAll();
    this.#stop.abort(new DamselflyError("cancelled", "The process ends"));
    if (this.#waiting.length > 0) this.#dropped.inc({ reason: "ended" }, this.#waiting.length);
    this.#waiting = [];
    this.#parts.collector[Symbol.dispose]();
  }

  #wake(): void {
    this.#sending ??= this.#sendAll().finally(() => this.#sending = undefined);
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#batch();
      if (!await this.#send(batch.map(({ span }) => span))) return;
      this.#waiting.splice(0, batch.length);
      for (const { weight } of batch) this.#weight -= weight;
    }
  }

  /** Some of a message were not taken: told of once, until the process ends, and counted each time. */
  #refuse(count: number, reason: string): void {
    this.#dropped.inc({ reason: "refused" }, count);
    if (this.#hasRefused) return;
    this.#hasRefused = true;
    this.#parts.log.warn("The collector of traces does not take all spans", {
      count,
      reason: reason.slice(0, REASON_MAX),
    });
  }

  #batch(): Waiting[] {
    let [count, weight] = [0, 0];
    for (const waiting of this.#waiting) {
      weight += waiting.weight;
      if (count > 0 && weight > BATCH_MAX) break;
      count++;
    }
    return this.#waiting.slice(0, count);
  }

  /** Whether the batch is done with. */
  async #send(batch: readonly FinishedSpan[]): Promise<boolean> {
    const { collector, resource, log } = this.#parts;
    try {
      const refused = await collector.send(otlpRequest(resource, batch), this.#stop.signal);
      const count = Math.min(refused.count, batch.length);
      this.#sent.inc({}, batch.length - count);
      if (count > 0) this.#refuse(count, refused.reason);
      if (this.#isAway) log.info("The collector of traces takes spans again");
      this.#isAway = false;
      return true;
    } catch (error) {
      // What is no failure of the collector is one of ours, such as a span that cannot be encoded: it would stay one.
      const isRefused = !(error instanceof DamselflyError) || error.code === "invalid_argument";
      if (isRefused) this.#dropped.inc({ reason: "refused" }, batch.length);
      if (!this.#isAway) {
        const text = "The collector of traces does not take spans; see tracing.protocol, endpoint, path and headers";
        log.warn(text, { reason: errorText(error) });
      }
      this.#isAway = true;
      return isRefused;
    }
  }
}

/** A span with a thousand pieces takes as much room as a thousand spans without, and one with long texts as several. */
function weightOf({ name, attributes, events, failure = "" }: FinishedSpan): number {
  let characters = name.length + failure.length + textLength(attributes.values());
  for (const event of events) characters += textLength(Object.values(event.attributes));
  return 1 + events.length + Math.floor(characters / TEXT_OF_ONE);
}

function textLength(values: Iterable<Attributes[string]>): number {
  let length = 0;
  for (const value of values) length += typeof value === "string" ? value.length : 0;
  return length;
}
