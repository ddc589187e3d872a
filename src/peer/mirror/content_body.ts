import type { ByteRange } from "../../core/byte_range.ts";
import { DamselflyError, type ErrorCode } from "../../core/error.ts";
import type { SourceBody } from "../source/source.ts";

/** Bytes of a direct transfer that are read at a time. */
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
  /** Opens a direct transfer of the rest. */
  readonly direct: (rest: ByteRange) => Promise<SourceBody>;
  /** Called when the body goes on without the task, with the reason. */
  readonly onDirect: (error: unknown) => void;
  /** Called once, before the last bytes are given: what it throws cuts the body short. */
  readonly beforeEnd?: () => Promise<void>;
  /** Called once, when the body is complete, failed or no longer wanted. */
  readonly onEnd: (error?: unknown) => Promise<void>;
}

/**
 * The body of an answer: exactly the bytes of `range`, read only as the requester takes them. When the task fails
 * by our own fault half-way, the rest comes straight from the source; any other failure cuts the body short, so that
 * the requester sees it is incomplete.
 */
export function contentBody(range: ByteRange, parts: ContentBodyParts): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = parts.task?.getReader();
  let direct: SourceBody | undefined;
  let isDirect = reader === undefined;
  let position = range.start;
  let isEndPrepared = false;
  let hasEnded = false;

  async function next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!isDirect) {
      try {
        return (await reader?.read())?.value;
      } catch (error) {
        if (!isMadeGoodBySource(error)) throw error;
        parts.onDirect(error);
        isDirect = true;
      }
    }
    direct ??= await parts.direct({ start: position, end: range.end });
    return (await direct.read(new Uint8Array(BUFFER_BYTES)))?.bytes;
  }

  async function prepareEnd(): Promise<void> {
    if (isEndPrepared) return;
    isEndPrepared = true;
    await parts.beforeEnd?.();
  }

  async function end(error?: unknown): Promise<void> {
    const isFirst = !hasEnded;
    hasEnded = true;
    await direct?.[Symbol.asyncDispose]();
    if (isFirst) await parts.onEnd(error);
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const bytes = position < range.end ? await next() : undefined;
        if (position + (bytes?.length ?? 0) >= range.end) await prepareEnd();
        if (bytes !== undefined) {
          position += bytes.length;
          return controller.enqueue(bytes);
        }
        if (position < range.end) {
          throw new DamselflyError("data_loss", `Cannot finish the body: it ends ${range.end - position} bytes short`);
        }
        await end();
        controller.close();
      } catch (error) {
        await end(error);
        throw error;
      }
    },
    async cancel(reason) {
      const ended = end(); // first of all, for the pull that is under way is about to fail
      await reader?.cancel(reason).catch(() => {});
      await ended;
    },
  }, { highWaterMark: 0 });
}
