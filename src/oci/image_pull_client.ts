import { DamselflyError, errorText } from "../core/error.ts";
import { NOT_TLS } from "../http/not_tls.ts";
import { VERSION } from "../core/version.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fetch } from "../runtime/runtime.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import { defaultEndpoint } from "./registry_namespace.ts";

/** containerd's limits from 2.3 on (node-side.md §2.4). */
const RESPONSE_TIMEOUT_MS = 30_000;
const PROGRESS_TIMEOUT_MS = 300_000;
const ERROR_BODY_BYTES_MAX = 64 * 1024;
const TOKEN_BODY_BYTES_MAX = 1024 * 1024;
/** Of a token that does not say (distribution "token" authentication), and the longest that is believed. */
const LIFETIME_MS = { usual: 60_000, max: 24 * 60 * 60_000 };
/** How long before its end a token is renewed; one that lives shorter is at half of its life. */
const RENEW_BEFORE_MS = 30_000;

/** A registry account. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Whom a {@link PullClient} talks to, and about what. */
export interface PullTarget {
  /** Where requests go: a mirror, or the registry itself. */
  readonly endpoint: string;
  /** The registry as image names write it. */
  readonly namespace: string;
  readonly repository: string;
  readonly credentials?: Credentials;
}

/** What a challenge was answered with. */
interface Login {
  readonly challenge: Challenge;
  readonly authorization: string;
  /** From then on it may be refused soon. */
  readonly renewAtMs: number;
}

/** The effects of a pull. */
export interface PullEffects {
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** A requester of one repository, with containerd's manners: `?ns=`, challenges answered at their realm. */
export class PullClient {
  readonly #target: PullTarget;
  readonly #effects: PullEffects;
  #login: Login | undefined;
  #renewing: Promise<Login> | undefined;

  constructor(target: PullTarget, effects: PullEffects) {
    this.#target = target;
    this.#effects = effects;
  }

  /**
   * What the last challenge was answered with, anew when it is near its end; undefined while there was no challenge.
   * Throws as {@link send} does.
   */
  async authorization(signal: AbortSignal): Promise<string | undefined> {
    const login = this.#login;
    if (login === undefined || this.#effects.clock.now() < login.renewAtMs) return login?.authorization;
    return await this.renew(login.authorization, signal);
  }

  /**
   * Another answer to the last challenge than `refused`, one for all who ask at a time; undefined when there can be
   * none. Throws as {@link send} does.
   */
  async renew(refused: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const login = this.#login;
    if (login === undefined || login.challenge.scheme === "basic") return undefined;
    if (login.authorization !== refused) return login.authorization;
    this.#renewing ??= this.#answer(login.challenge, signal).finally(() => this.#renewing = undefined);
    this.#login = await this.#renewing;
    return this.#login.authorization;
  }

  /**
   * Sends a request, and once more after a challenge. Any status comes back except for a 401 that could not be
   * helped. Throws `unavailable`, `timeout`, `unauthenticated`, and the own errors of `fetch`.
   */
  async send(
    method: "GET" | "HEAD",
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const response = await this.#sendOnce(method, path, headers, signal);
    if (response.status !== 401) return response;
    await response.body?.cancel();
    this.#login = await this.#answer(parseChallenge(response.headers.get("www-authenticate")), signal);
    return await this.#sendOnce(method, path, headers, signal);
  }

  #sendOnce(
    method: "GET" | "HEAD",
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const { endpoint, namespace, repository } = this.#target;
    const url = new URL(`/v2/${repository}/${path}`, endpoint);
    if (url.host !== defaultEndpoint(namespace).host) url.searchParams.set("ns", namespace);
    const authorization = this.#login?.authorization;
    return this.#fetch(url, {
      method,
      headers: {
        "user-agent": `damselfly/${VERSION}`,
        // What is hashed is what the registry stores, so nobody may encode it on the way.
        "accept-encoding": "identity",
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
    }, signal);
  }

