import { DamselflyError, errorText } from "../core/error.ts";

/** Exit codes that every command shares: 0 done, 1 failed, 2 wrong use. */
export const EXIT_FAILED = 1;

/** A wish of the operating system or the operator that the process end. */
const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/**
 * Runs a long-lived component until it is told to stop: `start` opens it, a stop signal disposes it. A second signal
 * ends the process at once. A failure is printed on standard error, and the process exits with 1.
 */
export async function runUntilStopped(
  name: string,
  start: (signal: AbortSignal) => Promise<AsyncDisposable>,
): Promise<never> {
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener("abort", () => resolve(), { once: true })
  );
  for (const signal of STOP_SIGNALS) {
    Deno.addSignalListener(signal, () => {
      if (stop.signal.aborted) Deno.exit(EXIT_FAILED);
      stop.abort(new DamselflyError("cancelled", `Stopped by ${signal}`));
    });
  }
  try {
    await using _component = await start(stop.signal);
    await stopped;
  } catch (error) {
    if (!stop.signal.aborted) fail(name, error);
  }
  Deno.exit(0);
}

/** Prints why a command failed, and exits with 1. */
export function fail(name: string, error: unknown): never {
  console.error(`${name}: ${errorText(error)}`);
  Deno.exit(EXIT_FAILED);
}
