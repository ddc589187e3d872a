/** The server's side of a connection that speaks HTTP/2 (RFC 9113), as far as gRPC needs it. */
import { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import {
  ConnectionFault,
  ErrorCode,
  Flag,
  type Frame,
  frame,
  FrameReader,
  FrameType,
  withoutPadding,
  words,
} from "./frame.ts";
import { HeaderDecoder, type HeaderList } from "./header_decoder.ts";
import { block } from "./header_encoder.ts";
import type { Header } from "./header_table.ts";
import { areRegular, requestHead } from "./request_head.ts";
import { ServerStream, type StreamLink } from "./stream.ts";
import { readSettings, settingsFrame, WINDOW_BYTES_DEFAULT } from "./settings.ts";

/** What a client sends first (RFC 9113 §3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
/** What all streams of a connection may send before it is given back, which is at once when it is read. */
const WINDOW_BYTES = 1024 * 1024;
/** The headers of a request, as RFC 9113 §6.5.2 counts them. */
const HEADER_LIST_BYTES_MAX = 16 * 1024;
/** The same as they come, compressed or not. */
const HEADER_BLOCK_BYTES_MAX = 64 * 1024;
/** What is put together for one write. */
const WRITE_BYTES_MAX = 256 * 1024;
/** While more than this waits to be sent, nothing is read: answers to pings count here too. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
/** How often a caller may change the window of all his streams, which is work for each; who measures does it seldom. */
const WINDOW_CHANGES_MAX = 1_000;
/** Streams beyond every id: the first word of a connection that is about to end (RFC 9113 §6.8). */
const ALL_STREAMS = 2 ** 31 - 1;
const KEEPALIVE_PING = Buffer.from("keepaliv", "latin1");
const DRAIN_PING = Buffer.from("draining", "latin1");
const TOO_LONG = block([[":status", "431"]]);

/** What a connection needs, and tells. */
export interface ConnectionOptions {
  /** Streams that may be open, or whose work still goes on, at a time. */
  readonly streamsMax: number;
  /** A request came. To be told of the rest, set the listener of the stream before returning. */
  onRequest(stream: ServerStream): void;
  /** The connection takes no more requests and has answered them all, or it is gone. */
  onDrained(): void;
}

/** One connection with a client, from the first byte. */
export class Connection implements StreamLink {
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, ServerStream>();
  /** Requests whose work goes on, be their streams open or not. */
  #working = 0;
  #lastStreamId = 0;
  #prefaceLeft = PREFACE;
  #hasSettings = false;
  /** The headers that are being read, over several frames. */
  #block: { readonly streamId: number; readonly flags: number; readonly parts: Buffer[]; bytes: number } | undefined;
  #receiveWindow = WINDOW_BYTES;
  #sendWindow = WINDOW_BYTES_DEFAULT;
  #streamSendWindow = WINDOW_BYTES_DEFAULT;
  #windowChanges = 0;
  /** Streams with something to send, in turns. */
  readonly #ready = new Set<ServerStream>();
  #output: Uint8Array[] = [];
  #outputBytes = 0;
  #isFlushDue = false;
  #isBackedUp = false;
  #isHeard = true;
  #drain: "open" | "asked" | "last" = "open";
  /** What is to be sent has been given to the socket, to the last byte. */
  #isEnded = false;
  #isClosed = false;

  constructor(socket: Duplex, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.#onClose());
    this.#send(settingsFrame({ streamsMax: options.streamsMax, headerListBytesMax: HEADER_LIST_BYTES_MAX }));
    this.#send(frame(FrameType.WINDOW_UPDATE, Flag.NONE, 0, words(WINDOW_BYTES - WINDOW_BYTES_DEFAULT)));
    this.#schedule();
  }

  /** Whether something was heard of the other side since the last time that this was asked. */
  takeHeard(): boolean {
    const isHeard = this.#isHeard;
    this.#isHeard = false;
    return isHeard;
  }

  /** Asks the other side for a sign of life. Before it has said anything there is nobody to ask. */
  ping(): void {
    if (this.#hasSettings) this.sendControl(frame(FrameType.PING, Flag.NONE, 0, KEEPALIVE_PING));
  }

  /**
   * Takes no more requests: tells the other side so, and lets those come that are under way (RFC 9113 §6.8). The
   * connection ends with its last stream.
   */
  drain(): void {
    if (this.#drain !== "open") return;
    this.#drain = "asked";
    if (!this.#hasSettings) return this.destroy();
    this.sendControl(goaway(ALL_STREAMS, ErrorCode.NO_ERROR));
    this.sendControl(frame(FrameType.PING, Flag.NONE, 0, DRAIN_PING));
  }

  /** Whether requests are open that are still to be answered. */
  get hasRequests(): boolean {
    return this.#streams.size > 0;
  }

  /** Whether none is open, and none will come any more. */
  get isDrained(): boolean {
    return this.#isClosed || (this.#drain === "last" && !this.hasRequests);
  }

  /** Ends the connection and everything on it at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  /** Work on a request began. It may go on when the stream is over, and counts until it has ended. */
  beginWork(): void {
    this.#working++;
  }

  endWork(): void {
    this.#working--;
  }

  wake(stream: ServerStream): void {
    this.#ready.add(stream);
    this.#schedule();
  }

  sendControl(bytes: Buffer): void {
    this.#send(bytes);
    this.#schedule();
  }

  forget(stream: ServerStream): void {
    this.#streams.delete(stream.id);
    this.#ready.delete(stream);
    this.#endIfDrained();
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#isHeard = true;
    try {
      for (const frame of this.#reader.push(this.#withoutPreface(chunk))) {
        this.#onFrame(frame);
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.#endWith(error.code);
    }
    if (this.#backlog() > BACKLOG_BYTES_MAX) this.#socket.pause();
  }

  #withoutPreface(chunk: Buffer): Buffer {
    const length = Math.min(this.#prefaceLeft.length, chunk.length);
    if (length === 0) return chunk;
    if (!chunk.subarray(0, length).equals(this.#prefaceLeft.subarray(0, length))) {
      throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2");
    }
    this.#prefaceLeft = this.#prefaceLeft.subarray(length);
    return chunk.subarray(length);
  }

  #onFrame(frame: Frame): void {
    if (this.#block !== undefined && frame.type !== FrameType.CONTINUATION) throw misplaced();
    if (!this.#hasSettings && frame.type !== FrameType.SETTINGS) throw misplaced();
    switch (frame.type) {
      case FrameType.DATA:
        return this.#onData(frame);
      case FrameType.HEADERS:
        return this.#onHeaders(frame);
      case FrameType.CONTINUATION:
        return this.#onContinuation(frame);
      case FrameType.RST_STREAM:
        return this.#onReset(frame);
      case FrameType.SETTINGS:
        return this.#onSettings(frame);
      case FrameType.PING:
        return this.#onPing(frame);
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(frame);
      case FrameType.GOAWAY:
        return this.#onGoaway(frame);
      case FrameType.PRIORITY:
        if (frame.streamId === 0) throw misplaced();
        return checkLength(frame, 5);
      case FrameType.PUSH_PROMISE:
        throw misplaced();
      default: // RFC 9113 §5.5: a frame that nobody knows means nothing
    }
  }

  #onData(frame: Frame): void {
    const bytes = withoutPadding(frame);
    this.#receiveWindow -= frame.payload.length;
    if (this.#receiveWindow < WINDOW_BYTES / 2) {
      this.sendControl(frameOf(FrameType.WINDOW_UPDATE, 0, WINDOW_BYTES - this.#receiveWindow));
      this.#receiveWindow = WINDOW_BYTES;
    }
    const stream = this.#streamOf(frame);
    // The caller may not know yet that his stream is over.
    if (stream === undefined) return this.sendControl(resetOf(frame.streamId, ErrorCode.STREAM_CLOSED));
    stream.receive(bytes, frame.payload.length - bytes.length);
    if (frame.flags & Flag.END_STREAM) stream.receiveEnd();
  }

  #onHeaders(frame: Frame): void {
    const { streamId, flags } = frame;
    if (streamId % 2 === 0) throw misplaced();
    const payload = withoutPadding(frame);
    const part = flags & Flag.PRIORITY ? payload.subarray(5) : payload; // priorities are no more (RFC 9113 §5.3.2)
    this.#block = { streamId, flags, parts: [], bytes: 0 };
    this.#addToBlock(part, flags);
  }

  #onContinuation(frame: Frame): void {
    if (this.#block?.streamId !== frame.streamId) throw misplaced();
    this.#addToBlock(frame.payload, frame.flags);
  }

  #addToBlock(part: Buffer, flags: number): void {
    const block = this.#block;
    if (block === undefined) throw misplaced();
    block.parts.push(part);
    block.bytes += part.length + 9; // frames without content would be endless otherwise
    if (block.bytes > HEADER_BLOCK_BYTES_MAX) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "the headers of a request are too long");
    }
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.#block = undefined;
    const bytes = block.parts.length === 1 ? part : Buffer.concat(block.parts);
    const list = this.#decoder.decode(bytes, HEADER_LIST_BYTES_MAX);
    const isEnd = (block.flags & Flag.END_STREAM) !== 0;
    const stream = this.#streams.get(block.streamId);
    if (stream === undefined) {
      // The caller may not know yet that his stream is over (RFC 9113 §5.1).
      const isLate = isEnd && block.streamId <= this.#lastStreamId && areTrailers(list.headers);
      if (!isLate) this.#onRequest(block.streamId, list, isEnd);
    } else if (isEnd && !list.isTooLong && areRegular(list.headers)) stream.receiveEnd();
    else stream.reset(ErrorCode.PROTOCOL_ERROR);
  }

  #onRequest(streamId: number, { headers, isTooLong }: HeaderList, isEnd: boolean): void {
    if (streamId <= this.#lastStreamId) {
      throw new ConnectionFault(ErrorCode.STREAM_CLOSED, "a request came on a stream that is over");
    }
    if (this.#drain === "last") return; // the other side was told which ones are not answered any more
    this.#lastStreamId = streamId;
    const refuse = (code: number) => this.sendControl(resetOf(streamId, code));
    if (Math.max(this.#streams.size, this.#working) >= this.#options.streamsMax) {
      return refuse(ErrorCode.REFUSED_STREAM);
    }
    const head = isTooLong ? { method: "", path: "", headers: [] } : requestHead(headers);
    if (head === undefined) return refuse(ErrorCode.PROTOCOL_ERROR);
    const stream = new ServerStream(streamId, head, this.#streamSendWindow, this);
    this.#streams.set(streamId, stream);
    if (isTooLong) stream.finish(TOO_LONG);
    else this.#options.onRequest(stream);
    if (isEnd) stream.receiveEnd();
  }

  #onReset(frame: Frame): void {
    checkLength(frame, 4);
    this.#streamOf(frame)?.close();
  }

  #onSettings(frame: Frame): void {
    if (frame.streamId !== 0) throw misplaced();
    if (frame.flags & Flag.ACK) return checkLength(frame, 0);
    this.#hasSettings = true;
    const { windowBytes } = readSettings(frame.payload);
    if (windowBytes !== undefined && windowBytes !== this.#streamSendWindow) this.#resizeStreams(windowBytes);
    this.sendControl(frameOf(FrameType.SETTINGS, Flag.ACK));
  }

  #resizeStreams(windowBytes: number): void {
    if (++this.#windowChanges > WINDOW_CHANGES_MAX) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "the window of streams changes all the time");
    }
    const difference = windowBytes - this.#streamSendWindow;
    this.#streamSendWindow = windowBytes;
    for (const stream of this.#streams.values()) {
      if (!stream.widen(difference)) throw overflow();
    }
  }

  #onPing(received: Frame): void {
    if (received.streamId !== 0) throw misplaced();
    checkLength(received, 8);
    if ((received.flags & Flag.ACK) === 0) {
      this.sendControl(frame(FrameType.PING, Flag.ACK, 0, received.payload));
    } else if (this.#drain === "asked" && received.payload.equals(DRAIN_PING)) {
      this.#drain = "last";
      this.sendControl(goaway(this.#lastStreamId, ErrorCode.NO_ERROR));
      this.#endIfDrained();
    }
  }

  #onWindowUpdate(frame: Frame): void {
    checkLength(frame, 4);
    const bytes = frame.payload.readUInt32BE() & ALL_STREAMS;
    if (frame.streamId !== 0) {
      const stream = this.#streamOf(frame);
      if (bytes === 0) stream?.reset(ErrorCode.PROTOCOL_ERROR);
      else if (stream?.widen(bytes) === false) stream.reset(ErrorCode.FLOW_CONTROL_ERROR);
      return;
    }
    if (bytes === 0) throw misplaced();
    this.#sendWindow += bytes;
    if (this.#sendWindow > ALL_STREAMS) throw overflow();
    this.#schedule();
  }

  #onGoaway(frame: Frame): void {
    if (frame.streamId !== 0) throw misplaced();
    if (this.#drain === "open") this.#drain = "last"; // it asks for nothing more
    this.#endIfDrained();
  }

  /** The stream of a frame; undefined when it is over. Throws when it never was. */
  #streamOf({ streamId }: Frame): ServerStream | undefined {
    if (streamId === 0 || streamId % 2 === 0 || streamId > this.#lastStreamId) {
      if (this.#drain === "last" && streamId % 2 === 1) return undefined;
      throw misplaced();
    }
    return this.#streams.get(streamId);
  }

  #send(bytes: Uint8Array): void {
    this.#output.push(bytes);
    this.#outputBytes += bytes.length;
  }

  /** What there is to send leaves once everything that answers in this turn of the event loop has answered. */
  #schedule(): void {
    if (this.#isFlushDue || this.#isClosed) return;
    this.#isFlushDue = true;
    nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#isClosed) return;
    if (!this.#isBackedUp) this.#sendTurns();
    if (this.#outputBytes === 0) return;
    const bytes = Buffer.concat(this.#output, this.#outputBytes);
    this.#output = [];
    this.#outputBytes = 0;
    if (this.#isEnded) return; // a socket that is written to after its end drops what it has not sent yet
    if (!this.#socket.write(bytes)) this.#isBackedUp = true;
    else if (this.#ready.size > 0 && this.#sendWindow > 0) this.#schedule();
  }

  /** Lets each stream that has something to send have its turns, until a write is full or the window is at its end. */
  #sendTurns(): void {
    const send = (bytes: Uint8Array) => this.#send(bytes);
    let isStarved = false;
    while (!isStarved && this.#ready.size > 0) {
      isStarved = true;
      for (const stream of [...this.#ready]) {
        if (this.#outputBytes >= WRITE_BYTES_MAX) return;
        const sent = stream.sendTurn(send, this.#sendWindow);
        this.#sendWindow -= sent;
        if (sent > 0) isStarved = false;
        this.#ready.delete(stream);
        if (stream.hasContentToSend) this.#ready.add(stream); // behind those that have waited since
      }
    }
  }

  #onDrain(): void {
    this.#isBackedUp = false;
    this.#isHeard = true; // it reads, which is a sign of life while we do not
    this.#socket.resume();
    this.#flush();
  }

  #backlog(): number {
    return this.#outputBytes + this.#socket.writableLength;
  }

  /** Says why, and ends everything. */
  #endWith(code: number): void {
    this.#send(goaway(this.#lastStreamId, code));
    this.#flush();
    this.#socket.end();
    this.#onClose();
  }

  #endIfDrained(): void {
    if (this.#isClosed || !this.isDrained) return;
    this.#options.onDrained();
    nextTick(() => {
      this.#flush();
      this.#isEnded = true;
      this.#socket.end();
    });
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ready.clear();
    for (const stream of [...this.#streams.values()]) stream.close();
    this.#options.onDrained();
  }
}

/** Whether they ask for nothing, as what stands behind the content of a request. */
function areTrailers(headers: readonly Header[]): boolean {
  return !headers.some(([name]) => name.startsWith(":"));
}

function misplaced(): ConnectionFault {
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a frame is where it may not be");
}

function overflow(): ConnectionFault {
  return new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window is larger than it may be");
}

function checkLength({ payload }: Frame, bytes: number): void {
  if (payload.length === bytes) return;
  throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame has another length than its type");
}

function goaway(lastStreamId: number, code: number): Buffer {
  return frame(FrameType.GOAWAY, Flag.NONE, 0, words(lastStreamId, code));
}

function resetOf(streamId: number, code: number): Buffer {
  return frame(FrameType.RST_STREAM, Flag.NONE, streamId, words(code));
}

/** A frame of the whole connection. */
function frameOf(type: number, flags: number, ...values: readonly number[]): Buffer {
  return frame(type, flags, 0, words(...values));
}
