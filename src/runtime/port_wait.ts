import { DamselflyError } from "../core/error.ts";
import { type Endpoint, isEveryAddress } from "./net.ts";
import type { Runtime } from "./runtime.ts";

/**
 * How long a port may stay taken although nobody answers there. Linux keeps the connections of a program that has ended
 * for 60 s, and those of a stock dfdaemon, which listens without SO_REUSEADDR, keep its port.
 */
const PORT_WAIT_MS = 90_000;
const RETRY_INTERVAL_MS = 1_000;
/** How long somebody who listens may take to accept a connection; one who does not is there all the same. */
const ANSWER_TIMEOUT_MS = 1_000;
const LOOPBACK = ["127.0.0.1", "::1"];

/** What belongs to the start of a component besides its configuration. */
export interface StartOptions {
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

/** Opens what listens at an address, as soon as that is free. */
export type WhenFree = <T>(where: Endpoint, open: () => T | Promise<T>) => Promise<T>;

/**
 * How a component opens its listeners: an address that is taken (`already_exists`) and where nobody answers is tried
 * again for 90 s, which the log tells; where somebody answers, that is the failure at once. Rejects with the reason of
 * `signal` when the start is given up.
 */
export function whenFree(
  { clock, log, net, localIps }: Pick<Runtime, "clock" | "log" | "net" | "localIps">,
  signal: AbortSignal = new AbortController().signal,
): WhenFree {
  const isAnswered = async (to: Endpoint) => {
    using limit = clock.deadline(ANSWER_TIMEOUT_MS);
    try {
      using _conn = await net.connect(to, AbortSignal.any([signal, limit.signal]));
      return true;
    } catch (error) {
      signal.throwIfAborted();
      return !(error instanceof DamselflyError && error.code === "unavailable");
    }
  };
  const hasListener = async ({ hostname, port }: Endpoint) => {
    for (const one of isEveryAddress(hostname) ? new Set([...LOOPBACK, ...localIps()]) : [hostname]) {
      if (await isAnswered({ hostname: one, port })) return true;
    }
    return false;
  };
  return async (where, open) => {
    const startMs = clock.now();
    for (let tries = 1;; tries++) {
      try {
        const opened = await open();
        if (tries > 1) log.info("The port is free now", { ...where, waitedMs: Math.round(clock.now() - startMs) });
        return opened;
      } catch (error) {
        if (!isTaken(error) || await hasListener(where)) throw error;
        if (clock.now() >= startMs + PORT_WAIT_MS) throw stillTaken(where, error);
        if (tries === 1) {
          log.warn(
            "Nobody answers at this port, but it is taken, as by connections of a program that has ended; waiting",
            {
              ...where,
              waitMs: PORT_WAIT_MS,
            },
          );
        }
      }
      await clock.sleep(RETRY_INTERVAL_MS, signal);
    }
  };
}

function isTaken(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === "already_exists";
}

function stillTaken({ hostname, port }: Endpoint, cause: unknown): DamselflyError {
  const why = `the port was not free within ${PORT_WAIT_MS / 1_000} s although nobody answers there`;
  const what = `Cannot listen on ${hostname}:${port}: ${why}; find out who holds it, or configure another port`;
  return new DamselflyError("already_exists", what, { cause });
}
