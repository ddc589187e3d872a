import type { scryptSync } from "node:crypto";
import type * as os from "node:os";
import { DamselflyError } from "../core/error.ts";
import type { Clock, Deadline } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { KEY_BYTES, type ScryptCost, scryptOptions } from "./scrypt.ts";

/**
 * How much lower its priority is than the event loop's, in steps of `nice`. Ten are a ninth of the weight: the loop has
 * the processor as soon as it wants it, and who signs in is slow on a busy one, but is never left without.
 */
const NICER_BY = 10;
const NICE_MAX = 19;
/** Until a key that is not there counts as lost; on one processor that is busy it takes about a second. */
const KEY_TIMEOUT_MS = 60_000;
/** The thread takes some 30 MiB, so it ends when so long nobody has signed in; a new one takes a tenth of a second. */
const IDLE_MS = 60_000;

/** What {@link HashingThread} works with. */
export interface HashingThreadOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What the thread runs; left out, what derives keys. */
  readonly program?: string;
}

/** What the thread is asked for. */
interface Question {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly options: ReturnType<typeof scryptOptions>;
}

/** What it answers: a key to each question; `niceError` comes before them, where the thread could not lower its priority. */
type Answer = { readonly niceError: string } | { readonly key: Uint8Array } | { readonly error: string };

/**
 * Derives keys from passwords on a thread of its own, one after the other, which only has what the event loop leaves of a
 * processor: peers and schedulers must not wait because people sign in. The thread starts with the first password.
 */
export class HashingThread implements Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #program: string;
  /** Who waits, in the order in which the thread answers. Callers come a few at a time. */
  #waiting: PromiseWithResolvers<Uint8Array>[] = [];
  #worker: Worker | undefined;
  #limit: Deadline | undefined;
  #hasWarned = false;

  constructor({ clock, log, program = PROGRAM }: HashingThreadOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#program = program;
  }

  /** A `Scrypt`. Fails with `unavailable` when the thread dies or does not answer, and with `cancelled` on disposal. */
  readonly scrypt = (password: string, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array> => {
    this.#worker ??= this.#start();
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.push(waiting);
    if (this.#waiting.length === 1) this.#setLimit(KEY_TIMEOUT_MS);
    this.#worker.postMessage({ password, salt, options: scryptOptions(cost) } satisfies Question);
    return waiting.promise;
  };

  [Symbol.dispose](): void {
    this.#end(new DamselflyError("cancelled", "Passwords are not checked any more: the manager stops"));
  }

  #start(): Worker {
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(this.#program)}`, {
      type: "module",
      name: "passwords",
    });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault(); // or it would end the process
      this.#end(new DamselflyError("unavailable", `Cannot check passwords: their thread failed: ${event.message}`));
    };
    return worker;
  }

  #take(answer: Answer): void {
    if ("niceError" in answer) return this.#warn(answer.niceError);
    const waiting = this.#waiting.shift();
    this.#setLimit(this.#waiting.length === 0 ? IDLE_MS : KEY_TIMEOUT_MS);
    if ("key" in answer) waiting?.resolve(answer.key);
    else waiting?.reject(new DamselflyError("internal", `Cannot derive a key from a password: ${answer.error}`));
  }

  #warn(niceError: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#log.warn("Passwords are hashed at the priority of all else: callers wait longer while people sign in", {
      error: niceError,
    });
  }

  /** The thread ends after `ms` without another key: it is not needed, or it hangs. */
  #setLimit(ms: number): void {
    this.#limit?.[Symbol.dispose]();
    this.#limit = this.#clock.deadline(ms);
    this.#limit.signal.addEventListener("abort", () => {
      this.#end(new DamselflyError("unavailable", `Cannot check passwords: no key after ${ms} ms, try again`));
    });
  }

  #end(reason: DamselflyError): void {
    this.#limit?.[Symbol.dispose]();
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

/** What the thread has of the platform. */
interface ThreadScope {
  onmessage: (event: MessageEvent<Question>) => void;
  postMessage(answer: Answer): void;
}

/** Runs in the thread, by its text: nothing from outside of it is there. */
function deriveKeys(
  scope: ThreadScope,
  platform: { scryptSync: typeof scryptSync; os: typeof os },
  { nicerBy, niceMax, keyBytes }: { nicerBy: number; niceMax: number; keyBytes: number },
): void {
  const { scryptSync, os } = platform;
  try {
    if (os.platform() !== "linux") throw new Error("only Linux has priorities of threads");
    os.setPriority(0, Math.min(os.getPriority(0) + nicerBy, niceMax)); // 0 is the thread that asks
  } catch (error) {
    scope.postMessage({ niceError: String(error) });
  }
  scope.onmessage = ({ data: { password, salt, options } }) => {
    try {
      scope.postMessage({ key: new Uint8Array(scryptSync(password, salt, keyBytes, options)) });
    } catch (error) {
      scope.postMessage({ error: String(error) });
    }
  };
}

/** It comes with this one's program, so that a bundle is one file and a binary needs no other. */
const PROGRAM = `
import { scryptSync } from "node:crypto";
import os from "node:os";
(${deriveKeys})(self, { scryptSync, os }, ${
  JSON.stringify({ nicerBy: NICER_BY, niceMax: NICE_MAX, keyBytes: KEY_BYTES })
});
`;
