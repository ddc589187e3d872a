import "./http2_guard.ts";
import { Metadata } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import { passedOnHeaders } from "../runtime/requests.ts";
import { currentSpan, type Span, traced } from "../runtime/tracing.ts";
import { stepOf } from "./call_step.ts";
import { RpcChannel, type RpcChannelOptions } from "./channel.ts";
import { ClientStream, type RpcStream } from "./client_stream.ts";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./definition.ts";
import { errorOfStatus } from "./error_map.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService } from "./gen/grpc/health/v1/health.ts";

export type { RpcStream } from "./client_stream.ts";

/** Options of a call with streams. */
export interface CallOptions {
  /** Ends the call; it then fails with the signal's reason. */
  readonly signal: AbortSignal;
  /** How long the whole call may take, in milliseconds; without it only the signal ends the call. */
  readonly timeoutMs?: number;
  /** Sent along with the call. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Options of a call without streams, which is always limited. */
export type UnaryCallOptions = CallOptions & { readonly timeoutMs: number };

type ClientMethod<M extends MethodDefinition> = M["requestStream"] extends true
  ? (options: CallOptions) => RpcStream<RequestOf<M>, ResponseOf<M>>
  : M["responseStream"] extends true ? (request: RequestOf<M>, options: CallOptions) => AsyncIterable<ResponseOf<M>>
  : (request: RequestOf<M>, options: UnaryCallOptions) => Promise<ResponseOf<M>>;

/**
 * The methods of a generated service definition as calls. A call with one request and a response stream starts when
 * it is iterated and is cancelled when the loop is left. Every failure is a {@link DamselflyError} with the status
 * as its code, `unavailable` when there is no connection and `timeout` when time is over; only the reason of an
 * aborted signal comes through as it is.
 */
export type RpcClient<S extends ServiceDefinition> = { readonly [K in keyof S]: ClientMethod<S[K]> };

/** A client with a channel of its own, at `host:port` or `unix:/path`; disposing it closes the channel. */
export function createRpcClient<S extends ServiceDefinition>(
  definition: S,
  address: string,
  options: RpcChannelOptions,
): RpcClient<S> & Disposable {
  const channel = new RpcChannel(address, options);
  return { ...bindMethods(definition, () => channel), [Symbol.dispose]: () => channel[Symbol.dispose]() };
}

/** Options of {@link RpcChannels}. */
export interface RpcChannelsOptions extends RpcChannelOptions {
  /** How many channels may be open. */
  readonly channelsMax: number;
}

/** Where clients of any address are had, be it over a network or within a process. */
export type Channels = Pick<RpcChannels, "client" | "close" | typeof Symbol.dispose>;

/** Channels shared by all clients of the same address; the one idle for longest makes way for a new one. */
export class RpcChannels implements Disposable {
  readonly #options: RpcChannelsOptions;
  readonly #channels = new Map<string, RpcChannel>();

  constructor(options: RpcChannelsOptions) {
    this.#options = options;
  }

  /** The addresses with an open channel, the one unused for longest first. */
  addresses(): string[] {
    return [...this.#channels.keys()];
  }

  /** A client that opens the channel with its first call. A call fails with `resource_exhausted` if all are busy. */
  client<S extends ServiceDefinition>(definition: S, address: string): RpcClient<S> {
    return bindMethods(definition, () => this.#channel(address));
  }

  /** Closes the channel of a remote that is gone; calls that run go on to their end. */
  close(address: string): void {
    this.#channels.get(address)?.[Symbol.dispose]();
    this.#channels.delete(address);
  }

  /** Closes all channels. */
  [Symbol.dispose](): void {
    for (const address of [...this.#channels.keys()]) this.close(address);
  }

  /** The channel of an address, moved to the young end of the map. */
  #channel(address: string): RpcChannel {
    const known = this.#channels.get(address);
    if (known === undefined) this.#makeRoom(address);
    const channel = known ?? new RpcChannel(address, this.#options);
    this.#channels.delete(address);
    this.#channels.set(address, channel);
    return channel;
  }

  #makeRoom(address: string): void {
    const { channelsMax } = this.#options;
    if (this.#channels.size < channelsMax) return;
    const idle = this.#channels.values().find((channel) => !channel.busy);
    if (idle === undefined) {
      const message = `Cannot open a channel to ${address}: all ${channelsMax} channels are in use`;
      throw new DamselflyError("resource_exhausted", message);
    }
    this.close(idle.address);
  }
}

/** Options of {@link checkHealth}. */
export type HealthCheckOptions = UnaryCallOptions & RpcChannelOptions & {
  /** Full name of the service; without it the server as a whole. */
  readonly service?: string;
};

/**
 * Asks a server at `host:port` or `unix:/path` whether it serves, on a connection of its own. Fails like any call
 * when nobody answers, and with `not_found` when the server does not know the service.
 */
export async function checkHealth(address: string, options: HealthCheckOptions): Promise<boolean> {
  using client = createRpcClient(HealthService, address, options);
  const { status } = await client.check({ service: options.service ?? "" }, options);
  return status === ServingStatus.SERVING;
}

function bindMethods<S extends ServiceDefinition>(definition: S, channelOf: () => RpcChannel): RpcClient<S> {
  const methods: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(definition)) methods[name] = bindMethod(method, channelOf);
  return methods as RpcClient<S>;
}

function bindMethod(method: MethodDefinition, channelOf: () => RpcChannel): unknown {
  if (method.requestStream) return (options: CallOptions) => openStream(method, channelOf(), options);
  if (!method.responseStream) {
    const step = stepOf(method, "client");
    return (request: unknown, options: UnaryCallOptions) =>
      traced(step.name, step, () => callUnary(method, channelOf, request, options));
  }
  return async function* (request: unknown, options: CallOptions) {
    const stream = openStream(method, channelOf(), options);
    try {
      await stream.send(request);
      stream.end();
      yield* stream.responses;
    } finally {
      stream.cancel();
    }
  };
}

function openStream(method: MethodDefinition, channel: RpcChannel, options: CallOptions): ClientStream {
  const span = currentSpan()?.child(method.path.slice(1), stepOf(method, "client"));
  const onEnd = (failure: unknown) => span?.end(failure);
  return new ClientStream(method, channel, { ...options, metadata: metadataOf(options, span), onEnd });
}

function metadataOf({ metadata }: CallOptions, span?: Span): Metadata {
  const result = new Metadata();
  for (const [name, value] of Object.entries({ ...passedOnHeaders(span), ...metadata })) result.set(name, value);
  return result;
}

async function callUnary(
  method: MethodDefinition,
  channelOf: () => RpcChannel,
  request: unknown,
  options: UnaryCallOptions,
): Promise<unknown> {
  options.signal.throwIfAborted();
  const channel = channelOf();
  const name = `${method.path} at ${channel.address}`;
  using _use = channel.use();
  using limit = channel.clock.deadline(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, limit.signal]);
  try {
    await channel.settled(signal);
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      const metadata = metadataOf(options);
      const done = (error: Parameters<typeof errorOfStatus>[0] | null, response: unknown) => {
        signal.removeEventListener("abort", cancel);
        if (error === null) resolve(response);
        else reject(errorOfStatus(error, name));
      };
      const call = channel.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        done,
      );
      const cancel = () => call.cancel();
      signal.addEventListener("abort", cancel, { once: true });
    });
  } catch (error) {
    options.signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    throw new DamselflyError("timeout", `Cannot call ${name}: no answer within ${options.timeoutMs} ms`, {
      cause: error,
    });
  }
}
