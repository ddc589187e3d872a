import { createHash } from "node:crypto";
import { type ByteRange, resolveRange } from "../core/byte_range.ts";
import { DamselflyError } from "../core/error.ts";
import { taskIdOf } from "../core/task_id.ts";
import { contentHeaders } from "../http/forwarded_headers.ts";
import { Destinations } from "../http/destination.ts";
import { readSystemAuthorities } from "../http/system_authorities.ts";
import { locationOf } from "../peer/source/location.ts";
import { UPSTREAMS_KEY } from "../peer/source/exchange.ts";
import { createRegistryFetch } from "../peer/source/registry_fetch.ts";
import type { SourceBody, SourceEntry, SourceRequest, SourceStat } from "../peer/source/source.ts";
import { sourceAnswerOf } from "../peer/source/source_failure.ts";
import { type AnySource, createSource } from "../peer/source/sources.ts";
import type { DiskFile } from "../runtime/disk.ts";
import { NO_METRICS } from "../runtime/no_metrics.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { DfgetPlan } from "./dfget_plan.ts";
import type { WantedFile, Way } from "./dfget_way.ts";
import { checkDigest, PartialFile } from "./output_file.ts";
import type { FileProgress } from "./progress.ts";

/** A transfer is begun again where it stopped so often, as long as no new byte comes. */
const ATTEMPTS_MAX = 5;
/** As often a source that answers 5xx is asked in total. */
const REFUSED_ATTEMPTS_MAX = 3;
const PAUSE_MS_MIN = 200;
const PAUSE_MS_MAX = 5_000;
const BUFFER_BYTES = 1024 * 1024;
const MARK_CHARACTERS = 16;

/** What it needs of the world. */
export type SourceWayRuntime = Pick<Runtime, "clock" | "disk" | "random" | "net" | "fetch">;

/** What it works with. */
export interface SourceWayParts {
  readonly plan: DfgetPlan;
  readonly runtime: SourceWayRuntime;
  /** Tells the user something, in a sentence without a full stop. */
  readonly tell: (text: string) => void;
}

/** From the source itself, without dfdaemon: what came of a content that can be continued stays for the next run. */
export class SourceWay implements Way, Disposable {
  readonly #plan: DfgetPlan;
  readonly #runtime: SourceWayRuntime;
  readonly #source: AnySource;
  readonly #opened: Disposable;
  readonly #tell: (text: string) => void;

  private constructor(
    { plan, runtime, tell }: SourceWayParts,
    authorities: readonly string[],
  ) {
    this.#plan = plan;
    this.#runtime = runtime;
    this.#tell = tell;
    // What the command line names is where its user may go; redirects are looked at.
    const { origin } = locationOf({ url: plan.url, objectStorage: plan.access });
    const isConfigured = (asked: string) => asked === origin;
    const client = createRegistryFetch({ everywhere: authorities, byOrigin: new Map() }, { ...runtime, isConfigured });
    const destinations = new Destinations(runtime.net, { isConfigured, key: UPSTREAMS_KEY });
    const exchange = { ...runtime, fetch: client.fetch, metrics: NO_METRICS, destinations };
    this.#source = createSource({ ...exchange, role: "dfget" });
    this.#opened = client;
  }

  /** It trusts whom the system trusts, besides Mozilla's authorities. */
  static async open(parts: SourceWayParts): Promise<SourceWay> {
    return new SourceWay(parts, (await readSystemAuthorities(parts.runtime.disk)).certificates);
  }

