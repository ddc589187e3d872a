import { createHash } from "node:crypto";
import { DamselflyError } from "../../core/error.ts";
import { ExpiringMap } from "../../core/expiring_map.ts";
import type { Clock } from "../../runtime/clock.ts";
import { rightsOf } from "./headers.ts";
import type { Source, SourceAnswer, SourceRequest } from "./source.ts";
import { sourceAnswerOf } from "./source_failure.ts";

/** After so many refusals, one after the other, nobody waits for the source any more: they are told at once. */
const TRIES_MAX = 3;
const PAUSE_MS_MIN = 200;
/** After {@link TRIES_MAX} refusals. */
const REST_MS = 5_000;
/** A source that wants to be left alone for longer is asked all the same. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Who comes during a pause waits for its end if it is this near. */
const WAIT_MS_MAX = 1_000;
/** So long after a pause its refusals count no more. */
const FORGOTTEN_MS = 60_000;
const CONTENTS_MAX = 1_024;
/** Of one requester; others may fare better. */
const OWN_REFUSALS = new Set([408, 429]);

/**
 * The same source, which is left alone for a while when it is in trouble (5xx) or has had too much (429): the pause for
 * a content is shared by all who want it on this host, and grows up to 5 s, or is what the source itself says. Who comes
 * meanwhile waits if it is short, and else gets the refusal again, without its body. So three requests reach the source
 * and then one per pause, however often a container runtime repeats its own.
 */
export function withSharedBackoff(source: Source, clock: Clock): Source {
  // Many a source that answers HEAD cannot give the content, so that the one says nothing of the other.
  const [stats, reads] = [new Pauses(clock), new Pauses(clock)];
  return {
    stat: (request, signal) => stats.around(request, signal, () => source.stat(request, signal)),
    begin: (request, signal) => reads.around(request, signal, () => source.begin(request, signal)),
    read: (request, range, content, signal) =>
      reads.around(request, signal, () => source.read(request, range, content, signal)),
  };
}

interface Pause {
  readonly failures: number;
  readonly untilMs: number;
  readonly message: string;
  readonly status: number;
  /** The source said itself for how long. */
  readonly isTold: boolean;
}

class Pauses {
  readonly #clock: Clock;
  /** By what was asked for, as a hash. */
  readonly #pauses: ExpiringMap<Pause>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#pauses = new ExpiringMap({ now: () => clock.now(), sizeMax: CONTENTS_MAX });
  }

  async around<T>(request: SourceRequest, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const rights = [...rightsOf(request.headers), request.objectStorage];
    const keys = { everybodys: keyOf(request, []), own: keyOf(request, rights) };
    for (const key of new Set(Object.values(keys))) await this.#pass(key, signal);
    try {
      const result = await ask();
      for (const key of Object.values(keys)) this.#pauses.delete(key);
      return result;
    } catch (error) {
      const answer = sourceAnswerOf(error);
      const status = answer?.status ?? 0;
      const isOwn = OWN_REFUSALS.has(status);
      if (answer === undefined || (status < 500 && !isOwn)) throw error;
      this.#note(isOwn ? keys.own : keys.everybodys, (error as DamselflyError).message, status, answer.headers);
      throw error;
    }
  }

  async #pass(key: string, signal: AbortSignal): Promise<void> {
    const pause = this.#pauses.get(key);
    const leftMs = (pause?.untilMs ?? 0) - this.#clock.now();
    if (pause === undefined || leftMs <= 0) return;
    if (leftMs <= WAIT_MS_MAX) return await this.#clock.sleep(leftMs, signal);
    const { message, status, isTold } = pause;
    const headers = isTold ? { "retry-after": String(Math.ceil(leftMs / 1_000)) } : {};
    throw new DamselflyError("source_error", `${message}; it is left alone for ${Math.ceil(leftMs)} ms`, {
      details: { status, headers, body: new Uint8Array(0) } satisfies SourceAnswer,
    });
  }

  #note(key: string, message: string, status: number, headers: SourceAnswer["headers"]): void {
    const now = this.#clock.now();
    const failures = (this.#pauses.get(key)?.failures ?? 0) + 1;
    const ownMs = failures < TRIES_MAX ? PAUSE_MS_MIN * 2 ** (failures - 1) : REST_MS;
    const toldMs = Math.min(RETRY_AFTER_MS_MAX, retryAfterMs(headers["retry-after"], this.#clock.wallMs()));
    const untilMs = now + Math.max(ownMs, toldMs);
    this.#pauses.set(key, { failures, untilMs, message, status, isTold: toldMs > 0 }, untilMs + FORGOTTEN_MS);
  }
}

/** URLs and credentials are secrets, and only compared. */
function keyOf({ url, objectStorage }: SourceRequest, rights: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify([url, objectStorage?.endpoint, rights])).digest("base64");
}

/** How long a source wants to be left alone: seconds, or until a date (RFC 9110 §10.2.3); 0 when it does not say. */
function retryAfterMs(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
