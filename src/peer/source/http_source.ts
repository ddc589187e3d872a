import { type ByteRange, parseContentRange, rangeHeader } from "../../core/byte_range.ts";
import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { exactBody, refusalBody } from "./body.ts";
import type { Exchange, Exchanger } from "./exchange.ts";
import { refusalHeaders, replayedHeaders } from "./headers.ts";
import type {
  Source,
  SourceAnswer,
  SourceBody,
  SourceContent,
  SourceRequest,
  SourceStat,
  SourceStream,
} from "./source.ts";
import { publicUrl, sourceFailure } from "./source_failure.ts";

/** Servers that know no HEAD at all. */
const HEAD_UNKNOWN = new Set([405, 501]);

/** Sends a request, and gives the answer at the end of its redirects. */
export type Send = Exchanger["send"];

/** How servers are asked. */
export interface HttpSourceParts {
  readonly send: Send;
  readonly clock: Clock;
  /** Ask for the first byte instead of with HEAD, whose refusals have no body that says why. */
  readonly withoutHead?: boolean;
}

/** The origins that speak HTTP or HTTPS. */
export function createHttpSource({ send, clock, withoutHead = false }: HttpSourceParts): Source & SourceStream {
  /** GET of one byte, where HEAD is not understood: pre-signed URLs are made for one method. */
  async function probe(request: SourceRequest, signal: AbortSignal): Promise<SourceStat> {
    const exchange = await send("GET", request, { range: "bytes=0-0" }, signal);
    const { status } = exchange.response;
    if (status === 416) {
      await exchange.close("empty");
      return probeWhole(request, signal);
    }
    if (status !== 206) return statOfWhole(exchange, signal);
    await exchange.close("one byte is enough");
    const total = parseContentRange(exchange.response.headers.get("content-range"))?.total;
    if (total === undefined) throw withoutLength(exchange);
    return { contentLength: total, acceptsRanges: true, responseHeaders: replayedHeaders(exchange.response.headers) };
  }

  /** Of nothing there is no first byte: an empty content answers 416 to every range. */
  async function probeWhole(request: SourceRequest, signal: AbortSignal): Promise<SourceStat> {
    return statOfWhole(await send("GET", request, {}, signal), signal);
  }

  async function statOfWhole(exchange: Exchange, signal: AbortSignal): Promise<SourceStat> {
    const stat = await statOfAll(exchange, clock, signal);
    await exchange.close("the headers are enough");
    return { ...stat, acceptsRanges: false };
  }

  return {
    async stat(request, signal) {
      if (withoutHead) return await probe(request, signal);
      const exchange = await send("HEAD", request, {}, signal);
      const { response, isFirstOrigin } = exchange;
      await exchange.close("no body");
      const contentLength = lengthOf(response);
      // Handlers that forget HEAD answer it with an empty body and its length: 0 is only believed of a GET.
      if (response.status === 200 && contentLength !== undefined && contentLength > 0) {
        return statOf(response, contentLength);
      }
      const isFinal = isFirstOrigin && response.status >= 400 && !HEAD_UNKNOWN.has(response.status);
      if (isFinal) throw await refusal(exchange, clock, signal);
      return probe(request, signal);
    },

    async begin(request, signal) {
      const exchange = await send("GET", request, {}, signal);
      const stat = await statOfAll(exchange, clock, signal);
      return { stat, body: exactBody(exchange, { length: stat.contentLength, isAll: true }, clock, signal) };
    },

    async read(request, range, content, signal): Promise<SourceBody> {
      const isWhole = range.start === 0 && range.end === content.contentLength;
      const headers = isWhole ? {} : { range: rangeHeader(range), ...ifRange(content.version) };
      const exchange = await send("GET", request, headers, signal);
      if (exchange.response.status !== 200 && exchange.response.status !== 206) {
        throw await refusal(exchange, clock, signal);
      }
      const wrong = wrongAnswer(exchange, range, content);
      const isAll = isWhole || exchange.response.status === 206;
      const expected = { length: range.end - range.start, isAll };
      if (wrong === undefined) return exactBody(exchange, expected, clock, signal);
      await exchange.close("not what was asked for");
      throw wrong;
    },

    readToEnd: async (request, signal) => bodyToEnd(await send("GET", request, {}, signal), clock, signal),
  };
}

