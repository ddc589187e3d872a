import { Buffer } from "node:buffer";
import { Metadata } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import type { CallOptions, Channels, RpcClient, RpcStream, UnaryCallOptions } from "../rpc/client.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import type { MethodDefinition, ServiceDefinition } from "../rpc/definition.ts";
import { errorOfStatus, statusOfError } from "../rpc/error_map.ts";
import type { AnyHandler, CallContext, RpcService } from "../rpc/service.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** Messages on their way in one direction of a call; more make the run fail, for nobody reads them. */
const MESSAGES_MAX = 100_000;

/** How hosts reach each other. */
export interface Wires {
  /** How long a message takes, in milliseconds; undefined when it never arrives. */
  latencyMs(from: string, to: string): number | undefined;
}

/** gRPC between hosts of one process: handlers are called as they are, messages take their time, and hosts die. */
export class MemoryRpc {
  readonly #clock: VirtualClock;
  readonly #wires: Wires;
  readonly #servers = new Map<string, Server>();

  constructor(clock: VirtualClock, wires: Wires) {
    this.#clock = clock;
    this.#wires = wires;
  }

  /** Serves at `host:port`; disposing it ends the calls that run, as when the process dies. */
  serve(address: string, services: readonly RpcService[]): Disposable {
    const server: Server = { host: hostOf(address), handlers: new Map(), calls: new Set() };
    for (const { definition, handler } of services.flatMap(({ methods }) => methods)) {
      server.handlers.set(definition.path, handler);
    }
    this.#servers.set(address, server);
    return {
      [Symbol.dispose]: () => {
        if (this.#servers.get(address) === server) this.#servers.delete(address);
        for (const call of [...server.calls]) call.break("the connection was closed");
      },
    };
  }

  /** The way out of a host. */
  channels(from: string): Channels {
    return {
      client: <S extends ServiceDefinition>(definition: S, address: string) => {
        const methods: Record<string, unknown> = {};
        for (const [name, method] of Object.entries(definition)) methods[name] = this.#bind(from, method, address);
        return methods as RpcClient<S>;
      },
      close: () => {},
      [Symbol.dispose]: () => {},
    };
  }

  /** Calls that have not ended. */
  get callCount(): number {
    return this.#servers.values().reduce((sum, { calls }) => sum + calls.size, 0);
  }

  /** Ends the calls between hosts that cannot hear each other any more, as a dead connection is found out. */
  breakCalls(areParted: (from: string, to: string) => boolean): void {
    for (const server of this.#servers.values()) {
      for (const call of [...server.calls]) if (areParted(call.from, server.host)) call.break("no answer to a ping");
    }
  }

  #bind(from: string, method: MethodDefinition, address: string): unknown {
    const open = (options: CallOptions) => new Call(this.#clock, this.#wires, { from, method, address }, options);
    const connect = (call: Call) => call.connect(() => this.#servers.get(address));
    if (method.requestStream) {
      return (options: CallOptions) => connect(open(options));
    }
    if (method.responseStream) {
      return (request: unknown, options: CallOptions): AsyncIterable<unknown> => ({
        [Symbol.asyncIterator]: () => {
          const call = connect(open(options));
          call.send(request);
          call.end();
          return call.responses[Symbol.asyncIterator]();
        },
      });
    }
    return async (request: unknown, options: UnaryCallOptions) => {
      options.signal.throwIfAborted();
      const call = connect(open(options));
      call.send(request);
      call.end();
      for await (const response of call.responses) return response;
      throw new DamselflyError("internal", `Cannot call ${method.path} at ${address}: there was no answer`);
    };
  }
}

interface Server {
  readonly host: string;
  readonly handlers: Map<string, AnyHandler>;
  readonly calls: Set<Call>;
}

interface CallName {
  readonly from: string;
  readonly method: MethodDefinition;
  readonly address: string;
}

/** One call, as both sides see it. */
class Call implements RpcStream<unknown, unknown> {
  readonly from: string;
  readonly #clock: VirtualClock;
  readonly #wires: Wires;
  readonly #name: CallName;
  readonly #requests = new AsyncQueue<unknown>(MESSAGES_MAX);
  readonly #responses = new AsyncQueue<unknown>(MESSAGES_MAX);
  readonly #ended = new AbortController();
  readonly #options: CallOptions;
  readonly #holds = new DisposableStack();
  #server: Server | undefined;
  #hasEnded = false;
  #failure: unknown;
  readonly #toServer: Wire;
  readonly #toClient: Wire;

  constructor(clock: VirtualClock, wires: Wires, name: CallName, options: CallOptions) {
    this.#clock = clock;
    this.#wires = wires;
    this.#name = name;
    this.#options = options;
    this.from = name.from;
    this.#toServer = new Wire(clock, () => wires.latencyMs(name.from, hostOf(name.address)));
    this.#toClient = new Wire(clock, () => wires.latencyMs(hostOf(name.address), name.from));
    const { signal, timeoutMs } = options;
    const onAbort = () => this.#fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#holds.defer(() => signal.removeEventListener("abort", onAbort));
    if (timeoutMs !== undefined) this.#limit(timeoutMs);
    if (signal.aborted) onAbort();
  }

  /** Sets out for the server that is at the address when the first bytes arrive. */
  connect(find: () => Server | undefined): this {
    this.#toServer.carry(() => {
      if (this.#hasEnded) return;
      const server = find();
      const handler = server?.handlers.get(this.#name.method.path);
      if (server === undefined) return this.break("connection refused");
      this.#server = server;
      server.calls.add(this);
      if (handler === undefined) {
        const what = `Cannot call ${this.#name.method.path}: unimplemented`;
        return this.#toClient.carry(() => this.#fail(this.#translated(new DamselflyError("unimplemented", what))));
      }
      this.#serve(handler);
    });
    return this;
  }

  send(request: unknown): Promise<void> {
    if (this.#hasEnded) {
      const what = `Cannot send on ${this.#name.method.path}: it has ended`;
      return Promise.reject(this.#failure ?? new DamselflyError("failed_precondition", what));
    }
    this.#toServer.carry(() => this.#requests.tryPush(request));
    return Promise.resolve();
  }

  end(): void {
    this.#toServer.carry(() => this.#requests.close());
  }

  get responses(): AsyncIterable<unknown> {
    return { [Symbol.asyncIterator]: () => this.#receive() };
  }

  cancel(): void {
    this.#fail(new DamselflyError("cancelled", `Cannot go on with ${this.#name.method.path}: it was cancelled`));
  }

  /** The connection breaks, and both sides notice. */
  break(why: string): void {
    const { method, address } = this.#name;
    this.#endAtServer();
    this.#fail(new DamselflyError("unavailable", `Cannot call ${method.path} at ${address}: ${why}`));
  }

  async #serve(handler: AnyHandler): Promise<void> {
    const { method } = this.#name;
    try {
      if (method.responseStream) {
        const input = method.requestStream ? this.#requests : await firstOf(this.#requests);
        for await (const response of handler(input, this.#context()) as AsyncIterable<unknown>) {
          if (this.#hasEnded) break;
          this.#toClient.carry(() => this.#responses.tryPush(response));
        }
      } else {
        const response = await handler(await firstOf(this.#requests), this.#context());
        this.#toClient.carry(() => this.#responses.tryPush(response));
      }
      this.#toClient.carry(() => this.#close());
    } catch (error) {
      const failure = this.#translated(error);
      this.#toClient.carry(() => this.#fail(failure));
    }
  }

  /** An error as it is once it went over the wire. */
  #translated(error: unknown): DamselflyError {
    const { trailers, ...failure } = statusOfError(error);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) metadata.set(name, Buffer.from(value));
    return errorOfStatus({ ...failure, metadata, name: "Error", message: "" }, this.#name.method.path);
  }

  #context(): CallContext {
    const { metadata: sent = {} } = this.#options;
    const metadata = { get: (name: string): string | undefined => sent[name] };
    return { signal: this.#ended.signal, peer: `${this.from}:1`, metadata, sendHeaders: () => {} };
  }

  /** Not a generator: each would cost a message several turns more. */
  #receive(): AsyncIterator<unknown, void, undefined> {
    const responses = this.#responses[Symbol.asyncIterator]();
    return {
      next: () => responses.next(),
      return: async () => {
        this.cancel();
        await responses.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  #limit(timeoutMs: number): void {
    const limit = this.#holds.use(this.#clock.deadline(timeoutMs));
    const what = `Cannot call ${this.#name.method.path} at ${this.#name.address}: no answer within ${timeoutMs} ms`;
    limit.signal.addEventListener("abort", () => this.#fail(new DamselflyError("timeout", what)), { once: true });
  }

  #close(): void {
    if (this.#over()) this.#responses.close();
    this.#endAtServer();
  }

  #fail(error: unknown): void {
    if (this.#over()) {
      this.#failure = error;
      this.#responses.fail(error);
    }
    // The server learns of it by the end of the connection, if it can.
    const { from, address } = this.#name;
    if (this.#wires.latencyMs(from, hostOf(address)) !== undefined) this.#endAtServer();
  }

  #endAtServer(): void {
    const over = new DamselflyError("cancelled", "The call has ended");
    this.#requests.fail(over);
    this.#ended.abort(over);
  }

  #over(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    this.#holds.dispose();
    this.#server?.calls.delete(this);
    return true;
  }
}

/** Carries messages in their order; what is sent at one moment arrives at one moment. */
class Wire {
  readonly #clock: VirtualClock;
  readonly #latencyMs: () => number | undefined;
  #load: (() => void)[] = [];
  #sentAt = -1;

  constructor(clock: VirtualClock, latencyMs: () => number | undefined) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  carry(deliver: () => void): void {
    const now = this.#clock.now();
    if (now === this.#sentAt) return void this.#load.push(deliver);
    const latencyMs = this.#latencyMs();
    if (latencyMs === undefined) return;
    const load = [deliver];
    this.#load = load;
    this.#sentAt = now;
    this.#clock.after(latencyMs, () => {
      if (this.#load === load) this.#sentAt = -1;
      for (const arrive of load) arrive();
    });
  }
}

async function firstOf(requests: AsyncIterable<unknown>): Promise<unknown> {
  for await (const request of requests) return request;
  throw new DamselflyError("cancelled", "The call has ended");
}

/** The host of `host:port`. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
