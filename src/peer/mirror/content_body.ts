import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import { invariant } from "../../core/invariant.ts";
import { orAbort } from "../../runtime/or_abort.ts";
import type { SourceBody } from "../source/source.ts";

/** Bytes that are read at a time, unless the reader of the body brings buffers of his own. */
const BUFFER_BYTES = 256 * 1024;

/** Failures of our own that the source can make good; a wrong digest or a failed source cannot be. */
const MADE_GOOD: ReadonlySet<ErrorCode> = new Set([
  ...["internal", "no_space", "failed_precondition", "resource_exhausted", "unavailable", "timeout"] as const,
]);

/** Whether the rest of a content may be fetched straight from the source after this failure (promise P1). */
export function isMadeGoodBySource(error: unknown): boolean {
  return !(error instanceof DamselflyError) || MADE_GOOD.has(error.code);
}

/** What {@link contentBody} reads from. */
export interface ContentBodyParts {
  /** The bytes as the task gives them; undefined when there is no task. */
  readonly task: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Opens a direct transfer of the rest; undefined where only the task may give it. */
  readonly direct: ((rest: ByteRange) => Promise<SourceBody>) | undefined;
  /** Called when the body goes on without the task, with the reason. */
  readonly onDirect: (error: unknown) => void;
  /** Called once, before the last bytes are given: what it throws cuts the body short. */
  readonly beforeEnd?: () => Promise<void>;
  /** Called once, when the body is complete, failed after its first byte, or no longer wanted. */
  readonly onEnd: (error?: unknown) => Promise<void>;
  /** Aborts when the head of the answer must go out, with a first byte or without one. */
  readonly headLimit: AbortSignal;
  /** The requester's. */
  readonly signal: AbortSignal;
}

/**
 * The body of an answer: exactly the bytes of `range`, read only as the requester takes them, into his buffers if he
 * brings some (`mode: "byob"`), so that nothing is copied or allocated on the way. When the task fails
 * by our own fault half-way, the rest comes straight from the source; any other failure cuts the body short, so that
 * the requester sees it is incomplete. Resolves when the first bytes are there; throws what failed before.
 */
export async function contentBody(
  range: ByteRange,
  parts: ContentBodyParts,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const body = new ContentBody(range, parts);
  await body.begin();
  return body.stream();
}

class ContentBody {
  readonly #range: ByteRange;
  readonly #parts: ContentBodyParts;
  readonly #reader: ReadableStreamBYOBReader | undefined;
  #direct: SourceBody | undefined;
  #isDirect: boolean;
  #position: number;
  /** The first bytes, on their way before the requester takes them. */
  #first: Promise<Uint8Array<ArrayBuffer> | undefined> | undefined;
  #isEndPrepared = false;
  #hasEnded = false;

  constructor(range: ByteRange, parts: ContentBodyParts) {
    this.#range = range;
    this.#parts = parts;
    this.#reader = parts.task?.getReader({ mode: "byob" });
    this.#isDirect = this.#reader === undefined;
    this.#position = range.start;
  }

  /** Waits for the first bytes, as long as the head of the answer can. */
  async begin(): Promise<void> {
    if (this.#position >= this.#range.end) return;
    const { headLimit, signal } = this.#parts;
    this.#first = this.#next(new Uint8Array(Math.min(BUFFER_BYTES, this.#range.end - this.#position)));
    try {
      await orAbort(this.#first, AbortSignal.any([headLimit, signal]));
    } catch (error) {
      if (headLimit.aborted && !signal.aborted) return;
      await this.#cancel(error);
      throw error;
    }
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: BUFFER_BYTES,
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.#cancel(reason),
    }, { highWaterMark: 0 });
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const { end } = this.#range;
    try {
      const early = this.#first;
      const bytes = this.#position < end ? await (early ?? this.#next(wantedBy(controller))) : undefined;
      this.#first = undefined;
      if (this.#position + (bytes?.length ?? 0) >= end) await this.#prepareEnd();
      if (bytes !== undefined) {
        this.#position += bytes.length;
        return early === undefined ? controller.byobRequest?.respondWithNewView(bytes) : controller.enqueue(bytes);
      }
      if (this.#position < end) {
        throw new DamselflyError("data_loss", `Cannot finish the body: it ends ${end - this.#position} bytes short`);
      }
      await this.#end();
      controller.close();
      controller.byobRequest?.respond(0);
    } catch (error) {
      await this.#end(error);
      throw error;
    }
  }

  /** The next bytes, in what `buffer` has become by being passed on; undefined when there are none. */
  async #next(buffer: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { byteOffset, length, buffer: { byteLength } } = buffer;
    let empty = buffer;
    if (!this.#isDirect) {
      try {
        const step = await this.#reader?.read(buffer);
        return step?.done === false ? step.value : undefined;
      } catch (error) {
        if (this.#parts.direct === undefined || !isMadeGoodBySource(error)) throw error;
        this.#parts.onDirect(error);
        this.#isDirect = true;
        empty = new Uint8Array(new ArrayBuffer(byteLength), byteOffset, length); // the other one went with its reader
      }
    }
    this.#direct ??= await this.#parts.direct?.({ start: this.#position, end: this.#range.end });
    return (await this.#direct?.read(empty))?.bytes;
  }

  async #prepareEnd(): Promise<void> {
    if (this.#isEndPrepared) return;
    this.#isEndPrepared = true;
    await this.#parts.beforeEnd?.();
  }

  async #cancel(reason: unknown): Promise<void> {
    const ended = this.#end(); // first of all, for the pull that is under way is about to fail
    this.#first?.catch(() => {});
    await this.#reader?.cancel(reason).catch(() => {});
    await ended;
  }

  async #end(error?: unknown): Promise<void> {
    const isFirst = !this.#hasEnded;
    this.#hasEnded = true;
    await this.#direct?.[Symbol.asyncDispose]();
    if (isFirst) await this.#parts.onEnd(error);
  }
}

/** The buffer that the reader of a body wants filled. */
function wantedBy({ byobRequest }: ReadableByteStreamController): Uint8Array<ArrayBuffer> {
  const view = byobRequest?.view;
  invariant(view !== undefined && view !== null, "a body is pulled into no buffer");
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
