import { type IncomingMessage, request as sendRequest } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorText } from "../../core/error.ts";
import { forwardedHeaders, returnedHeaders } from "../../http/forwarded_headers.ts";
import { headersOf } from "../../http/node_request.ts";
import type { Upgraded } from "../../http/upgrade.ts";
import type { Clock } from "../../runtime/clock.ts";
import { sourceFailure } from "../source/source_failure.ts";
import type { Hop } from "./dialer.ts";

/** Until the headers of the answer; what is asked for may take its server a while. */
const HEADERS_TIMEOUT_MS = 120_000;
/** What a server may answer with, besides the answers of 1xx that are no answers. */
const [STATUS_MIN, STATUS_MAX] = [200, 599];
const BODILESS = new Set([204, 205, 304]);

/** The answer to a request, or what its connection has become. */
interface Answered {
  readonly message: IncomingMessage;
  /** Where the server has taken up another protocol. */
  readonly upgraded?: Pick<Upgraded, "stream" | "early">;
}

/**
 * Passes a request on over a connection of its own, which may be used for it only: one that is kept may be gone when it
 * is used again, and a request with a body cannot be sent twice. Redirects are the requester's to follow. With
 * `protocol` the server is asked to go on in that. Throws `source_error`, or the signal's reason.
 */
export async function relay(request: Request, hop: Hop, clock: Clock, signal: AbortSignal): Promise<Response>;
export async function relay(
  request: Request,
  hop: Hop,
  clock: Clock,
  signal: AbortSignal,
  protocol: string,
): Promise<Response | Upgraded>;
export async function relay(
  request: Request,
  hop: Hop,
  clock: Clock,
  signal: AbortSignal,
  protocol?: string,
): Promise<Response | Upgraded> {
  using limit = clock.deadline(HEADERS_TIMEOUT_MS);
  const url = new URL(request.url);
  const end = () => void hop.stream.destroy();
  signal.addEventListener("abort", end, { once: true });
  limit.signal.addEventListener("abort", end, { once: true });
  try {
    const { message, upgraded } = await send(request, url, hop, protocol);
    if (upgraded === undefined) return responseOf(message, request.method, end);
    return { ...upgraded, headers: upgradeHeaders(headersOf(message)) };
  } catch (cause) {
    end();
    signal.throwIfAborted();
    const late = limit.signal.aborted ? `it did not answer within ${HEADERS_TIMEOUT_MS} ms` : undefined;
    throw sourceFailure(url, late ?? `it did not answer: ${errorText(cause)}`, { cause });
  }
}

function send(request: Request, url: URL, { stream, proxy }: Hop, protocol: string | undefined): Promise<Answered> {
  const kept = ["content-length", "accept-encoding", "range"].map((name) => [name, request.headers.get(name)] as const);
  return new Promise((resolve, reject) => {
    const outgoing = sendRequest({
      method: request.method,
      path: `${proxy === undefined ? "" : url.origin}${url.pathname}${url.search}`,
      headers: {
        ...forwardedHeaders(request.headers),
        ...Object.fromEntries(kept.flatMap(([name, value]) => value === null ? [] : [[name, value]])),
        host: url.host,
        ...(proxy?.authorization !== undefined && { "proxy-authorization": proxy.authorization }),
        ...(protocol === undefined ? { connection: "close" } : { connection: "upgrade", upgrade: protocol }),
      },
      createConnection: () => stream,
    });
    outgoing.once("response", (message) => resolve({ message }));
    outgoing.once("upgrade", (message, socket: Duplex, early: Uint8Array) => {
      resolve({ message, upgraded: { stream: socket, early } });
    });
    outgoing.on("error", reject);
    stream.once("close", () => reject(new Error("the connection broke")));
    if (request.body === null) outgoing.end();
    else pipeline(Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]), outgoing).catch(reject);
  });
}

/** Those of the answer that takes up another protocol; the two that say so are about this connection and the next. */
function upgradeHeaders(answered: Headers): Headers {
  const headers = returnedHeaders(answered);
  headers.set("connection", "upgrade");
  headers.set("upgrade", answered.get("upgrade") ?? "");
  return headers;
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
