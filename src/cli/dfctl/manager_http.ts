import { DamselflyError } from "../../core/error.ts";
import type { DfctlEffects } from "./context.ts";
import { refusal, unreachable } from "./manager_failure.ts";

/** How long the manager may take for one answer. */
const ANSWER_TIMEOUT_MS = 30_000;
/** The row of the largest job takes a few MiB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Readonly<Record<string, string | number | undefined>>;
type Effects = Pick<DfctlEffects, "runtime">;

/** What a request has besides its method and path. */
export interface RequestParts {
  readonly query?: Query;
  readonly body?: unknown;
  /** How long the answer may take, in milliseconds; 30 s when left out. */
  readonly timeoutMs?: number;
}

/** HTTP to one manager. Credentials go in headers alone, and redirects are refused, so that they go nowhere else. */
export class ManagerHttp implements Disposable {
  readonly url: string;
  readonly #runtime: DfctlEffects["runtime"];
  readonly #signal: AbortSignal;
  readonly #client: Deno.HttpClient | undefined;

  private constructor(url: string, { runtime }: Effects, signal: AbortSignal, client: Deno.HttpClient | undefined) {
    this.url = url;
    this.#runtime = runtime;
    this.#signal = signal;
    this.#client = client;
  }

  /** `caCert` is the path of a PEM file. Throws when it cannot be read. */
  static async open(
    { url, caCert }: { readonly url: string; readonly caCert?: string | undefined },
    effects: Effects,
    signal: AbortSignal,
  ): Promise<ManagerHttp> {
    if (caCert === undefined) return new ManagerHttp(url, effects, signal, undefined);
    const pem = await effects.runtime.disk.readText(caCert);
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) {
      throw new DamselflyError("invalid_argument", `Cannot use ${caCert}: it is no PEM file with a certificate`);
    }
    return new ManagerHttp(url, effects, signal, Deno.createHttpClient({ caCerts: [pem] }));
  }

  /** Sends a request and gives the body of a 200, undefined when it is empty, and its headers. */
  async send(
    method: Method,
    path: string,
    { query = {}, body, token, timeoutMs = ANSWER_TIMEOUT_MS }: RequestParts & { readonly token?: string },
  ): Promise<{ readonly body: unknown; readonly headers: Headers }> {
    const target = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    using limit = this.#runtime.clock.deadline(timeoutMs);
    const signal = AbortSignal.any([this.#signal, limit.signal]);
    try {
      const response = await this.#runtime.fetch(target, {
        ...{ method, signal, redirect: "manual" },
        headers: {
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(this.#client === undefined ? {} : { client: this.#client }),
      });
      const text = await textOf(response);
      if (response.status === 200) return { body: text === "" ? undefined : jsonOf(text), headers: response.headers };
      throw this.#failure(response, text);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!limit.signal.aborted) throw unreachable(this.url, error);
      const message = `The manager at ${this.url} gave no answer within ${timeoutMs / 1000} s`;
      throw new DamselflyError("timeout", message, { cause: error });
    }
  }

  #failure({ status, headers }: Response, text: string): DamselflyError {
    const location = headers.get("location");
    if (location === null) return refusal({ url: this.url, status, text, retryAfter: headers.get("retry-after") });
    // Stock managers lead whoever asks for what they do not have to their console (manager-rest.md §0).
    if (URL.parse(location, this.url)?.origin === this.url) {
      const message = `The manager at ${this.url} does not know this request: it is Dragonfly's, or of another version`;
      return new DamselflyError("unimplemented", message);
    }
    const message = `${this.url} sends dfctl on to ${location}, where it does not take your credentials: ` +
      "sign in at the manager's own URL";
    return new DamselflyError("failed_precondition", message);
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}

async function textOf(response: Response): Promise<string> {
  const parts: string[] = [];
  let bytes = 0;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new DamselflyError("resource_exhausted", `The manager's answer is over ${ANSWER_BYTES_MAX} bytes`);
    }
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  return parts.join("") + decoder.decode();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DamselflyError("internal", "The answer is no JSON: is this the REST address of a manager?", { cause });
  }
}
