/** Source, limits and disk of this host, listened to: the recorder learns what pulls wait for without asking them. */
import { errorText } from "../../core/error.ts";
import type { PullEventKind } from "../../core/pull_story.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import { wrappedDisk } from "../../runtime/wrapped_disk.ts";
import type { BandwidthLimit } from "../piece/bandwidth_limit.ts";
import type { Source, SourceQuestion, SourceRequest } from "../source/source.ts";
import { sourceAnswerOf } from "../source/source_failure.ts";
import type { DownloadLimits } from "../task/download.ts";
import type { PullNote } from "../task/pull_journal.ts";
import type { Recorder } from "./recorder.ts";

/** Of one requester; with 5xx they mean that it is too much for the source. */
const TOO_MANY_REQUESTS = 429;
/** The requester has to sign in, or as somebody else. */
const DENIED = new Set([401, 403]);
const TLS_FAILURE = /certificate|tls|ssl|handshake/i;
/** A write that takes less is no wait. */
const SLOW_WRITE_MS = 50;

/** `source`, whose answers are noted with how long they took. */
export function heardSource(
  source: Source,
  clock: Clock,
  recorder: Pick<Recorder, "atSource" | "atRepository">,
): Source {
  const around = async <T>({ url }: SourceRequest, signal: AbortSignal, ask: () => Promise<T>): Promise<T> => {
    const askedAt = clock.now();
    const subject = URL.canParse(url) ? new URL(url).host : "";
    try {
      const answer = await ask();
      recorder.atSource(url, "source_answer", { ms: clock.now() - askedAt, subject });
      return answer;
    } catch (error) {
      if (!signal.aborted) noteFailure(error, { url, ms: clock.now() - askedAt, subject });
      throw error;
    }
  };
  function noteFailure(error: unknown, { url, ...note }: PullNote & { readonly url: string }): void {
    const kind = failureKind(error);
    const told = { ...note, detail: failureText(error) };
    // A sign-in is good for all of a repository, and the first content of it is not always what is asked for with it.
    if (kind === "source_denied") recorder.atRepository(url, kind, told);
    else if (kind !== undefined) recorder.atSource(url, kind, told);
  }

  return {
    stat: (request, signal) => around(request, signal, () => source.stat(request, signal)),
    begin: (request, signal) => around(request, signal, () => source.begin(request, signal)),
    read: (request, range, content, signal) =>
      around(request, signal, () => source.read(request, range, content, signal)),
  };
}

/** Notes how a registry was asked for a tag: of the pull that follows from there. */
export function hearTag({ url, ms, status, error }: SourceQuestion, recorder: Pick<Recorder, "atRepository">): void {
  const kind = status === undefined ? failureKind(error) : status < 400 ? "source_answer" : refusalKind(status);
  const detail = status === undefined ? failureText(error) : status < 400 ? "" : `HTTP ${status}`;
  if (kind !== undefined) recorder.atRepository(url, kind, { ms, subject: new URL(url).host, detail });
}

function failureKind(error: unknown): PullEventKind | undefined {
  const { status } = sourceAnswerOf(error) ?? {};
  if (status !== undefined) return refusalKind(status);
  return TLS_FAILURE.test(errorText(error)) ? "source_tls" : "source_failure";
}

/** What a refusal is a sign of; undefined for an answer that is about what was asked for, such as 404. */
function refusalKind(status: number): PullEventKind | undefined {
  if (DENIED.has(status)) return "source_denied";
  return status === TOO_MANY_REQUESTS || status >= 500 ? "source_busy" : undefined;
}

function failureText(error: unknown): string {
  const { status } = sourceAnswerOf(error) ?? {};
  return status === undefined ? errorText(error) : `HTTP ${status}`;
}

/** `limits`, of which it is noted how long they held whom. */
export function heardLimits(
  { parents, source, prefetch }: DownloadLimits,
  recorder: Pick<Recorder, "held">,
): DownloadLimits {
  return {
    parents: heardLimit(parents, "download.bandwidthLimit", recorder),
    source: heardLimit(source, "download.backToSourceBandwidthLimit", recorder),
    prefetch, // nobody waits for that
  };
}

/** `key` of the configuration sets the limit. */
function heardLimit(limit: BandwidthLimit, key: string, recorder: Pick<Recorder, "held">): BandwidthLimit {
  return {
    take: (flow, wanted, signal) => limit.take(flow, wanted, signal),
    pass(flow, bytes, signal) {
      const passing = limit.pass(flow, bytes, signal);
      return typeof passing === "number" ? passing : noted(passing, flow);
    },
  };

  async function noted(passing: Promise<number>, flow: string): Promise<number> {
    const ms = await passing;
    recorder.held(flow, ms, key);
    return ms;
  }
}

/** `disk`, of which it is told how long writes took that took long; two at the same time count once. */
export function heardDisk(disk: Disk, clock: Clock, onSlow: (ms: number) => void): Disk {
  let countedUntil = -Infinity;
  return wrappedDisk(disk, {}, (file) => ({
    async write(bytes, position) {
      const beganAt = clock.now();
      try {
        await file.write(bytes, position);
      } finally {
        const now = clock.now();
        if (now - beganAt >= SLOW_WRITE_MS) {
          onSlow(now - Math.max(beganAt, countedUntil));
          countedUntil = now;
        }
      }
    },
  }));
}
