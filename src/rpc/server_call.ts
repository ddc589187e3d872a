import type { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import { DamselflyError } from "../core/error.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { ANSWER_HEADERS, timeoutMs, trailersOf, trailersOnly } from "./call_headers.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import { MESSAGE_BYTES_MAX } from "./definition.ts";
import { type CallStatus, statusOfError } from "./error_map.ts";
import type { ServerStream, StreamListener } from "./http2/stream.ts";
import { contentOf } from "./message_coding.ts";
import { messagePrefix, MessageReader, type RawMessage } from "./message_reader.ts";

/** What a caller sent along, by names in small letters. */
export interface RequestMetadata {
  /** The first value of a name; undefined when there is none. */
  get(name: string): string | undefined;
}

const OK: CallStatus = { code: status.OK, details: "", trailers: {} };

/**
 * One call: messages in and out, on a stream. It ends once, be it by its handler, its caller or its deadline. A message
 * counts in the budget from its first byte until its handler takes the next one; disposing the call, which whoever runs
 * the handler does after that, gives everything back.
 */
export class ServerCall implements StreamListener, Expiring, Disposable {
  readonly metadata: RequestMetadata;
  readonly #stream: ServerStream;
  readonly #coding: string;
  readonly #budget: ByteBudget;
  readonly #hold = (bytes: number): void => this.#take(bytes);
  readonly #reader = new MessageReader(MESSAGE_BYTES_MAX, this.#hold);
  readonly #received: RawMessage[] = [];
  /** Bytes of messages that are not whole, for which room is given once nothing else waits to be taken. */
  #heldBack = 0;
  /** Bytes that it has of the budget. */
  #held = 0;
  #isRequestEnded = false;
  #isAnswerBegun = false;
  #end: CallStatus | undefined;
  #abort: AbortController | undefined;
  #changed: PromiseWithResolvers<void> | undefined;
  #deadline: { readonly step: number; readonly of: Deadlines } | undefined;

  constructor(stream: ServerStream, budget: ByteBudget) {
    this.#stream = stream;
    this.#budget = budget;
    this.metadata = { get: (name) => stream.head.headers.find((header) => header[0] === name)?.[1] };
    this.#coding = this.metadata.get("grpc-encoding") ?? "identity";
    stream.listener = this;
  }

  /** The code that it ended with; undefined as long as it goes on. */
  get endCode(): status | undefined {
    return this.#end?.code;
  }

  /** Aborts when the call ends, whatever the end. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#end !== undefined && !this.#abort.signal.aborted) this.#abort.abort(ended());
    return this.#abort.signal;
  }

  /** Ends the call when the time is over that its caller gave it. */
  limitTime(deadlines: Deadlines): void {
    const text = this.metadata.get("grpc-timeout");
    if (text === undefined || this.#end !== undefined) return;
    const ms = timeoutMs(text);
    if (ms === undefined) return this.fail(new DamselflyError("internal", "Cannot read the grpc-timeout of the call"));
    this.#deadline = { step: deadlines.add(ms, this), of: deadlines };
  }

  expire(): void {
    this.fail(new DamselflyError("timeout", "Cannot answer: the caller's time is over"));
  }

  /** The messages of the caller, each given room for more when it is taken, until he ends them or the call ends. */
  async *requests(): AsyncGenerator<Buffer, void, undefined> {
    while (this.#end === undefined) {
      const message = this.#received.shift();
      if (message !== undefined) {
        this.#stream.credit(message.heldBytes);
        if (this.#received.length === 0) this.#creditHeldBack();
        const content = await this.#contentOf(message);
        yield content;
        this.#give(content.length);
      } else if (this.#isRequestEnded) {
        return;
      } else {
        this.#changed ??= Promise.withResolvers<void>();
        await this.#changed.promise;
      }
    }
  }

  /** The one message of a caller who sends no more than that. Throws `unimplemented` when there are none, or several. */
  async request(): Promise<Buffer> {
    while (!this.#isRequestEnded && this.#received.length < 2) {
      if (this.#end !== undefined) throw ended();
      this.#changed ??= Promise.withResolvers<void>();
      await this.#changed.promise;
    }
    const [message] = this.#received;
    if (message === undefined || this.#received.length > 1) {
      throw new DamselflyError("unimplemented", "Cannot answer: this method takes one message");
    }
    return await this.#contentOf(message);
  }

  /** Sends the headers of the answer now; later calls do nothing. */
  sendHeaders(): void {
    if (this.#isAnswerBegun || this.#end !== undefined) return;
    this.#isAnswerBegun = true;
    this.#stream.respond(ANSWER_HEADERS);
  }

  /** Sends a message. A promise, when it should be waited for before the next. Throws when the call has ended. */
  send(message: Uint8Array): Promise<void> | undefined {
    if (this.#end !== undefined) throw ended();
    const prefix = messagePrefix(message.length, MESSAGE_BYTES_MAX);
    this.sendHeaders();
    this.#stream.write(prefix);
    this.#stream.write(message);
    return this.#stream.room();
  }

  /** Everything is answered. */
  finish(): void {
    this.#finishWith(OK);
  }

  /** The call failed. Does nothing when it has ended. */
  fail(error: unknown): void {
    this.#finishWith(statusOfError(error));
  }

  onData(bytes: Buffer): void {
    if (this.#end !== undefined) return;
    try {
      const { messages, partialBytes } = this.#reader.push(bytes);
      this.#received.push(...messages);
      this.#heldBack += partialBytes;
      // A message that is longer than the window gets room at once, but only one of them: the next waits for that.
      if (this.#received.length === 0) this.#creditHeldBack();
      if (messages.length > 0) this.#wake();
    } catch (error) {
      this.fail(error);
    }
  }

  onEnd(): void {
    this.#isRequestEnded = true;
    if (!this.#reader.isBetweenMessages) {
      this.fail(new DamselflyError("internal", "Cannot read the request: it ends within a message"));
    }
    this.#wake();
  }

  onClosed(): void {
    this.#over({ code: status.CANCELLED, details: "", trailers: {} });
  }

  [Symbol.dispose](): void {
    this.#give(this.#held);
  }

  async #contentOf(message: RawMessage): Promise<Buffer> {
    const content = await contentOf(message, this.#coding, MESSAGE_BYTES_MAX, this.#hold);
    if (content !== message.bytes) this.#give(message.bytes.length);
    return content;
  }

  /** Nothing is given back any more of what is taken after the end. */
  #take(bytes: number): void {
    if (this.#end !== undefined) throw ended();
    this.#budget.take(bytes);
    this.#held += bytes;
  }

  /** Nothing is left to give by whoever reads on after the call was disposed of. */
  #give(bytes: number): void {
    const given = Math.min(bytes, this.#held);
    this.#held -= given;
    this.#budget.give(given);
  }

  #finishWith(end: CallStatus): void {
    if (this.#end !== undefined) return;
    this.#stream.finish(this.#isAnswerBegun ? trailersOf(end) : trailersOnly(end));
    this.#over(end);
  }

  #over(end: CallStatus): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#received.length = 0;
    this.#deadline?.of.remove(this.#deadline.step, this);
    this.#wake();
    this.#abort?.abort(ended());
  }

  #creditHeldBack(): void {
    if (this.#heldBack === 0) return;
    this.#stream.credit(this.#heldBack);
    this.#heldBack = 0;
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}

/** What is said of a call to somebody who waits for it, once its caller waits no more. */
function ended(): DamselflyError {
  return new DamselflyError("cancelled", "The call has ended");
}
