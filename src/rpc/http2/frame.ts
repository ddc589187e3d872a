/** Frames of HTTP/2 (RFC 9113 §4 and §6) as bytes. */
import { Buffer } from "node:buffer";

/** What stands before the payload of each frame. */
export const FRAME_HEADER_BYTES = 9;
/** The longest payload that is taken: what RFC 9113 §4.2 gives to those who name no other. */
export const FRAME_BYTES_MAX = 16_384;

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { NONE: 0, END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** The codes of RFC 9113 §7 that are sent or told apart here. */
export const ErrorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** A fault of the other side after which the whole connection ends (RFC 9113 §5.4.1). */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** One frame; its payload is a view of what was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Puts frames together from bytes as they arrive, in pieces of any length. */
export class FrameReader {
  #parts: Buffer[] = [];
  #have = 0;
  /** How many bytes there must be before the next frame is whole, as far as is known. */
  #need = FRAME_HEADER_BYTES;

  /** The frames that are whole now. Throws a {@link ConnectionFault} at one that is too long. */
  *push(chunk: Buffer): Generator<Frame, void, undefined> {
    this.#parts.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    let at = 0;
    this.#need = FRAME_HEADER_BYTES;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      if (length > FRAME_BYTES_MAX) throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a frame is too long");
      const end = at + FRAME_HEADER_BYTES + length;
      if (end > bytes.length) {
        this.#need = FRAME_HEADER_BYTES + length;
        break;
      }
      yield {
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: bytes.subarray(at + FRAME_HEADER_BYTES, end),
      };
      at = end;
    }
    this.#parts = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#have = bytes.length - at;
  }
}

/** The nine bytes before a payload of `length` bytes. */
export function frameHeader(type: number, flags: number, streamId: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  return bytes;
}

/** A whole frame with a short payload. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(type, flags, streamId, payload.length), payload]);
}

/** The payload of frames that hold 32-bit numbers: WINDOW_UPDATE, RST_STREAM, GOAWAY. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** The payload of DATA or HEADERS without its padding (RFC 9113 §6.1). Throws when the padding is longer than it. */
export function withoutPadding({ flags, payload }: Frame): Buffer {
  if ((flags & Flag.PADDED) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) {
    throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a frame has more padding than bytes");
  }
  return payload.subarray(1, payload.length - padding);
}