  async fetch(file: WantedFile, progress: FileProgress, signal: AbortSignal): Promise<void> {
    const request = this.#request(file.url);
    let stat: SourceStat;
    try {
      stat = await this.#source.stat(request, signal);
    } catch (error) {
      if (sourceAnswerOf(error)?.hasNoLength !== true || this.#plan.range !== undefined) throw error;
      return await this.#fetchToEnd(file.output, request, progress, signal);
    }
    const wanted = { ...stat, request, range: wantedRange(this.#plan.range, stat.contentLength) };
    if (await this.#fetchPart(file, wanted, progress, signal)) return;
    // What an earlier run left may be what was wrong.
    progress.restart();
    await this.#fetchPart(file, wanted, progress, signal);
  }

  async list(url: string, signal: AbortSignal): Promise<readonly SourceEntry[]> {
    return await this.#source.list(this.#request(url), signal);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }

  #request(url: string): SourceRequest {
    const { header, access } = this.#plan;
    return { url, headers: contentHeaders(Object.entries(header)), objectStorage: access };
  }

  /** False when what an earlier run left is not of this content after all. */
  async #fetchPart(file: WantedFile, wanted: Wanted, progress: FileProgress, signal: AbortSignal): Promise<boolean> {
    const { disk } = this.#runtime;
    const mark = markOf(wanted, this.#plan);
    await using partial = new PartialFile(file.output, this.#runtime, mark);
    const open = await partial.open();
    const length = wanted.range.end - wanted.range.start;
    const { size } = await open.stat();
    // Without ranges it comes from its beginning in any case.
    const position = size <= length && wanted.acceptsRanges ? size : 0;
    progress.started(length);
    progress.came(position);
    const transfer = new Transfer(this.#source, wanted, open, position);
    try {
      await this.#untilThere(transfer, progress, signal);
    } catch (error) {
      if (position > 0 && isAboutVersion(error)) return false;
      if (transfer.position > 0 && !isAboutVersion(error) && await partial.leave()) {
        this.#tell(`what came is kept in ${partial.path}, and the same command goes on from there`);
      }
      throw error;
    }
    try {
      await checkDigest(partial.path, this.#plan.digest, disk);
    } catch (error) {
      if (position > 0) return false;
      throw error;
    }
    await partial.keep();
    return true;
  }

  /** Begins again where it stops, as long as that helps. */
  async #untilThere(transfer: Transfer, progress: FileProgress, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#runtime;
    for (let failures = 0; !transfer.isThere;) {
      const before = transfer.position;
      try {
        await transfer.run(progress, signal);
      } catch (error) {
        signal.throwIfAborted();
        const answer = sourceAnswerOf(error);
        failures = transfer.position > before ? 1 : failures + 1;
        const attemptsMax = answer?.status === undefined ? ATTEMPTS_MAX : REFUSED_ATTEMPTS_MAX;
        const isFinal = answer === undefined || isAboutVersion(error) || (answer.status ?? 500) < 500;
        if (isFinal || failures >= attemptsMax) throw error;
        const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (failures - 1));
        await clock.sleep(Math.round(pauseMs * (0.5 + random.float() / 2)), signal);
      }
    }
  }

  /** A content whose length nobody knows: what breaks off cannot be continued. */
  async #fetchToEnd(output: string, request: SourceRequest, progress: FileProgress, signal: AbortSignal) {
    await using partial = new PartialFile(output, this.#runtime);
    const file = await partial.open();
    await using body = await this.#source.readToEnd(request, signal);
    await copy(body, file, 0, (bytes) => progress.came(bytes));
    await checkDigest(partial.path, this.#plan.digest, this.#runtime.disk);
    await partial.keep();
  }
}

interface Wanted extends SourceStat {
  readonly request: SourceRequest;
  readonly range: ByteRange;
}

/** A part of a content that comes into a file. */
class Transfer {
  readonly #source: AnySource;
  readonly #wanted: Wanted;
  readonly #file: DiskFile;
  /** In the file. */
  position: number;
  /** Some servers name other validators in the answer to HEAD: those only count for what is there already. */
  #version: Wanted["responseHeaders"] | undefined;

  constructor(source: AnySource, wanted: Wanted, file: DiskFile, position: number) {
    this.#source = source;
    this.#wanted = wanted;
    this.#file = file;
    this.position = position;
    if (position > 0) this.#version = wanted.responseHeaders;
  }

  get isThere(): boolean {
    const { start, end } = this.#wanted.range;
    return this.position === end - start;
  }

  async run(progress: FileProgress, signal: AbortSignal): Promise<void> {
    const { request, range: { start, end }, contentLength, acceptsRanges } = this.#wanted;
    if (!acceptsRanges) this.position = 0;
    const range = { start: start + this.position, end };
    const content = { contentLength, version: this.#version };
    await using body = await this.#source.read(request, range, content, signal);
    this.#version ??= body.version;
    await copy(body, this.#file, this.position, (bytes) => {
      this.position += bytes;
      progress.came(bytes);
    });
  }
}

async function copy(body: SourceBody, file: DiskFile, start: number, came: (bytes: number) => void): Promise<void> {
  let buffer = new Uint8Array(BUFFER_BYTES);
  for (let position = start;;) {
    const step = await body.read(buffer);
    if (step === null) return;
    await file.write(step.bytes, position);
    position += step.bytes.length;
    came(step.bytes.length);
    buffer = new Uint8Array(step.bytes.buffer);
  }
}

/** What tells a content from others, so that another run can go on with it; undefined when nothing does. */
function markOf({ request, responseHeaders, contentLength, range }: Wanted, plan: DfgetPlan): string | undefined {
  const { etag, "last-modified": modified } = responseHeaders;
  const versions = [plan.digest, etag, modified];
  if (versions.every((text) => text === undefined)) return undefined;
  const id = taskIdOf({ url: request.url, filteredQueryParams: plan.filteredQueryParam });
  const { origin } = locationOf(request);
  const text = JSON.stringify([id, origin, versions, contentLength, range]);
  return createHash("sha256").update(text).digest("hex").slice(0, MARK_CHARACTERS);
}

function isAboutVersion(error: unknown): boolean {
  return sourceAnswerOf(error)?.isOtherVersion === true;
}

/** Throws `failed_precondition` for a range that the content does not have. */
function wantedRange(header: string | undefined, contentLength: number): ByteRange {
  const asked = resolveRange(header, contentLength);
  if (asked.kind === "part") return asked.range;
  if (asked.kind === "whole") return { start: 0, end: contentLength };
  const text = `Cannot download ${header}: the content has ${contentLength} bytes`;
  throw new DamselflyError("failed_precondition", text);
}
