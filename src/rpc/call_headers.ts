/** The headers of gRPC (its "PROTOCOL-HTTP2" paper): what a call begins with, and how it ends. */
import { Buffer } from "node:buffer";
import { status } from "@grpc/grpc-js";
import type { CallStatus } from "./error_map.ts";
import { block, okBlock } from "./http2/header_encoder.ts";
import type { Header } from "./http2/header_table.ts";
import { CODINGS } from "./message_coding.ts";

const CONTENT_TYPE: Header = ["content-type", "application/grpc"];
/** What an answer begins with. */
export const ANSWER_HEADERS = okBlock([CONTENT_TYPE, ["grpc-accept-encoding", CODINGS.join(",")]]);
const OK_TRAILERS = block([["grpc-status", "0"]]);

/** What an answer ends with. */
export function trailersOf(end: CallStatus): Uint8Array {
  return end.code === status.OK ? OK_TRAILERS : block(statusHeaders(end));
}

/** An answer that is nothing but its end. */
export function trailersOnly(end: CallStatus): Uint8Array {
  return okBlock([CONTENT_TYPE, ["grpc-accept-encoding", CODINGS.join(",")], ...statusHeaders(end)]);
}

function statusHeaders({ code, details, trailers }: CallStatus): Header[] {
  const headers: Header[] = [["grpc-status", String(code)]];
  if (details !== "") headers.push(["grpc-message", percentEncoded(details)]);
  for (const [name, value] of Object.entries(trailers)) {
    headers.push([name, Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")]);
  }
  return headers;
}

/** A text in ASCII: all else, and the percent sign, as their bytes in UTF-8. */
export function percentEncoded(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/gu, (part) => {
    return [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds of a `grpc-timeout`; undefined when it is none. */
export function timeoutMs(text: string): number | undefined {
  const [, amount, unit] = TIMEOUT.exec(text) ?? [];
  return amount === undefined || unit === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 0);
}
