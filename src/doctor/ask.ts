import { DamselflyError, errorText } from "../core/error.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";

const ANSWER_TIMEOUT_MS = 5_000;
/** The metrics of a busy dfdaemon take some 100 KB. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** What the doctor needs of the world. */
export type DoctorRuntime = Pick<
  Runtime,
  "clock" | "disk" | "net" | "fetch" | "log" | "env" | "hostname" | "localIps"
>;

/** An answer over HTTP, or why there was none. */
export type Answer =
  | { readonly status: number; readonly headers: Headers; readonly text: string }
  | { readonly problem: string };

/** Asks one of our programs, which has 5 s. Its body is cut at 4 MiB. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  { clock, fetch }: Pick<DoctorRuntime, "clock" | "fetch">,
  signal: AbortSignal,
): Promise<Answer> {
  return await within(ANSWER_TIMEOUT_MS, clock, signal, async (either) => {
    const response = await fetch(url, { headers, redirect: "manual", signal: either });
    return { status: response.status, headers: response.headers, text: await firstText(response) };
  });
}

/** The beginning of a body, as text. */
export async function firstText(response: Response, bytesMax = BODY_BYTES_MAX): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk.subarray(0, bytesMax - length));
    length += chunk.length;
    if (length >= bytesMax) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** What an error says; clients of HTTP put the URL and their own parts in front of it. */
export function problemOf(error: unknown): string {
  return errorText(error).replace(/^.*error sending request for url \(.*?\): (?:client error \(\w+\): )?/, "");
}

/** Runs something within a limit; what it throws is a problem, except for the end of `signal`. */
export async function within<T>(
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly problem: string; readonly error: unknown }> {
  using limit = clock.deadline(ms);
  try {
    return await run(AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.signal.aborted) return { problem: problemOf(error), error };
    const late = new DamselflyError("timeout", `no answer within ${ms / 1000} s`, { cause: error });
    return { problem: late.message, error: late };
  }
}
