import { RE2JS } from "re2js";
import { DamselflyError, errorText } from "./error.ts";

/** A regular expression from a configuration or an administrator. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** Whether it matches anywhere in `subject`. */
  test(subject: string): boolean;
}

const PATTERN_LENGTH_MAX = 1024;

/** A pattern that is mere text, perhaps bound to the start. */
const PLAIN = /^(\^?)((?:[A-Za-z0-9 _/:-]|\\[./-])+)$/;

/**
 * Compiles a pattern in the syntax of RE2, as Dragonfly's Go and Rust understand it, `(?i)` included. Matching takes
 * time linear in the subject: patterns meet names and URLs that anybody may send, and the language's own expressions
 * can be made to run for hours by them. Throws `invalid_argument`.
 */
export function parsePattern(text: string): Pattern {
  if (text.length > PATTERN_LENGTH_MAX) {
    throw new DamselflyError(
      "invalid_argument",
      `Cannot use pattern: it has ${text.length} characters, at most ${PATTERN_LENGTH_MAX} are allowed`,
    );
  }
  const [, start, escaped] = PLAIN.exec(text) ?? [];
  if (escaped !== undefined) {
    // Most patterns are mere text, and comparing text is many times faster.
    const plain = escaped.replaceAll("\\", "");
    return { text, test: (subject) => start === "" ? subject.includes(plain) : subject.startsWith(plain) };
  }
  try {
    const compiled = RE2JS.compile(text);
    return { text, test: (subject) => compiled.matcher(subject).find() };
  } catch (cause) {
    throw new DamselflyError("invalid_argument", `Cannot parse pattern "${text}": ${errorText(cause)}`, { cause });
  }
}
