import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Conn, Endpoint, Listener, Net } from "../runtime/net.ts";
import { beginRequest, type Incoming, type RequestParts } from "../runtime/requests.ts";
import type { TlsFiles } from "../runtime/tls_files.ts";
import { inRequest } from "../runtime/tracing.ts";
import { writeLastAnswer } from "./bare_answer.ts";
import { type Connection, Connections } from "./connections.ts";
import { type Interception, isInterception } from "./interception.ts";
import { sendAnswer } from "./node_answer.ts";
import { connectTarget, headersOf, parsedRequest } from "./node_request.ts";
import { SecuredStreams } from "./secured.ts";
import { tunnel } from "./tunnel.ts";
import { splice, type Upgraded } from "./upgrade.ts";

/** What belongs to a request besides its content. */
export interface RequestInfo {
  /** Who is asking: the address of the connection. */
  readonly remote: Endpoint;
  /** The request named a whole URL (absolute-form): whoever sent it takes us for a proxy. */
  readonly isProxied?: boolean;
  /** Aborts when the requester has left before the answer was complete, or the server gives up on it. */
  readonly signal: AbortSignal;
}

/** An HTTP service as a function, so that tests need no socket. */
export type HttpHandler = (request: Request, info: RequestInfo) => Promise<Response> | Response;

/** Answers a request that asks for another protocol: with the server that has taken it up, or as any request. */
export type UpgradeHandler = (request: Request, info: RequestInfo) => Promise<Upgraded | Response>;

/** What answers requests. */
export interface HttpService {
  readonly handler: HttpHandler;
  /** Of requests by URL; left out, and for all other requests, the wish for another protocol is passed over. */
  readonly onUpgrade?: UpgradeHandler;
}

/** A CONNECT request: to be connected with `target`. */
export interface ConnectRequest {
  readonly target: Endpoint;
  readonly headers: Headers;
}

/** Answers CONNECT: with the connection to pass bytes on to and from, with what answers in its place, or a refusal. */
export type ConnectHandler = (request: ConnectRequest, info: RequestInfo) => Promise<Conn | Interception | Response>;

/** A running HTTP server; disposing it stops accepting, drains for a limited time, then closes what is left. */
export interface HttpServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** How {@link startHttpServer} listens. */
export interface HttpServerOptions extends HttpService {
  /** Port 0 lets the system choose. */
  readonly listen: Endpoint;
  /** Left out, CONNECT is refused; in TLS it always is. */
  readonly onConnect?: ConnectHandler;
  /** Serves in TLS alone, with this certificate; it must outlive the server. */
  readonly tls?: TlsFiles | undefined;
  /** How long {@link HttpServer} lets running requests finish when it stops. */
  readonly drainTimeoutMs?: number;
  /** Connections at a time: one more takes the place of the one that is idle longest, or waits. */
  readonly connectionsMax?: number;
  /** Called with what a handler threw, while the requester gets a bare 500, and with what is wrong with listening. */
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly net: Net;
  /** Where requests are traced, and who gives them ids; without it they have none. */
  readonly requests?: RequestParts;
}

/** How long running requests may go on when a server stops. */
const DRAIN_TIMEOUT_MS = 5_000;
/** Connections at a time, unless somebody says more or fewer. */
const CONNECTIONS_MAX = 1_024;
const ESTABLISHED = "HTTP/1.1 200 Connection Established\r\n\r\n";
/** Of all headers of a request together; tokens of some registries have 10 KB. */
const HEAD_BYTES_MAX = 64 * 1024;

/**
 * Serves HTTP/1.1 on a TCP port. Without `tls` a TLS ClientHello is answered with an `HTTP/1.1 400`, which lets
 * containerd fall back to plain HTTP (node-side.md §2.3). Throws `already_exists` when the port is in use.
 *
 * Connections are ours, so that one limit and one clock hold for all of them and CONNECT gets the bare one; requests
 * are parsed by `node:http`, which is given each connection as a stream.
 */
export function startHttpServer(options: HttpServerOptions): HttpServer {
  const listener = options.net.listen(options.listen, options.onError);
  const front = new Front(options, listener);
  let stopped: Promise<void> | undefined;
  return {
    hostname: listener.hostname,
    port: listener.port,
    [Symbol.asyncDispose]: () => stopped ??= front.stop(options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS),
  };
}

