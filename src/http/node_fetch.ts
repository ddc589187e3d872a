import { type IncomingMessage, request as sendPlain } from "node:http";
import { request as sendTls } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { headersOf } from "./node_request.ts";
import type { Fetch } from "../runtime/runtime.ts";

/** Answers without a body, which `Response` insists on. */
const BODILESS = new Set([204, 205, 304]);

/**
 * Ports that `fetch` refuses because browsers must (Fetch §2.9), and that registries have all the same. Those below
 * 1024 stay refused: mail and the like are there.
 */
const REFUSED_PORTS = new Set(
  [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
);

/** Whether `fetch` refuses a URL for its port, though servers may be there. */
export function isRefusedByFetch({ port }: URL): boolean {
  return REFUSED_PORTS.has(Number(port));
}

/** A certificate and its key: PEM texts. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Whose certificates are good. */
export interface TlsTrust {
  /** PEM texts. */
  readonly authorities: readonly string[];
  /** Left out, they are checked. */
  readonly checksCertificates?: boolean;
  /** What the server is shown; left out, it learns nothing of who we are. */
  readonly identity?: TlsIdentity | undefined;
}

/** The same for TLS of Node, which trusts `authorities` and nobody else. */
export function nodeTlsOptions({ authorities, checksCertificates = true, identity }: TlsTrust) {
  return { ca: [...authorities], rejectUnauthorized: checksCertificates, ...identity };
}

/**
 * `fetch` without its list of ports, for requests without a body. Each takes a connection of its own, which knows no
 * proxy of the environment, and redirects are answers. It trusts `authorities` and nobody else: Mozilla's list is only
 * for programs that may ask for all of the system's state. With `addresses` it connects to one of those, whatever the
 * name of the host is elsewhere.
 */
export function createNodeFetch(trust: TlsTrust, addresses?: readonly string[]): Fetch {
  const tls = nodeTlsOptions(trust);
  return async (input, { method = "GET", headers, signal } = {}) => {
    const url = new URL(input);
    const options = {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      agent: false,
      signal: signal ?? undefined,
      ...(addresses !== undefined && { lookup: knownAs(addresses) }),
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = url.protocol === "https:" ? sendTls(url, { ...options, ...tls }) : sendPlain(url, options);
      outgoing.once("response", resolve).on("error", reject).end();
    });
    try {
      return responseOf(answer, method);
    } catch (error) {
      answer.destroy(); // nobody has it, and its server need not end the connection
      throw error;
    }
  };
}

/** The answer of a name server that is not asked. */
function knownAs(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (hostname, { all: wantsAll }, callback) => {
    const [first] = all;
    if (first === undefined) callback(new Error(`Cannot find an address of ${hostname}`), []);
    else if (wantsAll === true) callback(null, all);
    else callback(null, first.address, first.family);
  };
}

/** Throws for a status or headers that no `Response` can have. */
function responseOf(answer: IncomingMessage, method: string): Response {
  const { statusCode: status = 0 } = answer;
  const isBodiless = method === "HEAD" || BODILESS.has(status);
  const response = new Response(isBodiless ? null : bodyOf(answer), { status, headers: headersOf(answer) });
  if (isBodiless) answer.resume();
  return response;
}

function bodyOf(answer: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = answer[Symbol.asyncIterator]();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { done, value } = await chunks.next();
      // A copy, for the stream takes the buffer away from its owner.
      if (done !== true) return controller.enqueue(new Uint8Array(value));
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: () => void answer.destroy(),
  }, { highWaterMark: 0 });
}
