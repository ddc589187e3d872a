import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** The head of an answer as it is sent. */
export function headOf(status: number, headers: Headers): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines}\r\n`;
}

/** Writes the answer to a request that Node has handed over with its connection, which ends with the body. */
export async function writeLastAnswer(response: Response, to: Duplex): Promise<void> {
  const headers = new Headers(response.headers);
  headers.set("connection", "close");
  if (response.body === null) headers.set("content-length", "0");
  to.write(headOf(response.status, headers));
  const body = response.body === null ? [] : Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  await pipeline(body, to).catch(() => {}); // the requester has left, or whoever made the body said why it ends
}
