import type { Buffer } from "node:buffer";
import { ErrorCode, Flag, frame, FRAME_BYTES_MAX, frameHeader, FrameType, words } from "./frame.ts";
import type { RequestHead } from "./request_head.ts";

/** What a caller may send on a stream before somebody has taken it: the window of RFC 9113 §6.9.2. */
export const STREAM_WINDOW_BYTES = 65_535;
/** What may wait to be sent on a stream until whoever writes should wait. */
const PENDING_BYTES_MAX = 64 * 1024;
/** What one stream sends until it is the turn of another. */
const TURN_BYTES_MAX = 4 * FRAME_BYTES_MAX;

/** Learns what the other side does with a stream. */
export interface StreamListener {
  /** Content came; it counts against the window until {@link ServerStream.credit} gives it back. */
  onData(bytes: Buffer): void;
  /** The other side sends no more. */
  onEnd(): void;
  /** The stream is over before it was answered to the end: the other side has left, or its connection. */
  onClosed(): void;
}

/** The connection of a stream. */
export interface StreamLink {
  /** The stream has something to send. */
  wake(stream: ServerStream): void;
  sendControl(frame: Buffer): void;
  /** The stream has ended on both sides. */
  forget(stream: ServerStream): void;
}

/** Collects frames to send. */
export type Send = (bytes: Uint8Array) => void;

const NOBODY: StreamListener = { onData() {}, onEnd() {}, onClosed() {} };

