import { DamselflyError, isCancelled } from "../core/error.ts";
import { AsyncQueue } from "../rpc/async_queue.ts";
import type { Clock } from "../runtime/clock.ts";
import { currentSpan } from "../runtime/tracing.ts";

/** Answers that a peer has not read yet; the core gives up to 5 on a stream. */
const ANSWERS_WAITING_MAX = 8;

/** How long a peer may take to register on the stream that it opened. */
const REGISTER_TIMEOUT_MS = 10_000;
/** Streams on which nobody has registered yet. */
const UNREGISTERED_MAX = 10_000;

/** The open streams of peers of one family of tasks, by number; `A` is what they are answered with. */
export class PeerStreams<A> {
  readonly #clock: Clock;
  readonly #streams = new Map<number, PeerStream<A>>();
  /** Those on which nobody has registered, the oldest first. */
  readonly #unregistered = new Set<PeerStream<A>>();
  #opened = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new stream; disposing it forgets it. Throws `resource_exhausted` when too many wait for a registration. */
  open(): PeerStream<A> {
    if (this.#unregistered.size >= UNREGISTERED_MAX) {
      throw new DamselflyError(
        "resource_exhausted",
        `Cannot open a stream: ${UNREGISTERED_MAX} wait for a registration`,
      );
    }
    this.#opened += 1;
    const stream = new PeerStream<A>(this.#opened, this.#clock, () => this.#forget(stream));
    this.#streams.set(stream.id, stream);
    this.#unregistered.add(stream);
    return stream;
  }

  /** Notes who registered on a stream. */
  registered(stream: PeerStream<A>, ids: PeerIds): void {
    stream.ids = ids;
    this.#unregistered.delete(stream);
  }

  /** Ends the streams on which nobody registered in time. */
  expire(): void {
    for (const stream of this.#unregistered) {
      if (this.#clock.now() < stream.openedAtMs + REGISTER_TIMEOUT_MS) return;
      this.#unregistered.delete(stream);
      const what = `Cannot wait longer for a registration: none came within ${REGISTER_TIMEOUT_MS} ms`;
      stream.fail(new DamselflyError("timeout", what));
    }
  }

  /** An open stream; undefined when it is gone. */
  get(id: number): PeerStream<A> | undefined {
    return this.#streams.get(id);
  }

  /** Ends all streams with an error. */
  failAll(error: DamselflyError): void {
    for (const stream of this.#streams.values()) stream.fail(error);
  }

  #forget(stream: PeerStream<A>): void {
    this.#streams.delete(stream.id);
    this.#unregistered.delete(stream);
  }
}

/** Who registered on a stream; each message repeats it. */
export interface PeerIds {
  readonly hostId: string;
  readonly taskId: string;
  readonly peerId: string;
}

/** One stream of a peer, as far as the edge is concerned. */
export class PeerStream<A> implements Disposable {
  readonly id: number;
  /** The peer that registered on it. */
  ids: PeerIds | undefined;
  readonly openedAtMs: number;
  /** The step of the request that the peer downloads for. */
  readonly span = currentSpan();
  readonly #responses = new AsyncQueue<A>(ANSWERS_WAITING_MAX);
  readonly #clock: Clock;
  readonly #forget: () => void;
  #askedAtMs: number | undefined;
  #isOver = false;

  constructor(id: number, clock: Clock, forget: () => void) {
    this.id = id;
    this.openedAtMs = clock.now();
    this.#clock = clock;
    this.#forget = forget;
  }

  /** The answers, as the handler of the call gives them back. */
  get responses(): AsyncIterable<A> {
    return this.#responses;
  }

  /** Notes that the peer waits for an answer. */
  asked(): void {
    this.#askedAtMs = this.#clock.now();
  }

  /** Sends an answer; gives the time in milliseconds that the peer waited for it. */
  answer(response: A): number {
    this.#responses.tryPush(response);
    const waitedMs = this.#clock.now() - (this.#askedAtMs ?? this.#clock.now());
    this.#askedAtMs = undefined;
    return waitedMs;
  }

  /** Ends the call with OK. */
  close(): void {
    this.#isOver = true;
    this.#responses.close();
  }

  /** Ends the call with an error. */
  fail(error: unknown): void {
    this.#isOver = true;
    this.#responses.fail(error);
  }

  /**
   * Hands each message to `handle` until the peer stops or the call is at its end; what that throws ends the call. A
   * registration that arrives after the end would make a peer that nobody can answer.
   */
  async read<Q>(messages: AsyncIterable<Q>, handle: (message: Q) => void): Promise<void> {
    try {
      for await (const message of messages) {
        if (this.#isOver) return;
        handle(message);
      }
      this.close();
    } catch (error) {
      if (isCancelled(error)) this.close();
      else this.fail(error);
    }
  }

  [Symbol.dispose](): void {
    this.close();
    this.#forget();
  }
}
