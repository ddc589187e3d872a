import { contentRangeHeader, resolveRange } from "../../core/byte_range.ts";
import type { Digest } from "../../core/digest.ts";
import { DamselflyError, errorText } from "../../core/error.ts";
import { taskIdOf } from "../../core/task_id.ts";
import { REQUEST_HEADERS, RESPONSE_HEADERS } from "../../http/dragonfly_headers.ts";
import { contentHeaders } from "../../http/forwarded_headers.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { rightsOf } from "../source/headers.ts";
import type { Source, SourceRequest, SourceStat } from "../source/source.ts";
import type { TaskHandle, TaskRequest, Tasks } from "../task/task.ts";
import { AccessLeases } from "./access_leases.ts";
import { blobBody, isMadeGoodBySource } from "./blob_body.ts";

/** What the blob endpoint needs. */
export interface BlobParts {
  readonly tasks: Tasks;
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLeaseTtlMs: number;
  readonly disableBackToSource: boolean;
  /** The address that this peer is announced with. */
  readonly serverIp: string;
}

/** A request for a blob, parsed. */
export interface BlobRequest {
  readonly request: Request;
  readonly registry: URL;
  readonly repository: string;
  readonly digest: Digest;
  readonly remoteIp: string;
  readonly signal: AbortSignal;
}

const PRIORITY_DEFAULT = 6;

/** Serves blobs: the requester's right first, then the bytes from wherever they are. */
export class BlobEndpoint {
  readonly #parts: BlobParts;
  readonly #leases: AccessLeases;

  constructor(parts: BlobParts) {
    this.#parts = parts;
    this.#leases = new AccessLeases(parts.clock, parts.accessLeaseTtlMs);
  }

  /** Answers GET and HEAD. Throws what {@link Tasks.open} and {@link Source.stat} throw. */
  async serve(blob: BlobRequest): Promise<Response> {
    const { request } = blob;
    const source = sourceRequestOf(blob);
    const stat = await this.#authorize(blob, source);
    if (request.method === "HEAD") return this.#headAnswer(blob, source, stat);
    const handle = await this.#open(blob, source, stat);
    if (handle === undefined) return this.#answer(blob, source, stat ?? await this.#stat(blob, source), undefined);
    return this.#answer(blob, source, handle, handle);
  }

  /** Asks the registry with the requester's own credentials, unless it has let him at this blob lately. */
  async #authorize(blob: BlobRequest, source: SourceRequest): Promise<SourceStat | undefined> {
    const subject = {
      rights: rightsOf(source.headers),
      registry: blob.registry.origin,
      repository: blob.repository,
      digest: blob.digest.text,
    };
    if (this.#leases.isLive(subject)) return undefined;
    const stat = await this.#stat(blob, source);
    this.#leases.grant(subject);
    return stat;
  }

