import { Buffer } from "node:buffer";
import { errorText, isCancelled } from "../core/error.ts";
import type { TraceContext } from "../core/trace_context.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { Attributes, Span, SpanInit, SpanKind, Tracer } from "../runtime/tracing.ts";

/** Events of a step, such as its pieces; of what comes on top only the count is told. */
const EVENTS_MAX = 1_024;
/** Names of attributes of a step, and characters of each value, those of events too. */
const ATTRIBUTES_MAX = 64;
const TEXT_LENGTH_MAX = 1_024;
const SAMPLE_STEPS = 2 ** 32;

/** A step that has ended. Times are milliseconds since the Unix epoch. */
export interface FinishedSpan {
  readonly context: TraceContext;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: ReadonlyMap<string, string | number | boolean>;
  readonly events: readonly SpanEvent[];
  readonly eventsDropped: number;
  /** Why it ended badly. */
  readonly failure: string | undefined;
}

/** Something that happened during a step. */
export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

/** What spans are recorded with. */
export interface RecorderParts {
  readonly clock: Clock;
  readonly random: Pick<Random, "bytes">;
  /** Of requests that nobody has decided about, the part that is recorded: 0 to 1. */
  readonly sampleRatio: number;
  readonly onEnd: (span: FinishedSpan) => void;
}

/** Records the steps of requests, all of one or none. */
export class Recorder implements Tracer {
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  begin(
    name: string,
    { traceId, parent, ...init }: SpanInit & { readonly traceId: string; readonly parent?: TraceContext | undefined },
  ): Span {
    const isSampled = parent?.isSampled ?? isInSample(traceId, this.#parts.sampleRatio);
    const context = { traceId, spanId: this.#parts.random.bytes(8).toHex(), isSampled };
    return isSampled ? new RecordedSpan(this.#parts, { context, parent, name, init }) : unrecorded(context);
  }
}

/** The same answer for a request in each process. */
function isInSample(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < ratio * SAMPLE_STEPS;
}

/** A step that is passed on, so that nobody else records what follows, and is otherwise none. */
function unrecorded(context: TraceContext): Span {
  const span: Span = { context, isEnded: false, set() {}, event() {}, child: () => span, end() {} };
  return span;
}

interface Beginning {
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly name: string;
  readonly init: SpanInit;
}

class RecordedSpan implements Span {
  readonly context: TraceContext;
  readonly #parts: RecorderParts;
  readonly #beginning: Beginning;
  readonly #startMs: number;
  readonly #startedAt: number;
  readonly #attributes = new Map<string, string | number | boolean>();
  readonly #events: SpanEvent[] = [];
  #eventsDropped = 0;
  #isEnded = false;

  constructor(parts: RecorderParts, beginning: Beginning) {
    this.context = beginning.context;
    this.#parts = parts;
    this.#beginning = beginning;
    this.#startMs = parts.clock.wallMs();
    this.#startedAt = parts.clock.now();
    this.set(beginning.init.attributes ?? {});
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  set(attributes: Attributes): void {
    if (this.#isEnded) return;
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || (this.#attributes.size >= ATTRIBUTES_MAX && !this.#attributes.has(name))) continue;
      this.#attributes.set(name, shortened(value));
    }
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.#isEnded) return;
    if (this.#events.length >= EVENTS_MAX) this.#eventsDropped++;
    else this.#events.push({ name, atMs: this.#now(), attributes: allShortened(attributes) });
  }

  child(name: string, init: SpanInit = {}): Span {
    const { context: parent } = this;
    const context = { ...parent, spanId: this.#parts.random.bytes(8).toHex() };
    return new RecordedSpan(this.#parts, { context, parent, name, init });
  }

  end(error?: unknown): void {
    if (this.#isEnded) return;
    const { parent, name, init } = this.#beginning;
    const end = {
      ...{ context: this.context, parentSpanId: parent?.spanId, name, kind: init.kind ?? "internal" },
      ...{ startMs: this.#startMs, endMs: this.#now(), attributes: this.#attributes },
      ...{ events: this.#events, eventsDropped: this.#eventsDropped },
      failure: error === undefined || isCancelled(error) ? undefined : shortText(errorText(error)),
    };
    this.#isEnded = true;
    this.#parts.onEnd(end);
  }

  /** The wall clock may be set meanwhile; how long something took is told by the other. */
  #now(): number {
    return this.#startMs + this.#parts.clock.now() - this.#startedAt;
  }
}

function allShortened(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, value === undefined ? undefined : shortened(value)]),
  );
}

function shortened(value: string | number | boolean): string | number | boolean {
  return typeof value === "string" ? shortText(value) : value;
}

/** A copy, for what is only cut out of a text keeps all of that in memory: a path the 64 KB of a request's head. */
function shortText(text: string): string {
  return Buffer.from(text.slice(0, TEXT_LENGTH_MAX)).toString();
}
