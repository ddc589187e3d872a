import { type Clock, timeoutError } from "../../runtime/clock.ts";
import type { Exchange } from "./exchange.ts";
import { replayedHeaders } from "./headers.ts";
import type { SourceBody } from "./source.ts";
import { sourceFailure } from "./source_failure.ts";

/** Longest time without a byte of a body; noticed a quarter of it late at most. */
const IDLE_TIMEOUT_MS = 30_000;
/** Of a refusal's body; a registry's JSON has a few hundred bytes. */
const REFUSAL_BYTES_MAX = 64 * 1024;
/** Of a body that is kept in memory, what is read at a time. */
const COLLECTED_BYTES = 64 * 1024;
/** Of a body that is passed on, what is read at a time. */
const RELAYED_BYTES = 64 * 1024;

/**
 * Reads exactly `length` bytes of an answer into the caller's buffers; less throws. More throws too when the answer
 * should end there (`isAll`), else it is left alone. With `Infinity` it is read to its end.
 */
export function exactBody(
  exchange: Exchange,
  { length, isAll }: { readonly length: number; readonly isAll: boolean },
  clock: Clock,
  signal: AbortSignal,
): SourceBody {
  const reader = readerOf(exchange, clock, signal);
  let left = length;
  let isClosed = false;
  return {
    version: replayedHeaders(exchange.response.headers),
    async read(buffer) {
      if (left === 0) {
        if (isAll && reader !== undefined) await mustEnd(exchange, reader);
        return null;
      }
      const wanted = buffer.length > left ? buffer.subarray(0, left) : buffer;
      const value = await reader?.read(wanted);
      if (value === undefined || value.length === 0) {
        if (left === Infinity) return null;
        throw sourceFailure(exchange.url, `the answer ends ${left} bytes short of ${length}`);
      }
      left -= value.length;
      return { bytes: value };
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await reader?.cancel();
      await exchange.close("no longer wanted");
    },
  };
}

async function mustEnd(exchange: Exchange, reader: BodyReader): Promise<void> {
  const value = await reader.read(new Uint8Array(1));
  if (value !== undefined && value.length > 0) throw sourceFailure(exchange.url, "the content is longer than it was");
}

/** The body of a refusal, cut to what is relayed. A body that fails is no body: the status says enough. */
export async function refusalBody(
  exchange: Exchange,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  try {
    await collect(exchange, { parts, bytesMax: REFUSAL_BYTES_MAX }, clock, signal);
  } catch {
    signal.throwIfAborted();
  }
  return joined(parts);
}

/** The whole body of an answer. Throws `source_error` when it breaks off or has more than `bytesMax`. */
export async function smallBody(
  exchange: Exchange,
  bytesMax: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  await collect(exchange, { parts, bytesMax: bytesMax + 1 }, clock, signal);
  const body = joined(parts);
  if (body.length > bytesMax) throw sourceFailure(exchange.url, `it answered with more than ${bytesMax} bytes`);
  return body;
}

/** Adds to `parts` what comes of a body, `bytesMax` at most, and ends the transfer. */
async function collect(
  exchange: Exchange,
  { parts, bytesMax }: { readonly parts: Uint8Array<ArrayBuffer>[]; readonly bytesMax: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const reader = readerOf(exchange, clock, signal);
  let length = 0;
  try {
    while (reader !== undefined && length < bytesMax) {
      const value = await reader.read(new Uint8Array(Math.min(COLLECTED_BYTES, bytesMax - length)));
      if (value === undefined || value.length === 0) break;
      parts.push(value);
      length += value.length;
    }
  } finally {
    await reader?.cancel();
    await exchange.close("read");
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of parts) {
    body.set(part, position);
    position += part.length;
  }
  return body;
}

/** The body of an answer, to be passed on as it is taken. Silence ends it, and so does a requester who leaves. */
export function relayedBody(
  exchange: Exchange,
  clock: Clock,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  const reader = readerOf(exchange, clock, signal);
  if (reader === undefined) return null;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const value = await reader.read(new Uint8Array(RELAYED_BYTES));
      if (value === undefined || value.length === 0) return controller.close();
      controller.enqueue(value);
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await exchange.close(reason);
    },
  }, { highWaterMark: 0 });
}

function readerOf(exchange: Exchange, clock: Clock, signal: AbortSignal): BodyReader | undefined {
  const { body } = exchange.response;
  return body === null ? undefined : new BodyReader(exchange, body.getReader({ mode: "byob" }), clock, signal);
}

/**
 * Reads a body, and ends the transfer when somebody waits for its bytes too long. It has one timer, since a body is read
 * in thousands of small parts; it is to be read to its end, or cancelled.
 */
class BodyReader {
  readonly #exchange: Exchange;
  readonly #reader: ReadableStreamBYOBReader;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #timer: Disposable;
  #waitingSince = Infinity;
  #isIdle = false;

  constructor(exchange: Exchange, reader: ReadableStreamBYOBReader, clock: Clock, signal: AbortSignal) {
    this.#exchange = exchange;
    this.#reader = reader;
    this.#clock = clock;
    this.#signal = signal;
    this.#timer = clock.every(IDLE_TIMEOUT_MS / 4, () => this.#look());
  }

  /** Some bytes, in what `buffer` has become; undefined at the end, and then for good. */
  async read(buffer: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#waitingSince = this.#clock.now();
    try {
      const { done, value } = await this.#reader.read(buffer);
      if (done) this.#timer[Symbol.dispose]();
      return done ? undefined : value;
    } catch (cause) {
      this.#timer[Symbol.dispose]();
      this.#signal.throwIfAborted();
      const what = this.#isIdle ? `no byte came for ${IDLE_TIMEOUT_MS} ms` : "the connection broke";
      throw sourceFailure(this.#exchange.url, what, { cause });
    } finally {
      this.#waitingSince = Infinity;
    }
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#reader.cancel(reason).catch(() => {});
  }

  #look(): void {
    if (this.#clock.now() - this.#waitingSince < IDLE_TIMEOUT_MS) return;
    this.#isIdle = true;
    void this.#exchange.close(timeoutError(IDLE_TIMEOUT_MS));
  }
}
