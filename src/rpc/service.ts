/** Handlers as plain async functions and iterables, and how they answer calls. */
import { status } from "@grpc/grpc-js";
import { DamselflyError, errorText, isCancelled } from "../core/error.ts";
import type { Log } from "../runtime/log.ts";
import type { RequestRate } from "../runtime/request_rate.ts";
import {
  type MethodDefinition,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
  serviceName,
} from "./definition.ts";
import type { RequestMetadata, ServerCall } from "./server_call.ts";

/** Messages of one call that are counted together. */
const MESSAGES_OF_LOT = 64;

/** What a handler knows about the call that it answers. */
export interface CallContext {
  /** Aborts when the call ends, be it that the caller cancelled, went away or ran out of time. */
  readonly signal: AbortSignal;
  /** The caller's `ip:port`; empty for a unix socket. */
  readonly peer: string;
  /** What the caller sent along. */
  readonly metadata: RequestMetadata;
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
 * The handlers of a generated service definition. Request iterables are pulled, and what is not pulled holds the caller
 * up after 64 KiB and one message that is longer; they end with the call, too. Of a response iterable the next item is
 * asked for while less than 64 KiB wait to be sent. A handler ends when {@link CallContext.signal} aborts.
 */
export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]?: Handler<S[K]> };

// deno-lint-ignore no-explicit-any -- Handlers<S> has checked the types of each method
export type AnyHandler = (input: any, context: CallContext) => any;

/** A service ready to be served. */
export interface RpcService {
  /** Full name, like `scheduler.v2.Scheduler`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  /** The methods that are served; of the others a caller learns that they are not. */
  readonly methods: readonly ServedMethod[];
}

/** A method with its handler. */
export interface ServedMethod {
  readonly definition: MethodDefinition;
  readonly handler: AnyHandler;
}

/** Learns of the calls of one method. */
export interface MethodObserver {
  readonly log: Log;
  started(): void;
  /** So many messages more came and went. */
  messages(received: number, sent: number): void;
  handled(code: status): void;
}

/** Joins a generated definition with its handlers; a method without a handler answers UNIMPLEMENTED. */
export function service<S extends ServiceDefinition>(definition: S, handlers: Handlers<S>): RpcService {
  const methods: ServedMethod[] = [];
  for (const [name, method] of Object.entries(definition)) {
    const handler = handlers[name] as AnyHandler | undefined;
    if (handler !== undefined) methods.push({ definition: method, handler });
  }
  return { name: serviceName(definition), definition, methods };
}

/** What a call is run with. */
export interface RunParts {
  readonly method: ServedMethod;
  readonly observer: MethodObserver;
  /** Left out, it begins at once. */
  readonly rate: Pick<RequestRate, "turn"> | undefined;
}

/** Runs one call to its end. Never rejects: whatever goes wrong becomes the status of the call. */
export async function runCall(call: ServerCall, { method, observer, rate }: RunParts, peer: string): Promise<void> {
  observer.started();
  const counted = new MessageCount(observer);
  try {
    if (rate !== undefined) await rate.turn(hostOf(peer), call.signal);
    await answer(call, method, new CallContextOf(call, peer), counted);
    call.finish();
  } catch (error) {
    if (!(error instanceof DamselflyError || isCancelled(error))) {
      observer.log.error("An RPC handler failed", { method: method.definition.path, error });
    }
    call.fail(error);
  }
  counted.tell();
  observer.handled(call.endCode ?? status.UNKNOWN);
}

/** The IP address of `ip:port`. */
function hostOf(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(":")));
}

/** Messages of a call; those of a long one are told of in lots, for to count each costs as much as to send it. */
class MessageCount {
  readonly #observer: MethodObserver;
  #received = 0;
  #sent = 0;

  constructor(observer: MethodObserver) {
    this.#observer = observer;
  }

  received(): void {
    if (++this.#received >= MESSAGES_OF_LOT) this.tell();
  }

  sent(): void {
    if (++this.#sent >= MESSAGES_OF_LOT) this.tell();
  }

  tell(): void {
    this.#observer.messages(this.#received, this.#sent);
    [this.#received, this.#sent] = [0, 0];
  }
}

async function answer(
  call: ServerCall,
  { definition, handler }: ServedMethod,
  context: CallContext,
  counted: MessageCount,
): Promise<void> {
  const { requestStream, responseStream, responseSerialize } = definition;
  const input = requestStream ? readAll(definition, call, counted) : read(definition, await call.request());
  if (!requestStream) counted.received();
  if (!responseStream) {
    call.send(responseSerialize(await handler(input, context)));
    counted.sent();
    return;
  }
  const responses: AsyncIterable<unknown> = handler(input, context);
  for await (const response of responses) {
    const room = call.send(responseSerialize(response));
    counted.sent();
    if (room !== undefined) await room;
  }
}

/** The requests of a stream; leaving the loop early leaves the call as it is, for the responses may go on. */
async function* readAll(
  definition: MethodDefinition,
  call: ServerCall,
  counted: MessageCount,
): AsyncGenerator<unknown, void, undefined> {
  for await (const bytes of call.requests()) {
    counted.received();
    yield read(definition, bytes);
  }
}

function read({ path, requestDeserialize }: MethodDefinition, bytes: Buffer): unknown {
  try {
    return requestDeserialize(bytes);
  } catch (cause) {
    throw new DamselflyError("internal", `Cannot read the request of ${path}: ${errorText(cause)}`, { cause });
  }
}

/** Most handlers ask for little of it, and each part costs something: it is made when it is asked for. */
class CallContextOf implements CallContext {
  readonly #call: ServerCall;
  readonly peer: string;
  /** Handlers take it out of the context. */
  readonly sendHeaders = (): void => this.#call.sendHeaders();

  constructor(call: ServerCall, peer: string) {
    this.#call = call;
    this.peer = peer;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get metadata(): RequestMetadata {
    return this.#call.metadata;
  }
}
