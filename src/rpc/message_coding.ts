/** The codings in which callers may send messages. Answers are never compressed. */
import type { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { DamselflyError, errorText } from "../core/error.ts";
import type { RawMessage } from "./message_reader.ts";

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;
/** What `grpc-encoding` may be. */
export const CODINGS: readonly string[] = ["identity", ...Object.keys(DECODERS)];

/**
 * The content of a message by the `grpc-encoding` of its call; at once, unless it is compressed. Fails with `internal`
 * when it cannot be read by that, or is longer than `bytesMax`.
 */
export function contentOf({ bytes, isCompressed }: RawMessage, coding: string, bytesMax: number) {
  return isCompressed ? decoded(bytes, coding, bytesMax) : bytes;
}

async function decoded(bytes: Buffer, coding: string, bytesMax: number): Promise<Buffer> {
  const decode = DECODERS[coding as keyof typeof DECODERS];
  if (decode === undefined) {
    throw new DamselflyError("internal", "Cannot read the request: it is compressed and does not say how");
  }
  try {
    return await decode(bytes, { maxOutputLength: bytesMax });
  } catch (cause) {
    const message = `Cannot read the request: it is not ${coding} of at most ${bytesMax} bytes: ${errorText(cause)}`;
    throw new DamselflyError("internal", message, { cause });
  }
}