/** One request and its answer (RFC 9113 §5). What is sent is put into frames when the connection has room. */
export class ServerStream {
  readonly id: number;
  readonly head: RequestHead;
  listener: StreamListener = NOBODY;
  readonly #link: StreamLink;
  #headers: Uint8Array | undefined;
  readonly #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #trailers: Uint8Array | undefined;
  #sendWindow: number;
  #receiveWindow = STREAM_WINDOW_BYTES;
  #uncredited = 0;
  #contentLeft: number | undefined;
  #isRemoteEnded = false;
  #isClosed = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(id: number, head: RequestHead, sendWindow: number, link: StreamLink) {
    this.id = id;
    this.head = head;
    this.#sendWindow = sendWindow;
    this.#link = link;
    const length = head.headers.find(([name]) => name === "content-length")?.[1];
    this.#contentLeft = length === undefined ? undefined : Number(length);
  }

  /** Begins the answer. */
  respond(headers: Uint8Array): void {
    if (this.#isClosed) return;
    this.#headers = headers;
    this.#link.wake(this);
  }

  /** Sends content; wait for {@link room} before the next. */
  write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#link.wake(this);
  }

  /** Ends the answer once everything before is sent. A caller who is not at the end himself is told to stop. */
  finish(trailers: Uint8Array): void {
    if (this.#isClosed) return;
    this.#trailers = trailers;
    this.#hasRoom(); // nothing more is written, and a caller who takes nothing would hold up whoever waits for ever
    this.#link.wake(this);
  }

  /** Undefined when more may be written at once, else a promise of it; it also resolves when nothing more may be. */
  room(): Promise<void> | undefined {
    if (this.#pendingBytes < PENDING_BYTES_MAX || this.#trailers !== undefined || this.#isClosed) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Gives `bytes` of what came back to the other side: it was taken. */
  credit(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#isRemoteEnded || this.#isClosed || this.#uncredited < STREAM_WINDOW_BYTES / 2) return;
    this.#receiveWindow += this.#uncredited;
    this.#link.sendControl(frame(FrameType.WINDOW_UPDATE, Flag.NONE, this.id, words(this.#uncredited)));
    this.#uncredited = 0;
  }

  /** Ends the stream at once, with a code. */
  reset(code: number): void {
    if (this.#isClosed) return;
    this.#link.sendControl(frame(FrameType.RST_STREAM, Flag.NONE, this.id, words(code)));
    this.close();
  }

  /** The stream is over: reset by one of the sides, or its connection is gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#end();
    this.listener.onClosed();
  }

  /** Content arrived, `padding` bytes of its frame being none. Ends the stream when the other side broke a rule. */
  receive(bytes: Buffer, padding: number): void {
    if (this.#isRemoteEnded) return this.reset(ErrorCode.STREAM_CLOSED);
    this.#receiveWindow -= bytes.length + padding;
    if (this.#receiveWindow < 0) return this.reset(ErrorCode.FLOW_CONTROL_ERROR);
    if (this.#contentLeft !== undefined) this.#contentLeft -= bytes.length;
    if (padding > 0) this.credit(padding);
    this.listener.onData(bytes);
  }

  /** The other side has sent everything. */
  receiveEnd(): void {
    if (this.#isClosed) return;
    if (this.#isRemoteEnded) return this.reset(ErrorCode.STREAM_CLOSED);
    if (this.#contentLeft !== undefined && this.#contentLeft !== 0) return this.reset(ErrorCode.PROTOCOL_ERROR);
    this.#isRemoteEnded = true;
    this.listener.onEnd();
  }

  /** Makes the window for what is sent larger, or smaller; false when it becomes larger than it may be. */
  widen(bytes: number): boolean {
    this.#sendWindow += bytes;
    if (this.#pendingBytes > 0 && this.#sendWindow > 0) this.#link.wake(this);
    return this.#sendWindow < 2 ** 31;
  }

  /** Whether only the window of the connection, or its room, keeps content from being sent. */
  get hasContentToSend(): boolean {
    return !this.#isClosed && this.#pendingBytes > 0 && this.#sendWindow > 0;
  }

  /** Sends a turn of what may go, with at most `window` bytes of content; how many there were. */
  sendTurn(send: Send, window: number): number {
    if (this.#isClosed) return 0;
    const isHeadersOnly = this.#pendingBytes === 0 && this.#trailers === undefined;
    if (this.#headers !== undefined) {
      sendHeaders(send, this.id, Flag.NONE, this.#headers);
      this.#headers = undefined;
    }
    if (isHeadersOnly) return 0;
    const sent = this.#sendContent(send, Math.min(window, this.#sendWindow, TURN_BYTES_MAX));
    if (this.#pendingBytes < PENDING_BYTES_MAX) this.#hasRoom();
    if (this.#trailers !== undefined && this.#pendingBytes === 0) {
      sendHeaders(send, this.id, Flag.END_STREAM, this.#trailers);
      if (!this.#isRemoteEnded) send(frame(FrameType.RST_STREAM, Flag.NONE, this.id, words(ErrorCode.NO_ERROR)));
      this.#end();
    }
    return sent;
  }

  #sendContent(send: Send, bytesMax: number): number {
    let left = Math.max(0, Math.min(bytesMax, this.#pendingBytes));
    const sent = left;
    while (left > 0) {
      const length = Math.min(left, FRAME_BYTES_MAX);
      send(frameHeader(FrameType.DATA, Flag.NONE, this.id, length));
      this.#sendPending(send, length);
      left -= length;
    }
    this.#pendingBytes -= sent;
    this.#sendWindow -= sent;
    return sent;
  }

  /** Exactly `length` bytes of what is pending. */
  #sendPending(send: Send, length: number): void {
    let taken = 0;
    for (let left = length; left > 0;) {
      const bytes = this.#pending[taken] as Uint8Array;
      send(bytes.length <= left ? bytes : bytes.subarray(0, left));
      if (bytes.length <= left) taken++;
      else this.#pending[taken] = bytes.subarray(left);
      left -= bytes.length;
    }
    this.#pending.splice(0, taken);
  }

  #end(): void {
    this.#isClosed = true;
    this.#pending.length = 0;
    this.#pendingBytes = 0;
    this.#hasRoom();
    this.#link.forget(this);
  }

  #hasRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

/** A block of headers as a frame, or several (RFC 9113 §6.10). */
function sendHeaders(send: Send, streamId: number, flags: number, block: Uint8Array): void {
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES_MAX) {
    const part = block.subarray(at, at + FRAME_BYTES_MAX);
    const end = at + FRAME_BYTES_MAX >= block.length ? Flag.END_HEADERS : Flag.NONE;
    const [type, others] = at === 0 ? [FrameType.HEADERS, flags] : [FrameType.CONTINUATION, Flag.NONE];
    send(frameHeader(type, others | end, streamId, part.length));
    send(part);
  }
}
