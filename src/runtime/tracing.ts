/** Requests and their steps, as logs and traces show them. What goes on for a request finds it without being given it. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceContext } from "../core/trace_context.ts";

/** Facts of a step, under the names that people search by. Never credentials; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Who takes part in a step: it answers, asks, orders what goes on later, or is inside. */
export type SpanKind = "server" | "client" | "producer" | "internal";

/** What a step begins with. */
export interface SpanInit {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
}

/** A step of a request, from its beginning to its end. */
export interface Span {
  readonly context: TraceContext;
  readonly isEnded: boolean;
  set(attributes: Attributes): void;
  /** Something that happened meanwhile. */
  event(name: string, attributes?: Attributes): void;
  /** A step within this one. */
  child(name: string, init?: SpanInit): Span;
  /** Ends it, badly if there is an error. What comes later is not recorded. */
  end(error?: unknown): void;
}

/** Where the steps of requests are recorded. */
export interface Tracer {
  /** The first step here of a request, which `parent` of another process may have passed on; undefined when off. */
  begin(name: string, init: SpanInit & { readonly traceId: string; readonly parent?: TraceContext | undefined }):
    | Span
    | undefined;
}

/** Records nothing. */
export const NO_TRACER: Tracer = { begin: () => undefined };

/** The request for which something goes on. */
export interface RequestScope {
  /** 32 hexadecimal digits, which join the lines of all logs about it; the id of its trace, where there is one. */
  readonly requestId: string;
  readonly span?: Span | undefined;
}

const scopes = new AsyncLocalStorage<RequestScope | undefined>();

/** The request for which the caller works; undefined when it is for none. */
export function currentRequest(): RequestScope | undefined {
  return scopes.getStore();
}

/** The step of the request that goes on, if it is traced and has not ended. */
export function currentSpan(): Span | undefined {
  const span = scopes.getStore()?.span;
  return span?.isEnded === true ? undefined : span;
}

/** Runs something for a request, with all that it begins. */
export function inRequest<T>(scope: RequestScope, run: () => T): T {
  return scopes.run(scope, run);
}

/** Runs something for no request in particular: what is done again and again, whoever asked for it first. */
export function forNobody<T>(run: () => T): T {
  return scopes.run(undefined, run); // the runtime hands the scope on to timers out of `exit`
}

/** Runs a step of the current request. Without one, or without traces, it is just run. */
export async function traced<T>(name: string, init: SpanInit, run: (span?: Span) => Promise<T>): Promise<T> {
  const scope = scopes.getStore();
  const span = currentSpan()?.child(name, init);
  if (scope === undefined || span === undefined) return await run();
  try {
    const result = await scopes.run({ ...scope, span }, () => run(span));
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
