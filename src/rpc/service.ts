/** Handlers as plain async functions and iterables, and how they become what grpc-js calls. */
import type { Duplex, Readable, Writable } from "node:stream";
import {
  Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  status,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { DamselflyError, isCancelled } from "../core/error.ts";
import type { Log } from "../runtime/log.ts";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./definition.ts";
import { type CallStatus, statusOfError } from "./error_map.ts";

/** What a handler knows about the call that it answers. */
export interface CallContext {
  /** Aborts when the call ends, be it that the caller cancelled, went away or ran out of time. */
  readonly signal: AbortSignal;
  /** The caller's `ip:port`; empty for a unix socket. */
  readonly peer: string;
  /** What the caller sent along. */
  readonly metadata: Metadata;
  /** Sends the response headers now, so that a caller who waits for them proceeds. Later calls do nothing. */
  sendHeaders(): void;
}

type Handler<M extends MethodDefinition> = M["requestStream"] extends true
  ? M["responseStream"] extends true
    ? (requests: AsyncIterable<RequestOf<M>>, context: CallContext) => AsyncIterable<ResponseOf<M>>
  : (requests: AsyncIterable<RequestOf<M>>, context: CallContext) => Promise<ResponseOf<M>>
  : M["responseStream"] extends true ? (request: RequestOf<M>, context: CallContext) => AsyncIterable<ResponseOf<M>>
  : (request: RequestOf<M>, context: CallContext) => Promise<ResponseOf<M>>;

/**
 * The handlers of a generated service definition. Request iterables are pulled, at most a few messages ahead; of a
 * response iterable the next item is asked for once the last one has been written. A handler ends when
 * {@link CallContext.signal} aborts.
 */
export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]?: Handler<S[K]> };

/** A service ready to be served. */
export interface RpcService {
  /** Full name, like `scheduler.v2.Scheduler`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  /** What grpc-js calls; `observer` learns how each call ends. */
  implement(observer: CallObserver): UntypedServiceImplementation;
}

/** Learns of the calls of a server. */
export interface CallObserver {
  readonly log: Log;
  of(method: MethodDefinition): MethodObserver;
}

/** Learns of the calls of one method. */
export interface MethodObserver {
  started(): void;
  handled(code: status): void;
}

/** Joins a generated definition with its handlers; a method without a handler answers UNIMPLEMENTED. */
export function service<S extends ServiceDefinition>(definition: S, handlers: Handlers<S>): RpcService {
  const [anyMethod] = Object.values(definition);
  return {
    name: anyMethod?.path.split("/")[1] ?? "",
    definition,
    implement(observer) {
      const implementation: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(definition)) {
        const handler = handlers[name];
        if (handler !== undefined) implementation[name] = adapt(method, handler as AnyHandler, observer);
      }
      return implementation;
    },
  };
}

// deno-lint-ignore no-explicit-any -- Handlers<S> has checked the types of each method
type AnyHandler = (input: any, context: CallContext) => any;

/** A call of grpc-js. Which parts of it are there depends on its kind. */
type AnyCall = ServerUnaryCall<unknown, unknown> & Duplex;

/** A handler in the form of grpc-js; all four kinds of calls look the same here, so their types cannot be told apart. */
function adapt(method: MethodDefinition, handler: AnyHandler, observer: CallObserver): UntypedHandleCall {
  const running = { method, log: observer.log, calls: observer.of(method) };
  const inputOf = (call: AnyCall, context: CallContext) =>
    method.requestStream ? requestsOf(call, context.signal) : call.request;
  const answerOnce = (call: AnyCall, respond: sendUnaryData<unknown>) => {
    const answer = async (context: CallContext) => respond(null, await handler(inputOf(call, context), context));
    run(call, { ...running, answer, fail: (failure) => respond(failure) });
  };
  const answerWithStream = (call: AnyCall) => {
    const answer = async (context: CallContext) => {
      const responses: AsyncIterable<unknown> = handler(inputOf(call, context), context);
      for await (const response of responses) await write(call, response, context.signal);
      call.end();
    };
    run(call, { ...running, answer, fail: (failure) => call.emit("error", failure) });
  };
  return (method.responseStream ? answerWithStream : answerOnce) as unknown as UntypedHandleCall;
}

interface Run {
  readonly method: MethodDefinition;
  readonly log: Log;
  readonly calls: MethodObserver;
  readonly answer: (context: CallContext) => Promise<void>;
  readonly fail: (failure: CallStatus & Error) => void;
}

/** Runs one call to its end. Never rejects: whatever goes wrong becomes the status of the call. */
async function run(call: AnyCall, { method, log, calls, answer, fail }: Run): Promise<void> {
  const context = new CallContextOf(call);
  calls.started();
  let code = status.OK;
  try {
    await answer(context);
  } catch (error) {
    if (!(error instanceof DamselflyError || isCancelled(error))) {
      log.error("An RPC handler failed", { method: method.path, error });
    }
    const failure = statusOfError(call.cancelled ? ended() : error);
    code = failure.code;
    if (!call.cancelled) fail({ ...failure, name: "Error", message: failure.details });
  }
  calls.handled(code);
}

/** What is said of a call to somebody who waits for it, once its caller waits no more. */
function ended(): DamselflyError {
  return new DamselflyError("cancelled", "The call has ended");
}

/** Most handlers ask for little of it, and each part costs something: it is made when it is asked for. */
class CallContextOf implements CallContext {
  readonly #call: AnyCall;
  #signal: AbortSignal | undefined;
  /** Handlers take it out of the context. */
  readonly sendHeaders = (): void => this.#call.sendMetadata(new Metadata());

  constructor(call: AnyCall) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#signal ??= signalOf(this.#call);
  }

  get peer(): string {
    return this.#call.getPeer().replace("unknown", "");
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }
}

/** A signal that aborts when the call ends, which grpc-js calls `cancelled` whatever the end. */
function signalOf(call: AnyCall): AbortSignal {
  if (call.cancelled) return AbortSignal.abort(ended());
  const abort = new AbortController();
  call.on("cancelled", () => abort.abort(ended()));
  return abort.signal;
}

/** The requests of a stream; leaving the loop early leaves the call as it is, for the responses may go on. */
async function* requestsOf(call: Readable, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* call.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** Resolves once the transport took the message; grpc-js drops the callback of a call that has ended. */
function write(call: Writable, message: unknown, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    call.write(message, (error) => {
      signal.removeEventListener("abort", onAbort);
      if (error) reject(error);
      else resolve();
    });
  });
}