/** What the head of an answer with all of a content says; the transfer goes on. */
async function statOfAll(exchange: Exchange, clock: Clock, signal: AbortSignal): Promise<SourceStat> {
  const { response } = exchange;
  if (response.status !== 200) throw await refusal(exchange, clock, signal);
  const contentLength = lengthOf(response);
  if (contentLength !== undefined) return statOf(response, contentLength);
  await exchange.close("it cannot be used");
  throw withoutLength(exchange);
}

async function bodyToEnd(exchange: Exchange, clock: Clock, signal: AbortSignal): Promise<SourceBody> {
  const { response: { status, headers } } = exchange;
  if (status !== 200) throw await refusal(exchange, clock, signal);
  if (!isEncoded(headers)) return exactBody(exchange, { length: Infinity, isAll: false }, clock, signal);
  await exchange.close("not what was asked for");
  throw encoded(exchange);
}

function statOf({ headers }: Response, contentLength: number): SourceStat {
  const acceptsRanges = headers.get("accept-ranges")?.toLowerCase() !== "none";
  return { contentLength, acceptsRanges, responseHeaders: replayedHeaders(headers) };
}

function withoutLength({ url, response: { headers } }: Exchange): DamselflyError {
  if (isEncoded(headers)) return sourceFailure(url, "it only says how long an encoding of the content is");
  return sourceFailure(url, "it does not say how long the content is", { hasNoLength: true });
}

function encoded({ url }: Pick<Exchange, "url">): DamselflyError {
  return sourceFailure(url, "it answered with an encoding of the content");
}

/** The error of an answer that is no content. */
export async function refusal(exchange: Exchange, clock: Clock, signal: AbortSignal): Promise<DamselflyError> {
  const { response, url } = exchange;
  const details: SourceAnswer = {
    status: response.status,
    headers: refusalHeaders(response.headers, exchange.isFirstOrigin),
    body: await refusalBody(exchange, clock, signal),
  };
  const text = `Cannot fetch ${publicUrl(url)}: the source answered ${response.status}`;
  return new DamselflyError("source_error", text, { details });
}

/** The length that an answer states; undefined when it does not, or states that of an encoding of the content. */
function lengthOf({ headers }: Response): number | undefined {
  const text = headers.get("content-length");
  if (text === null || !/^\d{1,15}$/.test(text) || isEncoded(headers)) return undefined;
  return Number(text);
}

function isEncoded(headers: Headers): boolean {
  const encoding = headers.get("content-encoding");
  return encoding !== null && encoding.toLowerCase() !== "identity";
}

/** Asks for the part only if the version is still the same; else all of the new one comes (RFC 9110 §13.1.5). */
function ifRange(version: SourceContent["version"]): Record<string, string> {
  const etag = version?.["etag"];
  const validator = etag === undefined || etag.startsWith("W/") ? version?.["last-modified"] : etag;
  return validator === undefined ? {} : { "if-range": validator };
}

/** Whether a validator says that this is another version; `etag` decides when both have one. */
function isOtherVersion(headers: Headers, version: SourceContent["version"] = {}): boolean {
  for (const name of ["etag", "last-modified"]) {
    const [before, now] = [version[name], headers.get(name)];
    if (before !== undefined && now !== null) return before !== now;
  }
  return false;
}

/** Why an answer is not the bytes `range` of a content of `contentLength` bytes; undefined when it is. */
function wrongAnswer(
  { response, url }: Exchange,
  range: ByteRange,
  { contentLength, version }: SourceContent,
): DamselflyError | undefined {
  const { status, headers } = response;
  if (isOtherVersion(headers, version)) {
    const what = "the content is another version than the one that the download began with";
    return sourceFailure(url, what, { isOtherVersion: true });
  }
  if (isEncoded(headers)) return encoded({ url });
  if (status === 206) {
    const text = headers.get("content-range");
    const answered = parseContentRange(text);
    const isRight = answered?.total === contentLength && answered.range.start === range.start &&
      answered.range.end === range.end;
    return isRight ? undefined : sourceFailure(
      url,
      `it answered the range "${text ?? ""}" to ${rangeHeader(range)} of ${contentLength} bytes`,
    );
  }
  const length = lengthOf(response);
  if (range.start > 0) return sourceFailure(url, "it ignores ranges", { ignoresRange: true });
  if (length === undefined || length === contentLength) return undefined;
  return sourceFailure(url, `the content has ${length} bytes now and had ${contentLength}`);
}
