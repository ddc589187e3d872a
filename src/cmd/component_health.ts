import { formatHostPort } from "../config/addresses.ts";
import { errorText } from "../core/error.ts";
import { checkHealth } from "../rpc/client.ts";
import { EXIT } from "../runtime/main.ts";
import { type Conn, type Endpoint, localIpOf } from "../runtime/net.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Terminal } from "../runtime/terminal.ts";

/** How long a component may take to say that it is well. */
const TIMEOUT_MS = 4_000;

/** Where a component says whether it serves: over HTTP, over gRPC, or in TLS by taking a connection. */
export interface HealthEndpoint {
  readonly kind: "http" | "grpc" | "tcp";
  readonly listen: Endpoint;
}

/** What asks for health. */
type HealthRuntime = Pick<Runtime, "clock" | "net">;

/**
 * Asks the component that runs on this host with the same configuration, and returns the exit code: a container has
 * no other program that could. In TLS a connection that is taken is enough, for its certificates are for others.
 */
export async function runHealth(
  { kind, listen: { hostname, port } }: HealthEndpoint,
  runtime: HealthRuntime,
  terminal: Pick<Terminal, "print" | "printError">,
  signal: AbortSignal,
): Promise<number> {
  const endpoint = { hostname: localIpOf(hostname), port };
  const address = formatHostPort(endpoint);
  using limit = runtime.clock.deadline(TIMEOUT_MS);
  try {
    const serves = await CHECKS[kind](endpoint, runtime, AbortSignal.any([signal, limit.signal]));
    if (serves) terminal.print(`${address} serves\n`);
    else terminal.printError(`${address} says that it does not serve\n`);
    return serves ? EXIT.done : EXIT.failed;
  } catch (error) {
    signal.throwIfAborted();
    terminal.printError(
      `${address} does not answer: ${errorText(limit.signal.aborted ? limit.signal.reason : error)}\n`,
    );
    return EXIT.failed;
  }
}

type Check = (endpoint: Endpoint, runtime: HealthRuntime, signal: AbortSignal) => Promise<boolean>;

const CHECKS: Readonly<Record<HealthEndpoint["kind"], Check>> = {
  http: asksHttp,
  grpc: (endpoint, { clock }, signal) => {
    return checkHealth(formatHostPort(endpoint), { clock, signal, timeoutMs: TIMEOUT_MS });
  },
  async tcp(endpoint, { net }, signal) {
    using _conn = await net.connect(endpoint, signal);
    return true;
  },
};

/** Not `fetch`, which would ask the proxy of the environment for an address of this host. */
async function asksHttp(endpoint: Endpoint, { net }: HealthRuntime, signal: AbortSignal): Promise<boolean> {
  using conn = await net.connect(endpoint, signal);
  const close = () => conn.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    const request = `GET /healthy HTTP/1.1\r\nHost: ${formatHostPort(endpoint)}\r\nConnection: close\r\n\r\n`;
    await conn.write(new TextEncoder().encode(request));
    return /^HTTP\/1\.[01] 200 /.test(await beginning(conn));
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** As much as a status code needs. */
async function beginning(conn: Conn): Promise<string> {
  const bytes = new Uint8Array("HTTP/1.1 200 ".length);
  let length = 0;
  while (length < bytes.length) {
    const read = await conn.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}
