/**
 * A caller that leaves its half of a stream open, as stock peers do, and waits until that is reset. It speaks HTTP/2
 * frame by frame (RFC 9113): the libraries close a stream by themselves once the other half has ended.
 */
import { realNet } from "../../src/runtime/real_net.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES = 9;
const STREAM = 1;
const DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4;
const END_STREAM = 1, END_HEADERS = 4;

const encoder = new TextEncoder();

function frame(type: number, flags: number, stream: number, payload: readonly number[] | Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** A header field of HPACK, literal and without compression; names and values shorter than 127 bytes. */
function field(name: string, value: string): number[] {
  return [0, name.length, ...encoder.encode(name), value.length, ...encoder.encode(value)];
}

function request(path: string): number[] {
  return [
    ...[...field(":method", "POST"), ...field(":scheme", "http"), ...field(":path", path)],
    ...[...field(":authority", "scheduler"), ...field("content-type", "application/grpc"), ...field("te", "trailers")],
  ];
}

/** A message of gRPC, uncompressed. */
function grpcMessage(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, 5);
  return bytes;
}

/** What a frame of the stream says to the caller; nothing for frames that do not matter here. */
function meaningOf(type: number, flags: number, payload: Uint8Array): string | undefined {
  const end = (flags & END_STREAM) !== 0 ? ", end" : "";
  if (type === HEADERS) return `headers${end}`;
  if (type === DATA && payload.length > 0) return `message${end}`;
  if (type === RST_STREAM) return `reset ${new DataView(payload.buffer, payload.byteOffset).getUint32(0)}`;
  return undefined;
}

/**
 * Calls the method at `path` with `messages`, ends nothing, and tells what came on the stream until it was reset, like
 * `headers`, `message`, `headers, end`, `reset 0`. Fails with what came so far if `signal` aborts before the reset.
 */
export async function callHalfOpen(
  port: number,
  path: string,
  messages: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<string[]> {
  using connection = await realNet().connect({ hostname: "127.0.0.1", port }, signal);
  using stack = new DisposableStack();
  const close = () => connection.close();
  signal.addEventListener("abort", close);
  stack.defer(() => signal.removeEventListener("abort", close));
  const send = (bytes: Uint8Array) => connection.write(bytes);
  await send(encoder.encode(PREFACE));
  await send(frame(SETTINGS, 0, 0, []));
  await send(frame(HEADERS, END_HEADERS, STREAM, request(path)));
  for (const message of messages) await send(frame(DATA, 0, STREAM, grpcMessage(message)));
  const seen: string[] = [];
  const read = async (length: number) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await connection.read(bytes.subarray(at)).catch(() => null);
      if (count === null) throw new Error(`The connection has ended after: ${seen.join("; ")}`);
      at += count;
    }
    return bytes;
  };
  while (seen.at(-1)?.startsWith("reset") !== true) {
    const header = new DataView((await read(FRAME_HEADER_BYTES)).buffer);
    const payload = await read(header.getUint32(0) >>> 8);
    const meaning = header.getUint32(5) === STREAM
      ? meaningOf(header.getUint8(3), header.getUint8(4), payload)
      : undefined;
    if (meaning !== undefined) seen.push(meaning);
  }
  return seen;
}
