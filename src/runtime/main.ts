import { DamselflyError, errorText, isCancelled } from "../core/error.ts";
import { realTerminal } from "./terminal.ts";

/** Exit codes that all programs share (node-side.md §5). */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A wish of the operating system or the operator that the process end; SIGHUP says that its terminal is gone. */
const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Signals this close together are one: Ctrl-C reaches a program from its terminal and from `deno task` as well. */
const SAME_WISH_MS = 1_000;

/** Tells the first wish to stop from the second, which is impatience. */
export class StopWish {
  readonly #clock: { now(): number };
  #firstAt: number | undefined;

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** What a signal that has just come asks for. */
  take(): "stop" | "wait" | "end at once" {
    const now = this.#clock.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      return "stop";
    }
    return now - this.#firstAt < SAME_WISH_MS ? "wait" : "end at once";
  }
}

/**
 * Runs a program and exits with the code that `run` returns. SIGINT and SIGTERM abort its signal; another one, a second
 * later or more, ends the process with 130 at once. A failure is printed on standard error and exits with 1; giving up
 * because of the signal is none, and exits with 130. SIGHUP is one of these signals unless `onHangup` takes it.
 */
export async function runProgram(
  name: string,
  run: (signal: AbortSignal) => Promise<number>,
  onHangup?: () => void,
): Promise<never> {
  const stop = new AbortController();
  const wish = new StopWish({ now: () => performance.now() });
  for (const signal of STOP_SIGNALS) {
    if (signal === "SIGHUP" && onHangup !== undefined) {
      Deno.addSignalListener(signal, onHangup);
      continue;
    }
    Deno.addSignalListener(signal, () => {
      const asked = wish.take();
      if (asked === "end at once") Deno.exit(EXIT.interrupted);
      if (asked === "stop") stop.abort(new DamselflyError("cancelled", `Stopped by ${signal}`));
    });
  }
  Deno.exit(await exitCodeOf(name, run, stop.signal));
}

async function exitCodeOf(
  name: string,
  run: (signal: AbortSignal) => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await run(signal);
  } catch (error) {
    if (signal.aborted && isCancelled(error)) return EXIT.interrupted;
    realTerminal().printError(`${name}: ${errorText(error)}\n`);
    return EXIT.failed;
  }
}

/**
 * Runs something long-lived until `signal` says stop, which is how it ends well: `start` opens it, stopping disposes
 * it. Throws when it cannot be opened or disposed.
 */
export async function untilStopped(
  start: () => Promise<AsyncDisposable>,
  signal: AbortSignal,
): Promise<void> {
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await using _opened = await start().catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  await stopped;
}