  async #fetch(url: URL, init: RequestInit, signal: AbortSignal): Promise<Response> {
    using limit = this.#effects.clock.deadline(RESPONSE_TIMEOUT_MS);
    try {
      return await this.#effects.fetch(url, { ...init, signal: AbortSignal.any([signal, limit.signal]) });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof DamselflyError && !limit.signal.aborted) throw cause;
      const why = limit.signal.aborted ? `no answer within ${RESPONSE_TIMEOUT_MS} ms` : errorText(cause);
      const code = limit.signal.aborted ? "timeout" : "unavailable";
      const mend = NOT_TLS.test(why) ? "; it speaks no TLS: name it with http://" : "";
      throw new DamselflyError(code, `Cannot reach ${url.origin}: ${why}${mend}`, { cause });
    }
  }

  async #answer(challenge: Challenge | undefined, signal: AbortSignal): Promise<Login> {
    const { credentials } = this.#target;
    if (challenge?.scheme === "bearer") return await this.#token(challenge, signal);
    if (challenge?.scheme === "basic" && credentials !== undefined) {
      return { challenge, authorization: basic(credentials), renewAtMs: Infinity };
    }
    const { namespace, repository } = this.#target;
    const why = challenge === undefined
      ? "it asks for a kind of login that is not known"
      : "it wants a user and password";
    throw new DamselflyError("unauthenticated", `Cannot pull ${repository} from ${namespace}: ${why}`);
  }

  /** A token from the realm itself, never through the mirror (distribution "token" authentication). */
  async #token(challenge: Challenge & { scheme: "bearer" }, signal: AbortSignal): Promise<Login> {
    const { credentials, repository } = this.#target;
    const url = new URL(challenge.realm);
    if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
    url.searchParams.set("scope", challenge.scope ?? `repository:${repository}:pull`);
    const headers = credentials === undefined ? {} : { authorization: basic(credentials) };
    const response = await this.#fetch(url, { headers }, signal);
    if (!response.ok) throw await this.refusal(response, `Cannot get a token for ${repository} from ${url.origin}`);
    const token = tokenOf(await this.readAll(response, TOKEN_BODY_BYTES_MAX, "the token"));
    if (token !== undefined) {
      const lifetimeMs = token.lifetimeMs;
      const renewAtMs = this.#effects.clock.now() + Math.max(lifetimeMs - RENEW_BEFORE_MS, lifetimeMs / 2);
      return { challenge, authorization: `Bearer ${token.value}`, renewAtMs };
    }
    throw new DamselflyError("source_error", `Cannot get a token for ${repository} from ${url.origin}: there is none`);
  }

  /** The body as it comes. A body that breaks off rejects; one that stands still rejects with `timeout`. */
  async *chunks(response: Response): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    try {
      for (;;) {
        using idle = this.#effects.clock.deadline(PROGRESS_TIMEOUT_MS);
        const stop = () => void reader.cancel(idle.signal.reason);
        idle.signal.addEventListener("abort", stop, { once: true });
        const { done, value } = await reader.read();
        idle.signal.throwIfAborted();
        if (done) return;
        yield value;
      }
    } finally {
      // A reader that has failed has nothing left to cancel; what failed it is already on its way up.
      await reader.cancel().catch(() => {});
    }
  }

  /** A whole body. Throws `source_error` when it is longer than `bytesMax`; `what` it is, for the message. */
  async readAll(response: Response, bytesMax: number, what: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.chunks(response)) {
      length += chunk.length;
      if (length > bytesMax) {
        throw new DamselflyError("source_error", `Cannot read ${what}: it is longer than ${bytesMax} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** The error that an answer other than 2xx stands for, with what the registry said; it reads the body. */
  async refusal(response: Response, action: string): Promise<DamselflyError> {
    const said = await this.readAll(response, ERROR_BODY_BYTES_MAX, "the refusal").then(registryMessage, () => "");
    const { status } = response;
    const code = status === 401
      ? "unauthenticated"
      : status === 403
      ? "permission_denied"
      : status === 404
      ? "not_found"
      : "source_error";
    return new DamselflyError(code, `${action}: the answer was ${status}${said}`, { details: { status } });
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function tokenOf(bytes: Uint8Array): { readonly value: string; readonly lifetimeMs: number } | undefined {
  try {
    const answer = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const { token, access_token, expires_in: seconds } = answer;
    const value = token ?? access_token;
    if (typeof value !== "string" || value === "") return undefined;
    const isKnown = typeof seconds === "number" && seconds > 0;
    return { value, lifetimeMs: isKnown ? Math.min(seconds * 1_000, LIFETIME_MS.max) : LIFETIME_MS.usual };
  } catch {
    return undefined;
  }
}

/** What an error answer of a registry says to people (OCI distribution-spec, "Error Codes"). */
function registryMessage(bytes: Uint8Array): string {
  try {
    const { errors } = JSON.parse(new TextDecoder().decode(bytes)) as { errors: { code: string; message?: string }[] };
    return ` (${errors.map(({ code, message }) => message ? `${code}: ${message}` : code).join("; ").slice(0, 500)})`;
  } catch {
    return "";
  }
}
