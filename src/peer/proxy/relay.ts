import { type IncomingMessage, request as sendRequest } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorText } from "../../core/error.ts";
import { ConnStream } from "../../http/conn_stream.ts";
import { forwardedHeaders, returnedHeaders } from "../../http/forwarded_headers.ts";
import { headersOf } from "../../http/node_request.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Conn } from "../../runtime/net.ts";
import { sourceFailure } from "../source/source_failure.ts";

/** Until the headers of the answer; what is asked for may take its server a while. */
const HEADERS_TIMEOUT_MS = 120_000;
/** What a server may answer with, besides the answers of 1xx that are no answers. */
const [STATUS_MIN, STATUS_MAX] = [200, 599];
const BODILESS = new Set([204, 205, 304]);

/**
 * Passes a plain HTTP request on over a connection of its own, which may be used for it only: one that is kept may be
 * gone when it is used again, and a request with a body cannot be sent twice. Redirects are the requester's to follow.
 * Throws `source_error`, or the signal's reason.
 */
export async function relay(request: Request, conn: Conn, clock: Clock, signal: AbortSignal): Promise<Response> {
  using limit = clock.deadline(HEADERS_TIMEOUT_MS);
  const url = new URL(request.url);
  const stream = new ConnStream(conn, () => clock.now());
  const end = () => void stream.destroy();
  signal.addEventListener("abort", end, { once: true });
  limit.signal.addEventListener("abort", end, { once: true });
  try {
    return responseOf(await send(request, url, stream), request.method, end);
  } catch (cause) {
    end();
    signal.throwIfAborted();
    const late = limit.signal.aborted ? `it did not answer within ${HEADERS_TIMEOUT_MS} ms` : undefined;
    throw sourceFailure(url, late ?? `it did not answer: ${errorText(cause)}`, { cause });
  }
}

function send(request: Request, url: URL, stream: ConnStream): Promise<IncomingMessage> {
  const length = request.headers.get("content-length");
  const encoding = request.headers.get("accept-encoding");
  const range = request.headers.get("range");
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: {
        ...forwardedHeaders(request.headers),
        host: url.host,
        ...(length !== null && { "content-length": length }),
        ...(encoding !== null && { "accept-encoding": encoding }),
        ...(range !== null && { range }),
        connection: "close",
      },
      createConnection: () => stream,
    });
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    stream.once("close", () => reject(new Error("the connection broke")));
    if (request.body === null) outgoing.end();
    else pipeline(Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]), outgoing).catch(reject);
  });
}

function responseOf(answer: IncomingMessage, method: string, end: () => void): Response {
  const status = answer.statusCode ?? 0;
  if (status < STATUS_MIN || status > STATUS_MAX) throw new Error(`it answered with status ${status}`);
  const headers = returnedHeaders(headersOf(answer));
  if (method === "HEAD" || BODILESS.has(status)) {
    end();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>, { status, headers });
}
