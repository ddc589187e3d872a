import { DamselflyError } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Decision, Effect, Registration } from "./core/event.ts";
import type { Peer } from "./core/state.ts";
import type { SchedulerLoop } from "./loop.ts";
import type { PeerMessage } from "./parse.ts";
import { type PeerIds, type PeerStream, PeerStreams } from "./peer_streams.ts";

/** How one family of tasks announces its peers: `Q` is what they send, `A` what they are answered with. */
export interface PeerFamily<Q, A> {
  /** Parses the first message. Throws `invalid_argument` and the like, which ends the stream. */
  registration(message: Q): Registration;
  /** Parses a later message. */
  message(message: Q): PeerMessage;
  response(decision: Decision): A;
  /** A registration was applied; `peer` is undefined when it was refused. */
  registered(registration: Registration, peer: Peer | undefined, message: Q): void;
  /** A message of a peer is about to be applied. */
  heard(peer: Peer, event: PeerMessage): void;
  /** A peer was answered after so many milliseconds. */
  answered(waitedMs: number): void;
}

/** The streams on which peers of one family register and tell how they fare. */
export class PeerCalls<Q extends PeerIds, A> {
  readonly #family: PeerFamily<Q, A>;
  readonly #loop: () => SchedulerLoop;
  readonly #streams: PeerStreams<A>;

  constructor(family: PeerFamily<Q, A>, loop: () => SchedulerLoop, clock: Clock) {
    this.#family = family;
    this.#loop = loop;
    this.#streams = new PeerStreams(clock);
  }

  /** One call of a peer, from its registration to the end. */
  async *announce(requests: AsyncIterable<Q>): AsyncGenerator<A> {
    using stream = this.#streams.open();
    stream.read(requests, (message) => this.#handle(stream, message));
    try {
      yield* stream.responses;
    } finally {
      if (stream.ids !== undefined) this.#dispatchOf(stream, { type: "stream_closed" });
    }
  }

  /** Performs what the core wants done with a stream. */
  perform(effect: Extract<Effect, { readonly streamId: number }>): void {
    const stream = this.#streams.get(effect.streamId);
    if (effect.type === "send") {
      if (stream === undefined) return;
      const waitedMs = stream.answer(this.#family.response(effect.decision));
      stream.span?.event("decision", { kind: effect.decision.kind, waited_ms: Math.round(waitedMs) });
      this.#family.answered(waitedMs);
    } else if (effect.error === undefined) stream?.close();
    else stream?.fail(effect.error);
  }

  /** Ends the streams on which nobody registered in time. */
  expire(): void {
    this.#streams.expire();
  }

  /** Ends all streams with an error. */
  failAll(error: DamselflyError): void {
    this.#streams.failAll(error);
  }

  #handle(stream: PeerStream<A>, message: Q): void {
    if (stream.ids === undefined) return this.#register(stream, message);
    const { hostId, taskId, peerId } = stream.ids;
    if (message.hostId !== hostId || message.taskId !== taskId || message.peerId !== peerId) {
      const what = "Cannot accept host_id, task_id and peer_id: expected those of the registration";
      throw new DamselflyError("invalid_argument", what);
    }
    const event = this.#family.message(message);
    if (event.type === "reschedule") stream.asked();
    const peer = this.#loop().state.peers.get(peerId);
    if (peer !== undefined) this.#family.heard(peer, event);
    this.#dispatchOf(stream, event);
  }

  #register(stream: PeerStream<A>, message: Q): void {
    const loop = this.#loop();
    const registration = this.#family.registration(message);
    const { hostId, peerId, task } = registration;
    this.#streams.registered(stream, { hostId, peerId, taskId: task.id });
    stream.asked();
    stream.span?.set({ host_id: hostId, task_id: task.id, peer_id: peerId, url: task.url });
    loop.dispatch({ ...registration, streamId: stream.id });
    const peer = loop.state.peers.get(peerId);
    this.#family.registered(registration, peer?.streamId === stream.id ? peer : undefined, message);
  }

  #dispatchOf(stream: PeerStream<A>, event: PeerMessage): void {
    if (stream.ids === undefined) return;
    this.#loop().dispatch({ ...event, peerId: stream.ids.peerId, streamId: stream.id });
  }
}