  #stat(blob: BlobRequest, source: SourceRequest): Promise<SourceStat> {
    return this.#parts.source.stat(source, blob.signal);
  }

  async #headAnswer(blob: BlobRequest, source: SourceRequest, known: SourceStat | undefined): Promise<Response> {
    const stat = known ?? await this.#stat(blob, source);
    const headers = blobHeaders(blob, stat.responseHeaders);
    headers.set("content-length", String(stat.contentLength));
    return new Response(null, { headers });
  }

  /** The task; undefined when we cannot have one, so that the bytes must come straight from the source. */
  async #open(blob: BlobRequest, source: SourceRequest, stat: SourceStat | undefined): Promise<TaskHandle | undefined> {
    const { tasks, disableBackToSource, log } = this.#parts;
    try {
      const handle = await tasks.open(taskRequestOf(blob, source, stat, disableBackToSource), blob.signal);
      if (stat === undefined || stat.contentLength === handle.contentLength) return handle;
      await handle[Symbol.asyncDispose]();
      throw otherLength(blob, handle, stat);
    } catch (error) {
      if (blob.signal.aborted || disableBackToSource || !isMadeGoodBySource(error)) throw error;
      log.warn("Blob is passed on straight from the registry", { digest: blob.digest.text, reason: errorText(error) });
      return undefined;
    }
  }

  async #answer(
    blob: BlobRequest,
    source: SourceRequest,
    content: { readonly contentLength: number; readonly responseHeaders: Readonly<Record<string, string>> },
    handle: TaskHandle | undefined,
  ): Promise<Response> {
    const { contentLength } = content;
    const asked = resolveRange(blob.request.headers.get("range"), contentLength);
    const headers = blobHeaders(blob, content.responseHeaders);
    headers.set(RESPONSE_HEADERS.serverIp, this.#parts.serverIp);
    if (handle !== undefined) {
      headers.set(RESPONSE_HEADERS.taskId, handle.taskId);
      if (handle.isLocalHit) headers.set(RESPONSE_HEADERS.downloadFinished, "true");
    }
    if (asked.kind === "unsatisfiable") {
      await handle?.[Symbol.asyncDispose]();
      headers.set("content-range", `bytes */${contentLength}`);
      return new Response(null, { status: 416, headers });
    }
    const range = asked.kind === "part" ? asked.range : { start: 0, end: contentLength };
    headers.set("content-length", String(range.end - range.start));
    if (asked.kind === "part") headers.set("content-range", contentRangeHeader(range, contentLength));
    const { signal } = blob;
    const body = blobBody(range, {
      task: handle?.read(range),
      direct: (rest) => this.#parts.source.read(source, rest, { contentLength }, signal),
      onDirect: (error) => this.#warn("Blob goes on straight from the registry", blob, error),
      onEnd: async (error) => {
        await handle?.[Symbol.asyncDispose]();
        if (error !== undefined && !signal.aborted) this.#warn("Blob was cut short", blob, error);
      },
    });
    return new Response(body, { status: asked.kind === "part" ? 206 : 200, headers });
  }

  #warn(message: string, blob: BlobRequest, error: unknown): void {
    this.#parts.log.warn(message, { digest: blob.digest.text, repository: blob.repository, reason: errorText(error) });
  }
}

/** Another requester's registry says otherwise of the same digest, and one of the two is wrong. */
function otherLength({ digest }: BlobRequest, { contentLength }: TaskHandle, stat: SourceStat): DamselflyError {
  const text =
    `Cannot use the task of ${digest.text}: it has ${contentLength} bytes, the registry says ${stat.contentLength}`;
  return new DamselflyError("failed_precondition", text);
}

function sourceRequestOf({ request, registry, repository, digest }: BlobRequest): SourceRequest {
  return {
    url: `${registry.origin}/v2/${repository}/blobs/${digest.text}`,
    headers: contentHeaders(request.headers),
  };
}

function taskRequestOf(
  { request, digest, remoteIp }: BlobRequest,
  source: SourceRequest,
  stat: SourceStat | undefined,
  disableBackToSource: boolean,
): TaskRequest {
  const priority = Number(request.headers.get(REQUEST_HEADERS.priority) ?? PRIORITY_DEFAULT);
  return {
    taskId: taskIdOf({ url: source.url, byBlobDigest: true }),
    source,
    ...(stat === undefined ? {} : { stat }),
    digest,
    priority: Number.isInteger(priority) && priority >= 0 && priority <= 6 ? priority : PRIORITY_DEFAULT,
    filteredQueryParams: [],
    isBlobDigestTaskId: true,
    needBackToSource: false,
    disableBackToSource,
    remoteIp,
  };
}

function blobHeaders(blob: BlobRequest, stored: Readonly<Record<string, string>>): Headers {
  const headers = new Headers({ "content-type": "application/octet-stream", ...stored });
  headers.set("accept-ranges", "bytes");
  headers.set("docker-content-digest", blob.digest.text);
  return headers;
}
