import { DamselflyError, errorText } from "../../core/error.ts";
import type { SourceAnswer } from "./source.ts";

/** The URL without user, query and fragment: the only form that may be written down. */
export function publicUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** What an HTTP client says went wrong; it likes to quote whole URLs. */
export function withoutSecrets(text: string): string {
  return text.replace(/(https?:\/\/)(?:[^\s/?#@]*@)?([^\s?#)]*)[^\s)]*/gi, "$1$2");
}

/** What is wrong with an answer that was no refusal. */
type Flag = "ignoresRange" | "isOtherVersion" | "hasNoLength";

/** A `source_error` of an origin that gave no answer, or none that can be used. No secret of a URL is in it. */
export function sourceFailure(
  url: URL,
  what: string,
  { cause, ...flags }: { readonly cause?: unknown } & Pick<SourceAnswer, Flag> = {},
): DamselflyError {
  const details: SourceAnswer = {
    status: undefined,
    headers: {},
    body: new Uint8Array(0),
    ...flags,
  };
  return new DamselflyError("source_error", `Cannot fetch ${publicUrl(url)}: ${what}`, {
    details,
    ...(cause === undefined ? {} : { cause: new Error(withoutSecrets(errorText(cause))) }),
  });
}

/** Whether `error` is a refusal of the origin: a `source_error` with the status that it answered. */
export function isSourceRefusal(error: unknown): error is DamselflyError & { readonly details: SourceAnswer } {
  return sourceAnswerOf(error)?.status !== undefined;
}

/** What the origin answered, when `error` is a `source_error`. */
export function sourceAnswerOf(error: unknown): SourceAnswer | undefined {
  if (!(error instanceof DamselflyError) || error.code !== "source_error") return undefined;
  const details = error.details;
  return typeof details === "object" && details !== null && "headers" in details && "body" in details
    ? details as SourceAnswer
    : undefined;
}