class Front {
  readonly #options: HttpServerOptions;
  readonly #listener: Listener;
  readonly #secured: SecuredStreams | undefined;
  readonly #parser: Server;
  readonly #connections: Connections;
  readonly #accepting: Promise<void>;
  readonly #answers = new Set<Promise<void>>();
  #isStopping = false;

  constructor(options: HttpServerOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    const secured = this.#secured = options.tls === undefined ? undefined : new SecuredStreams(options.tls);
    const connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
    this.#connections = new Connections(options.clock, connectionsMax, (stream) => secured?.wrap(stream) ?? stream);
    // Time limits are those of Connections, which the parser's own would only hold for sockets of Node.
    this.#parser = createServer({
      ...{ maxHeaderSize: HEAD_BYTES_MAX, keepAliveTimeout: 0, requestTimeout: 0 },
      shouldUpgradeCallback: (message) => this.#mayUpgrade(message),
    });
    // A server of Node that does not listen closes each connection after its first answer.
    Object.defineProperty(this.#parser, "listening", { value: true });
    this.#parser.on("request", (message, to) => this.#track(this.#begin(message, to)));
    this.#parser.on("connect", (message, stream, head) => this.#track(this.#connect(message, stream, head)));
    this.#parser.on("upgrade", (message, stream, head) => this.#track(this.#upgrade(message, stream, head)));
    this.#parser.on("clientError", (error, stream) => this.#refuse(error, stream));
    this.#accepting = this.#accept();
  }

  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    this.#listener[Symbol.dispose]();
    this.#secured?.[Symbol.dispose]();
    this.#connections.closeIdle();
    using limit = this.#options.clock.deadline(limitMs);
    const late = new Promise<void>((resolve) => limit.signal.addEventListener("abort", () => resolve()));
    await Promise.race([Promise.all(this.#answers), late]);
    await this.#connections[Symbol.asyncDispose]();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        const connection = await this.#connections.open(conn);
        if (connection !== undefined) this.#parser.emit("connection", connection.socket);
      }
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #track(answer: Promise<void>): void {
    const tracked = answer.catch(this.#options.onError).finally(() => this.#answers.delete(tracked));
    this.#answers.add(tracked);
  }

  /** Answers a request, and ends its step with it. */
  async #begin(message: IncomingMessage, to: ServerResponse): Promise<void> {
    const { requests } = this.#options;
    if (requests === undefined) return await this.#serve(message, to);
    const scope = beginRequest(requests, incomingOf(message));
    try {
      await inRequest(scope, () => this.#serve(message, to));
    } finally {
      const { headersSent, statusCode } = to;
      scope.span?.set({ "http.status_code": headersSent ? statusCode : undefined }); // who has left got none
      scope.span?.end(statusCode < 500 ? undefined : new DamselflyError("internal", `The answer was ${statusCode}`));
    }
  }

  async #serve(message: IncomingMessage, to: ServerResponse): Promise<void> {
    const connection = this.#connections.of(message.socket);
    if (connection?.begin() !== true) return;
    const left = new AbortController();
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        to.off("close", end);
        connection.stream.off("close", end);
        if (!to.writableFinished) left.abort(new DamselflyError("cancelled", "The requester left"));
        connection.end();
        resolve();
      };
      to.once("close", end);
      connection.stream.once("close", end); // an answer that waits for the one before it does not learn of that
    });
    const response = await this.#answer(message, connection, left.signal);
    // What is left of an unread body would have to be read to find the next request behind it.
    if (this.#isStopping || !message.complete) to.shouldKeepAlive = false;
    connection.answer();
    await sendAnswer(response, to, left.signal);
    await ended;
  }

  async #answer(message: IncomingMessage, connection: Connection, signal: AbortSignal): Promise<Response> {
    return await this.#asked(message, connection, (request, info, { handler }) => handler(request, info), signal);
  }

  /** Hands a request to a service, that of the server or that of the tunnel which it came in. */
  async #asked<T>(
    message: IncomingMessage,
    connection: Connection,
    ask: (request: Request, info: RequestInfo, service: HttpService) => Promise<T> | T,
    signal: AbortSignal,
  ): Promise<T | Response> {
    if (this.#isStopping) return new Response(null, { status: 503 });
    const { interception, remote } = connection;
    const scheme = this.#secured === undefined ? "http" : "https";
    try {
      const { request, isProxied } = parsedRequest(message, interception ?? { scheme });
      const service = interception?.service ?? this.#options;
      return await this.#caught(() => ask(request, { remote, isProxied, signal }, service), connection, signal);
    } catch (error) {
      return refusal(error);
    }
  }

  #mayUpgrade(message: IncomingMessage): boolean {
    const { interception } = this.#connections.of(message.socket) ?? {};
    const service = interception?.service ?? this.#options;
    const isByUrl = interception !== undefined || !message.url?.startsWith("/");
    // HTTP/2 without TLS is a wish that nobody means who asks a proxy.
    return isByUrl && service.onUpgrade !== undefined && !/^h2c$/i.test(message.headers.upgrade ?? "");
  }

  async #upgrade(message: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    const connection = this.#connections.of(socket);
    if (connection?.begin() !== true) return;
    const left = leaving(connection);
    try {
      const answer = await this.#asked<Upgraded | Response>(
        message,
        connection,
        (request, info, { onUpgrade, handler }) => (onUpgrade ?? handler)(request, info),
        left.signal,
      );
      connection.answer();
      if (answer instanceof Response) return await writeLastAnswer(answer, socket);
      await splice(socket, head, answer);
    } finally {
      connection.stream.destroySoon();
      connection.end();
    }
  }

  async #connect(message: IncomingMessage, stream: Duplex, head: Uint8Array): Promise<void> {
    const connection = this.#connections.of(stream);
    const isInTls = this.#secured !== undefined || connection?.interception !== undefined;
    if (isInTls) return connection?.refuse("405 Method Not Allowed");
    if (connection?.begin() !== true) return;
    const left = leaving(connection);
    const answer = await this.#connected(message, connection, left.signal);
    if (answer instanceof Response) {
      await writeLastAnswer(answer, stream);
      return connection.stream.destroySoon();
    }
    if (isInterception(answer)) return this.#intercept(connection, answer, head);
    using client = connection.stream.detach(head);
    try {
      await client.write(new TextEncoder().encode(ESTABLISHED));
    } catch {
      return answer.close(); // the requester has left
    }
    await tunnel(client, answer, left.signal);
  }

  #intercept(connection: Connection, interception: Interception, head: Uint8Array): void {
    const { stream } = connection;
    if (stream.destroyed) return; // its end has been told, and would be told to nobody again
    stream.write(ESTABLISHED);
    if (head.length > 0) stream.unshift(head);
    const socket = this.#connections.intercept(connection, interception);
    connection.end();
    this.#parser.emit("connection", socket);
  }

  async #connected(
    message: IncomingMessage,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Conn | Interception | Response> {
    const { onConnect } = this.#options;
    if (this.#isStopping) return new Response(null, { status: 503 });
    if (onConnect === undefined) return new Response(null, { status: 405 });
    try {
      const request = { target: connectTarget(message), headers: headersOf(message) };
      return await this.#caught(() => onConnect(request, { remote: connection.remote, signal }), connection, signal);
    } catch (error) {
      return refusal(error);
    }
  }

  /** What a handler answers; what it throws is its owner's business, and the requester gets a bare 500. */
  async #caught<T>(ask: () => Promise<T> | T, connection: Connection, signal: AbortSignal): Promise<T | Response> {
    try {
      return await ask();
    } catch (error) {
      if (!signal.aborted && !connection.isRefused) this.#options.onError(error);
      return new Response(null, { status: 500 });
    }
  }

  #refuse(error: Error & { readonly code?: string }, stream: Duplex): void {
    const isTooLong = error.code === "HPE_HEADER_OVERFLOW";
    this.#connections.of(stream)?.refuse(isTooLong ? "431 Request Header Fields Too Large" : "400 Bad Request");
  }
}

/** A request as logs and traces know it. The rest of its URL may be a secret, but for the registry that it names. */
function incomingOf({ method = "", url = "", headers }: IncomingMessage): Incoming {
  const [target = "", query = ""] = url.split("?", 2);
  const place = target.replace(/^(\w+:\/\/)[^/]*@/, "$1");
  const registry = new URLSearchParams(query).get("ns");
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const attributes = {
    "http.method": method,
    "http.url": registry === null ? place : `${place}?ns=${registry}`,
    "http.host": headers.host,
  };
  return { name: `HTTP ${method}`, header, kind: "server", attributes };
}

/** The answer to a request that is none we understand. */
function refusal(error: unknown): Response {
  const status = error instanceof DamselflyError && error.code === "unimplemented" ? 501 : 400;
  return new Response(`${errorText(error)}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** Aborts when the requester leaves. */
function leaving({ stream }: Connection): AbortController {
  const left = new AbortController();
  stream.once("close", () => left.abort(new DamselflyError("cancelled", "The requester left")));
  return left;
}
