import { type ByteRange, contentRangeHeader, resolveRange } from "../../core/byte_range.ts";
import { BoundedMap } from "../../core/bounded_map.ts";
import type { Digest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { isLoopback } from "../../http/destination.ts";
import { rightsOf } from "../source/headers.ts";
import type { Source, SourceRequest, SourceStat } from "../source/source.ts";
import type { TaskHandle, TaskRequest, Tasks, Traffic } from "../task/task.ts";
import { AccessLeases, type AccessSubject } from "./access_leases.ts";
import { contentBody, isMadeGoodBySource } from "./content_body.ts";
import { pullLine } from "./pull_line.ts";
import { taskWishes } from "./task_wishes.ts";

/**
 * The head of an answer waits for the first byte, so that a failure before it is told as what it is; but not for longer
 * than this, all that comes before included, for container runtimes wait 30 s for it (node-side.md §2.4).
 */
const HEAD_TIMEOUT_MS = 25_000;

/** Of the URLs of all contents of which is remembered that a source has them: 30,000 of usual ones. */
const KNOWN_CHARACTERS_MAX = 4 * 1024 * 1024;

/** What the content endpoint needs. */
export interface ContentParts {
  readonly tasks: Tasks;
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLeaseTtlMs: number;
  /** Whether the rest of a content is fetched too when a range of it is asked for. */
  readonly prefetch: boolean;
  /** What this host has begun to keep of a task already; undefined when it has nothing. */
  readonly stored: (request: TaskRequest) => Pick<TaskHandle, "contentLength" | "responseHeaders"> | undefined;
  /** The address that this peer is announced with. */
  readonly serverIp: string;
}

/** A request for a content that becomes a task: a blob of a registry, or the file that a URL names. */
export interface ContentRequest {
  readonly request: Request;
  /** Where the content is, with the requester's own rights. */
  readonly source: SourceRequest;
  /** The task, with what the source says of the content where it was asked. */
  task(stat: SourceStat | undefined): TaskRequest;
  /** What the content must be; undefined when only its validators tell one version from another. */
  readonly digest: Digest | undefined;
  /** The headers of an answer, made of those that are kept with the content. */
  headers(stored: Readonly<Record<string, string>>): Headers;
  /** What the log calls it. */
  readonly name: Readonly<Record<string, string>>;
  /** Called when the content is complete, before the requester has all of it; what it throws cuts the answer short. */
  readonly deliver?: ((taskId: string) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

/** Serves contents: the requester's right first, then the bytes from wherever they are. */
export class ContentEndpoint {
  readonly #parts: ContentParts;
  readonly #leases: AccessLeases;
  /** URLs of what a source has been seen to have, by whoever was let at it. */
  readonly #known = new BoundedMap<true>(KNOWN_CHARACTERS_MAX, (url) => url.length);

  constructor(parts: ContentParts) {
    this.#parts = parts;
    this.#leases = new AccessLeases(parts.clock, parts.accessLeaseTtlMs);
  }

  /**
   * Answers GET and HEAD. Throws what {@link Tasks.open} and {@link Source.stat} throw, and what ends the task before
   * its first byte.
   */
  async serve(content: ContentRequest): Promise<Response> {
    const startedAt = this.#parts.clock.now();
    using limit = this.#parts.clock.deadline(HEAD_TIMEOUT_MS);
    const mayBeProved = this.#isProvedByTask(content);
    const stat = mayBeProved ? undefined : await this.#authorize(content);
    if (content.request.method === "HEAD") return this.#headAnswer(content, stat);
    const handle = await this.#open(content, stat);
    if (mayBeProved && handle !== undefined) await this.#seeGranted(content, handle);
    const answered = handle ?? stat ?? await this.#stat(content);
    return await this.#answer(content, answered, handle, { startedAt, headLimit: limit.signal });
  }

  /** Notes a right that was proved elsewhere: by an answer of the source that names the content. */
  grant(source: SourceRequest): void {
    this.#leases.grant(subjectOf(source));
  }

  /** The same for a content that somebody names who need not know: it counts if the source has been seen to have it. */
  grantKnown(source: SourceRequest): void {
    if (this.#known.get(source.url) === true) this.grant(source);
  }

  /** Asks the source with the requester's own credentials, unless it has let him at this content lately. */
  async #authorize(content: ContentRequest): Promise<SourceStat | undefined> {
    const subject = subjectOf(content.source);
    if (this.#leases.isLive(subject)) return undefined;
    const stat = await this.#stat(content);
    this.#proved(content);
    return stat;
  }

  /** Whether the source is not to be asked twice: first for the requester's right and then for the content. */
  #isProvedByTask(content: ContentRequest): boolean {
    return content.request.method === "GET" && !this.#leases.isLive(subjectOf(content.source)) &&
      this.#parts.tasks.asksSourceAtOnce(this.#taskOf(content, undefined));
  }

  /** The source gives the content to this requester; if it was asked for another one who was faster, it is asked again. */
  async #seeGranted(content: ContentRequest, handle: TaskHandle): Promise<void> {
    if (handle.isGranted === true) return this.#proved(content);
    try {
      await this.#authorize(content);
    } catch (error) {
      await handle[Symbol.asyncDispose]();
      throw error;
    }
  }

  #proved({ source, digest }: ContentRequest): void {
    this.#leases.grant(subjectOf(source));
    if (digest !== undefined && this.#known.get(source.url) === undefined) this.#known.add(source.url, true);
  }

  #stat({ source, signal }: ContentRequest): Promise<SourceStat> {
    return this.#parts.source.stat(source, signal);
  }

  async #headAnswer(content: ContentRequest, known: SourceStat | undefined): Promise<Response> {
    const stat = known ?? this.#parts.stored(content.task(undefined)) ?? await this.#stat(content);
    const headers = content.headers(stat.responseHeaders);
    headers.set("content-length", String(stat.contentLength));
    return new Response(null, { headers });
  }

  /** The task; undefined when we cannot have one, so that the bytes must come straight from the source. */
  async #open(content: ContentRequest, stat: SourceStat | undefined): Promise<TaskHandle | undefined> {
    const request = this.#taskOf(content, stat);
    try {
      const handle = await this.#parts.tasks.open(request, content.signal);
      if (stat === undefined || stat.contentLength === handle.contentLength) return handle;
      await handle[Symbol.asyncDispose]();
      throw otherLength(content, handle, stat);
    } catch (error) {
      const mayBypass = !request.disableBackToSource && content.deliver === undefined;
      if (content.signal.aborted || !mayBypass || !isMadeGoodBySource(error)) throw error;
      this.#warn("Content is passed on straight from the source", content, error);
      return undefined;
    }
  }

  /** The task that is opened for a request, with what becomes of what the requester does not read. */
  #taskOf({ request: { headers }, task, deliver }: ContentRequest, stat: SourceStat | undefined): TaskRequest {
    if (!headers.has("range")) return { ...task(stat), rest: "none" };
    if (deliver !== undefined) return task(stat);
    const isPrefetched = taskWishes(headers).prefetch ?? this.#parts.prefetch;
    return { ...task(stat), rest: isPrefetched ? "prefetched" : "left" };
  }

  async #answer(
    content: ContentRequest,
    { contentLength, responseHeaders }: Pick<TaskHandle, "contentLength" | "responseHeaders">,
    handle: TaskHandle | undefined,
    { startedAt, headLimit }: { readonly startedAt: number; readonly headLimit: AbortSignal },
  ): Promise<Response> {
    const headers = content.headers(responseHeaders);
    const asked = resolveRange(wantedRange(content.request.headers, headers), contentLength);
    headers.set(RESPONSE_HEADERS.serverIp, this.#parts.serverIp);
    if (handle !== undefined) {
      headers.set(RESPONSE_HEADERS.taskId, handle.taskId);
      if (handle.isLocalHit) headers.set(RESPONSE_HEADERS.downloadFinished, "true");
    }
    if (asked.kind === "unsatisfiable") {
      await handle?.[Symbol.asyncDispose]();
      return unsatisfiable(headers, contentLength);
    }
    const range = asked.kind === "part" ? asked.range : { start: 0, end: contentLength };
    headers.set("content-length", String(range.end - range.start));
    if (asked.kind === "part") headers.set("content-range", contentRangeHeader(range, contentLength));
    const { source, deliver, signal } = content;
    const version = content.digest === undefined ? responseHeaders : undefined;
    const body = await contentBody(range, {
      ...{ headLimit, signal },
      task: handle?.read(range),
      direct: content.task(undefined).disableBackToSource
        ? undefined
        : (rest) => this.#parts.source.read(source, rest, { contentLength, version }, signal),
      onDirect: (error) => this.#warn("Content goes on straight from the source", content, error),
      onEnd: async (error) => {
        const traffic = handle?.traffic();
        await handle?.[Symbol.asyncDispose]();
        if (error === undefined && !signal.aborted) this.#tell(content, range, { startedAt, traffic });
        if (error !== undefined && !signal.aborted) this.#warn("Content was cut short", content, error);
      },
      ...(handle !== undefined && deliver !== undefined && {
        beforeEnd: async () => {
          await handle.sealed;
          await deliver(handle.taskId);
        },
      }),
    });
    return new Response(body, { status: asked.kind === "part" ? 206 : 200, headers });
  }

  /** The one line about a pull that everybody wants to see. */
  #tell(
    { name }: ContentRequest,
    { start, end }: ByteRange,
    { startedAt, traffic }: { readonly startedAt: number; readonly traffic: Traffic | undefined },
  ): void {
    const durationMs = Math.round(this.#parts.clock.now() - startedAt);
    const bytes = end - start;
    this.#parts.log.info(pullLine({ name, bytes, durationMs, traffic }), { ...name, bytes, durationMs, ...traffic });
  }

  #warn(message: string, { name }: ContentRequest, error: unknown): void {
    this.#parts.log.warn(message, { ...name, reason: errorText(error) });
  }
}

