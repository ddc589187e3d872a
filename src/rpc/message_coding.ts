/** The codings in which callers may send messages. Answers are never compressed. */
import { Buffer } from "node:buffer";
import { createGunzip, createInflate } from "node:zlib";
import { DamselflyError, errorText } from "../core/error.ts";
import type { RawMessage } from "./message_reader.ts";

const DECODERS = { gzip: createGunzip, deflate: createInflate } as const;
/** What `grpc-encoding` may be. */
export const CODINGS: readonly string[] = ["identity", ...Object.keys(DECODERS)];

/**
 * The content of a message by the `grpc-encoding` of its call; at once, unless it is compressed. `onRoom` hears how much
 * more it takes, as it comes out, and may throw. Fails with what that throws, with `internal` when it cannot be read, and
 * with `resource_exhausted` when it is longer than `bytesMax`.
 */
export function contentOf(
  { bytes, isCompressed }: RawMessage,
  coding: string,
  bytesMax: number,
  onRoom: (bytes: number) => void,
): Buffer | Promise<Buffer> {
  return isCompressed ? decoded(bytes, coding, bytesMax, onRoom) : bytes;
}

async function decoded(
  bytes: Buffer,
  coding: string,
  bytesMax: number,
  onRoom: (bytes: number) => void,
): Promise<Buffer> {
  const decoderOf = DECODERS[coding as keyof typeof DECODERS];
  if (decoderOf === undefined) {
    throw new DamselflyError("internal", "Cannot read the request: it is compressed and does not say how");
  }
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of decoderOf().end(bytes)) {
      length += part.length;
      if (length > bytesMax) {
        const message = `Cannot take a message of more than ${bytesMax} bytes, which it is once it is unpacked`;
        throw new DamselflyError("resource_exhausted", message);
      }
      onRoom(part.length);
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof DamselflyError) throw cause;
    throw new DamselflyError("internal", `Cannot read the request: it is not ${coding}: ${errorText(cause)}`, {
      cause,
    });
  }
  return Buffer.concat(parts, length);
}
