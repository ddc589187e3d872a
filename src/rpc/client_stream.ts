import type { ClientDuplexStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import type { RpcChannel } from "./channel.ts";
import type { MethodDefinition } from "./definition.ts";
import { errorOfStatus } from "./error_map.ts";

/** A running call that takes a stream of requests. */
export interface RpcStream<Request, Response> {
  /** Sends a request; resolves when there is room for the next. Fails as the call failed once that has ended. */
  send(request: Request): Promise<void>;
  /** No more requests. */
  end(): void;
  /** The responses, just one from a method without a response stream. For one consumer; leaving the loop cancels. */
  readonly responses: AsyncIterable<Response>;
  /** Ends the call, if it has not ended yet. */
  cancel(): void;
}

interface ClientStreamOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  readonly metadata: Metadata;
  /** Called once when the call has ended, with why it failed. */
  readonly onEnd: (failure: unknown) => void;
}

/**
 * A call with streams. On the wire all kinds of calls are alike, so this serves a single request or a single
 * response as well.
 */
export class ClientStream implements RpcStream<unknown, unknown> {
  readonly responses: AsyncIterable<unknown>;
  readonly #name: string;
  readonly #signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #cancelled = new AbortController();
  readonly #call: Promise<ClientDuplexStream<unknown, unknown>>;
  /** Why the call failed; undefined as long as it runs, and when it ended well. */
  #failure: unknown;

  constructor(method: MethodDefinition, channel: RpcChannel, options: ClientStreamOptions) {
    this.#name = `${method.path} at ${channel.address}`;
    this.#signal = AbortSignal.any([options.signal, this.#cancelled.signal]);
    this.#ended.signal.addEventListener("abort", () => options.onEnd(this.#failure), { once: true });
    this.#call = this.#open(method, channel, options);
    this.#call.catch((error) => {
      this.#failure = error;
      this.#ended.abort(error);
    });
    this.responses = this.#receive();
  }

  async send(request: unknown): Promise<void> {
    const call = await this.#call;
    await new Promise<void>((resolve, reject) => {
      const ended = this.#ended.signal;
      const fail = () => reject(ended.reason);
      if (ended.aborted) return fail();
      ended.addEventListener("abort", fail, { once: true });
      call.write(request, (error: unknown) => {
        if (error) return; // the status, which says more, is on its way and ends the wait
        ended.removeEventListener("abort", fail);
        resolve();
      });
    });
  }

  end(): void {
    this.#call.then((call) => call.end(), () => undefined);
  }

  cancel(): void {
    this.#cancelled.abort(new DamselflyError("cancelled", `Cannot go on with ${this.#name}: it was cancelled`));
  }

  async #open(
    method: MethodDefinition,
    channel: RpcChannel,
    options: ClientStreamOptions,
  ): Promise<ClientDuplexStream<unknown, unknown>> {
    const use = channel.use();
    const limit = options.timeoutMs === undefined ? undefined : channel.clock.deadline(options.timeoutMs);
    const release = () => {
      limit?.[Symbol.dispose]();
      use[Symbol.dispose]();
    };
    const onLate = () => {
      const message = `Cannot call ${this.#name}: not done within ${options.timeoutMs} ms`;
      this.#cancelled.abort(new DamselflyError("timeout", message));
    };
    limit?.signal.addEventListener("abort", onLate, { once: true });
    try {
      await channel.settled(this.#signal);
      this.#signal.throwIfAborted();
    } catch (error) {
      release();
      throw error;
    }
    const { path, requestSerialize, responseDeserialize } = method;
    const call = channel.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options.metadata);
    this.#follow(call, release);
    return call;
  }

  /** Cancels the call with the signal, and notes how it ends. */
  #follow(call: ClientDuplexStream<unknown, unknown>, release: () => void): void {
    const cancel = () => call.cancel();
    this.#signal.addEventListener("abort", cancel, { once: true });
    call.on("error", (error: ServiceError) => {
      this.#failure = this.#signal.aborted ? this.#signal.reason : errorOfStatus(error, this.#name);
    });
    call.on("status", () => {
      this.#signal.removeEventListener("abort", cancel);
      release();
      const ended = () => new DamselflyError("failed_precondition", `Cannot send on ${this.#name}: it has ended`);
      this.#ended.abort(this.#failure ?? ended());
    });
  }

  async *#receive(): AsyncGenerator<unknown, void, undefined> {
    try {
      const call = await this.#call;
      try {
        yield* call.iterator({ destroyOnReturn: false });
      } catch (error) {
        throw this.#failure ?? error;
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.cancel();
    }
  }
}