/** Who asks for what. */
export function subjectOf({ url, headers, remoteIp }: SourceRequest): AccessSubject {
  return { rights: rightsOf(headers), url, isOfThisHost: remoteIp === undefined || isLoopback(remoteIp) };
}

/**
 * The range that is wanted: of several the first, as the stock proxy has it; none when it is only wanted of another
 * version of the content than this one (RFC 9110 §13.1.5).
 */
function wantedRange(asked: Headers, content: Headers): string | undefined {
  const condition = asked.get("if-range");
  const validator = content.get(condition?.endsWith('"') ? "etag" : "last-modified");
  // A weak validator does not tell versions apart byte by byte.
  if (condition !== null && (condition !== validator || condition.startsWith("W/"))) return undefined;
  return asked.get("range")?.split(",")[0];
}

/** 500 and not 416, for that is what clients of the stock proxy know; the length is told all the same. */
function unsatisfiable(headers: Headers, contentLength: number): Response {
  headers.set("content-range", `bytes */${contentLength}`);
  headers.set(RESPONSE_HEADERS.errorType, "dfdaemon");
  return new Response(null, { status: 500, headers });
}

/** Another requester's source says otherwise of the same content, and one of the two is wrong. */
function otherLength({ name }: ContentRequest, { contentLength }: TaskHandle, stat: SourceStat): DamselflyError {
  const text = `Cannot use the task of ${Object.values(name)[0]}: ` +
    `it has ${contentLength} bytes, the source says ${stat.contentLength}`;
  return new DamselflyError("failed_precondition", text);
}
