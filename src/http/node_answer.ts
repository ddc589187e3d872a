import type { ServerResponse } from "node:http";

/** Answers that have neither a body nor a length. */
const BODILESS = new Set([204, 304]);

/**
 * Writes an answer: its body only as fast as the requester takes it. Resolves when all is handed over, or the requester
 * has left. A body that fails, or ends before its stated length, ends the connection in place of the rest.
 */
export async function sendAnswer(response: Response, to: ServerResponse, left: AbortSignal): Promise<void> {
  const headers = pairsOf(response.headers);
  const isHead = to.req.method === "HEAD";
  if (response.body === null || isHead || BODILESS.has(response.status)) {
    await response.body?.cancel();
    const needsLength = !isHead && !BODILESS.has(response.status) && !response.headers.has("content-length");
    to.writeHead(response.status, needsLength ? [...headers, "content-length", "0"] : headers);
    to.end();
    return;
  }
  const length = response.headers.get("content-length");
  const reader = readerOf(response.body);
  const leave = () => void reader.cancel(left.reason).catch(() => {});
  if (left.aborted) return leave();
  left.addEventListener("abort", leave, { once: true });
  try {
    to.writeHead(response.status, headers);
    to.flushHeaders(); // the first byte of a blob may take a while, and runtimes wait for the head only so long
    const sent = await passOn(reader, to);
    if (left.aborted) return;
    if (length !== null && sent !== Number(length)) return cut(to);
    to.end();
  } catch {
    cut(to); // whoever made the body knows why, and said so
  } finally {
    left.removeEventListener("abort", leave);
  }
}

/** What is passed on of a body that can be read into a buffer of ours, at a time. */
const BUFFER_BYTES = 256 * 1024;

type BodyReader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;

/** A reader with a buffer of its own where the body allows it: to make one for each block costs as much as to fill it. */
function readerOf(body: ReadableStream<Uint8Array>): BodyReader {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return body.getReader();
  }
}

/** The count of bytes passed on. */
async function passOn(reader: BodyReader, to: ServerResponse): Promise<number> {
  let sent = 0;
  if (reader instanceof ReadableStreamDefaultReader) {
    for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) {
      sent += value.length;
      if (!to.write(value)) await writable(to);
    }
    return sent;
  }
  let buffer = new Uint8Array(BUFFER_BYTES);
  while (true) {
    const step: ReadableStreamReadResult<Uint8Array<ArrayBuffer>> = await reader.read(buffer);
    if (step.done) return sent;
    sent += step.value.length;
    await written(step.value, to);
    buffer = new Uint8Array(step.value.buffer);
  }
}

/** Resolves when nobody needs the bytes any more, or nobody will have them. */
function written(bytes: Uint8Array, to: ServerResponse): Promise<void> {
  if (to.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      to.off("close", done);
      resolve();
    };
    to.once("close", done);
    to.write(bytes, done);
  });
}

/** Resolves when more can be written, or never will be. */
function writable(to: ServerResponse): Promise<void> {
  if (to.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      to.off("drain", done);
      to.off("close", done);
      resolve();
    };
    to.once("drain", done);
    to.once("close", done);
  });
}

/** Ends the connection after what was written, by FIN and not by reset: containerd resumes after the one only. */
function cut({ socket }: ServerResponse): void {
  socket?.end(() => socket.destroy());
}

/** Names and values in turn, as Node takes them; each cookie is a header of its own. */
function pairsOf(headers: Headers): string[] {
  return [...headers].flat();
}
