/**
 * Unary calls by frames that are prepared in advance. A whole gRPC client would cost the machine several times what the
 * server costs, and what is measured would be the client; of an answer only its length and its end are looked at.
 */
import { Buffer } from "node:buffer";
import { Flag, frame, FrameReader, FrameType, words } from "../../../src/rpc/http2/frame.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const WINDOW_BYTES = 2 ** 30;
const SET_WINDOW = Buffer.concat([Buffer.of(0, 4), words(WINDOW_BYTES)]);
/** Names that were sent once are named by numbers from here on: the last one first. */
const FIRST_NUMBER = 62;

interface Pending {
  bytes: number;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection for unary calls of one method. */
export class RawCaller implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #first: Buffer;
  readonly #later: Buffer;
  readonly #pending = new Map<number, Pending>();
  readonly #held = new Set<number>();
  #nextId = 1;
  #uncredited = 0;

  private constructor(conn: Deno.TcpConn, headers: readonly (readonly [string, string])[]) {
    this.#conn = conn;
    this.#headers = headers;
    this.#first = Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0x40), text(name), text(value)]));
    this.#later = Buffer.from(headers.map((_, index) => 0x80 | (FIRST_NUMBER + headers.length - 1 - index)));
  }

  /** Connects; calls will be of the method at `path`, with the headers that stock peers send. */
  static async open(hostname: string, port: number, path: string): Promise<RawCaller> {
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    const caller = new RawCaller(conn, [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", `${hostname}:${port}`],
      ["grpc-timeout", "10000000u"],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", "tonic/0.12.3"],
    ]);
    const window = frame(FrameType.WINDOW_UPDATE, Flag.NONE, 0, words(WINDOW_BYTES));
    await caller.#write(Buffer.concat([PREFACE, frame(FrameType.SETTINGS, Flag.NONE, 0, SET_WINDOW), window]));
    caller.#read().catch((error) => caller.#fail(error));
    return caller;
  }

  /** Makes a call with a message; the bytes of its answer. */
  call(message: Uint8Array): Promise<number> {
    const id = this.#nextId;
    this.#nextId += 2;
    const headers = frame(FrameType.HEADERS, Flag.END_HEADERS, id, id === 1 ? this.#first : this.#later);
    const content = Buffer.concat([Buffer.of(0), words(message.length), message]);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pending.set(id, { bytes: 0, resolve, reject });
    this.#write(Buffer.concat([headers, frame(FrameType.DATA, Flag.END_STREAM, id, content)])).catch(reject);
    return promise;
  }

  /** Opens a stream of the method at `path`, sends a message, and leaves it open. */
  async hold(path: string, message: Uint8Array): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 2;
    const headers = this.#headers
      .filter(([name]) => name !== "grpc-timeout")
      .flatMap(([name, value]) => [Buffer.of(0), text(name), text(name === ":path" ? path : value)]);
    const content = Buffer.concat([Buffer.of(0), words(message.length), message]);
    this.#held.add(id);
    await this.#write(Buffer.concat([
      frame(FrameType.HEADERS, Flag.END_HEADERS, id, Buffer.concat(headers)),
      frame(FrameType.DATA, Flag.NONE, id, content),
    ]));
  }

  /** Streams that the server has not ended. */
  get held(): number {
    return this.#held.size;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #read(): Promise<void> {
    const reader = new FrameReader();
    while (true) {
      const chunk = Buffer.allocUnsafeSlow(64 * 1024);
      const length = await this.#conn.read(chunk);
      if (length === null) throw new Error("The server ended the connection");
      for (const { type, flags, streamId, payload } of reader.push(chunk.subarray(0, length))) {
        const call = this.#pending.get(streamId);
        if (type === FrameType.DATA && call !== undefined) await this.#take(call, payload.length);
        if (type === FrameType.HEADERS && flags & Flag.END_STREAM) this.#end(streamId);
        if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) await this.#answer(FrameType.SETTINGS);
        if (type === FrameType.PING && (flags & Flag.ACK) === 0) await this.#answer(FrameType.PING, payload);
        if (type === FrameType.RST_STREAM) this.#held.delete(streamId);
        if (type === FrameType.RST_STREAM) call?.reject(new Error("The server reset the call"));
        if (type === FrameType.GOAWAY) throw new Error("The server wants no more calls");
      }
    }
  }

  async #take(call: Pending, bytes: number): Promise<void> {
    call.bytes += bytes;
    this.#uncredited += bytes;
    if (this.#uncredited < WINDOW_BYTES / 2) return;
    const credit = words(this.#uncredited);
    this.#uncredited = 0;
    await this.#write(frame(FrameType.WINDOW_UPDATE, Flag.NONE, 0, credit));
  }

  #answer(type: number, payload: Uint8Array = Buffer.alloc(0)): Promise<void> {
    return this.#write(frame(type, Flag.ACK, 0, payload));
  }

  #end(streamId: number): void {
    const call = this.#pending.get(streamId);
    this.#pending.delete(streamId);
    this.#held.delete(streamId);
    call?.resolve(call.bytes);
  }

  #fail(error: unknown): void {
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#conn.write(bytes.subarray(done));
  }
}

/** A text of a header, by its letters. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, "latin1")]);
}
