/** The settings of a connection (RFC 9113 §6.5): those that are obeyed, and those that are sent. */
import { Buffer } from "node:buffer";
import { ConnectionFault, ErrorCode, Flag, frame, FRAME_BYTES_MAX, FrameType } from "./frame.ts";

/** What may be sent on a stream, and on a connection, before the other side has said anything. */
export const WINDOW_BYTES_DEFAULT = 65_535;
const WINDOW_BYTES_MAX = 2 ** 31 - 1;
const FRAME_BYTES_LIMIT = 2 ** 24 - 1;
const SETTING_BYTES = 6;

const Setting = {
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/**
 * What the other side wants. The table of headers and the longest frame need no obedience: we send no header that has
 * to be remembered, and no frame that is longer than everybody takes. Throws a {@link ConnectionFault} when a value is
 * not allowed.
 */
export function readSettings(payload: Buffer): { readonly windowBytes: number | undefined } {
  if (payload.length % SETTING_BYTES !== 0) throw bad(ErrorCode.FRAME_SIZE_ERROR);
  let windowBytes: number | undefined;
  for (let at = 0; at < payload.length; at += SETTING_BYTES) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case Setting.ENABLE_PUSH:
        if (value > 1) throw bad(ErrorCode.PROTOCOL_ERROR);
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > WINDOW_BYTES_MAX) throw bad(ErrorCode.FLOW_CONTROL_ERROR);
        windowBytes = value;
        break;
      case Setting.MAX_FRAME_SIZE:
        if (value < FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT) throw bad(ErrorCode.PROTOCOL_ERROR);
        break;
    }
  }
  return { windowBytes };
}

/** The frame that says what this side wants. */
export function settingsFrame(
  { streamsMax, headerListBytesMax }: { readonly streamsMax: number; readonly headerListBytesMax: number },
): Buffer {
  const settings = [[Setting.MAX_CONCURRENT_STREAMS, streamsMax], [Setting.MAX_HEADER_LIST_SIZE, headerListBytesMax]];
  const payload = Buffer.alloc(settings.length * SETTING_BYTES);
  for (const [index, [id = 0, value = 0]] of settings.entries()) {
    payload.writeUInt16BE(id, index * SETTING_BYTES);
    payload.writeUInt32BE(value, index * SETTING_BYTES + 2);
  }
  return frame(FrameType.SETTINGS, Flag.NONE, 0, payload);
}

function bad(code: number): ConnectionFault {
  return new ConnectionFault(code, "a setting has a value that it may not have");
}
