import type * as z from "zod";
import { DamselflyError } from "../../core/error.ts";
import type { Clock } from "../../runtime/clock.ts";

/** The longest body that is taken, in bytes; the largest real one is a cluster with its block lists. */
const BODY_BYTES_MAX = 1024 * 1024;
/** How long a body may take to arrive. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * Reads and parses a JSON body, whatever its content type says. Fails with `invalid_argument` that names the fields,
 * with `no_space` when the body is too long, with `timeout` when it is too slow, and with `cancelled` when the caller
 * goes away.
 */
export async function readBody<T extends z.ZodType>(request: Request, schema: T, clock: Clock): Promise<z.infer<T>> {
  const text = await readText(request, clock);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DamselflyError("invalid_argument", "Cannot read body: it is not JSON", { cause });
  }
  return parseInput(schema, json);
}

/** Parses what a caller sent. Fails with `invalid_argument` that names each field that is wrong. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new DamselflyError("invalid_argument", issues.join("; "));
}

async function readText(request: Request, clock: Clock): Promise<string> {
  if (request.body === null) return "";
  using limit = clock.deadline(BODY_TIMEOUT_MS);
  const reader = request.body.getReader();
  limit.signal.addEventListener("abort", () => reader.cancel(limit.signal.reason).catch(() => {}), { once: true });
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  while (true) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new DamselflyError("cancelled", "Cannot read body: the caller went away", { cause });
    });
    if (limit.signal.aborted) throw new DamselflyError("timeout", "Cannot read body: it took too long to arrive");
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > BODY_BYTES_MAX) {
      await reader.cancel();
      throw new DamselflyError("no_space", `Cannot read body: it has more than ${BODY_BYTES_MAX} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
