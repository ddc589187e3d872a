import { isIP } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import type { Conn, Net } from "../runtime/net.ts";

import { DamselflyError, errorText } from "../core/error.ts";

/** Until one of the addresses has taken the connection. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** How long an address is waited for before the next one is tried besides (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;
/** Of a host; those after it are not tried. */
const ADDRESSES_TRIED_MAX = 4;

/** Where one server is. */
export interface Addresses {
  readonly addresses: readonly string[];
  readonly port: number;
}

/** The effects that {@link dialAny} needs. */
export interface DialParts {
  readonly net: Pick<Net, "connect">;
  readonly clock: Clock;
}

/**
 * A connection to the first of a server's addresses that takes it. They are tried one after the other, of both families
 * in turn, each without waiting for the one before it to fail (RFC 8305). Throws `unavailable`, after 10 s at
 * the latest, or the signal's reason.
 */
export async function dialAny(
  { addresses, port }: Addresses,
  { net, clock }: DialParts,
  signal: AbortSignal,
): Promise<Conn> {
  using limit = clock.deadline(CONNECT_TIMEOUT_MS);
  const decided = new AbortController();
  const stop = AbortSignal.any([signal, limit.signal, decided.signal]);
  let connected: Conn | undefined;
  let failure: unknown;
  const attempt = async (hostname: string, over: AbortController) => {
    try {
      const conn = await net.connect({ hostname, port }, stop);
      if (stop.aborted) return conn.close();
      connected = conn;
      decided.abort();
    } catch (error) {
      failure ??= error;
    } finally {
      over.abort();
    }
  };
  const attempts: Promise<void>[] = [];
  for (const address of inTurn(addresses).slice(0, ADDRESSES_TRIED_MAX)) {
    if (stop.aborted) break;
    const over = new AbortController();
    attempts.push(attempt(address, over));
    await clock.sleep(ATTEMPT_DELAY_MS, AbortSignal.any([stop, over.signal])).catch(() => {});
  }
  await Promise.all(attempts);
  if (connected !== undefined) return connected;
  signal.throwIfAborted();
  const why = failure === undefined ? "it has no address" : errorText(failure);
  throw new DamselflyError("unavailable", `Cannot connect to port ${port} of ${addresses.join(" or ")}: ${why}`, {
    cause: failure,
  });
}

/** Addresses in their order, but of both families in turn, so that one family that leads nowhere costs one attempt. */
function inTurn(addresses: readonly string[]): string[] {
  const family = isIP(addresses[0] ?? "");
  const [first, second] = [
    addresses.filter((ip) => isIP(ip) === family),
    addresses.filter((ip) => isIP(ip) !== family),
  ];
  return first.flatMap((ip, index) => [ip, ...second.slice(index, index + 1)]).concat(second.slice(first.length));
}
