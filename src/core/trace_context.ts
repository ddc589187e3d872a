/** What a step of a request is known by in other processes (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hexadecimal digits, the same for all steps of a request. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the steps are recorded; who passes the request on decides it for all that follow. */
  readonly isSampled: boolean;
}

/** The name of the header, and of the gRPC metadata. */
export const TRACEPARENT = "traceparent";

const SAMPLED = 1;
/** A version of the future may have more behind the flags. */
const TRACEPARENT_TEXT = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const NOTHING = /^0+$/;

/** Reads a `traceparent`; undefined when it is none, for a request is answered whatever it says there. */
export function parseTraceparent(text: string | null | undefined): TraceContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT_TEXT.exec(text ?? "") ?? [];
  if (version === undefined || NOTHING.test(traceId) || NOTHING.test(spanId)) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** Writes a `traceparent`. */
export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}
